// Files → one merged tree: the pipeline of every document, include and extends.
#pragma once

#include "compose/diagnostics.hpp"
#include "compose/merge.hpp"
#include "compose/paths.hpp"
#include "compose/template.hpp"
#include "davit/load.hpp"

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace davit::compose {

// Files that are nowhere on the disk: absolute name → content. They win over what stands there.
using Texts = std::map<std::string, std::string>;

struct ModelOptions {
    bool interpolate = true;
    bool validate = true;
    bool resolve_paths = true;
    bool values = true; // files and secrets of a task definition have to be there
    std::string home;
    std::string stdin_text; // content of the file "-"
    ResourceLoader resources;
    Texts texts;
    bool elsewhere = false; // as in LoadOptions
};

// A set of files that are merged, and what they are read with: the project itself or an include.
struct FileSet {
    std::vector<std::string> files; // absolute, or "-"
    std::string directory;          // absolute: what paths of include and extends are relative to
    std::string path_base;          // what other paths are made relative to; may be relative to the parent's
    const Environment* environment = nullptr;
    bool resolve_paths = true;
    std::vector<std::string> ancestors; // the files whose includes led here
    Pos named_at{};                     // where another file names them
};

class ModelLoader {
public:
    ModelLoader(Tree& tree, Diagnostics& diag, ModelOptions options)
        : tree_(tree), diag_(diag), options_(std::move(options)) {}

    // The merged tree with defaults and resolved paths.
    Node* load(const FileSet&);

    // The documents of a file. Throws if it cannot be read or is no YAML.
    std::vector<Node*> documents(const std::string& file, Pos referrer = {});
    // The last `name:` of the files, as written; nullptr if there is none. What it reads load() need not read again.
    const Node* name_of(const std::vector<std::string>& files);

private:
    // What include and extends name: absolute, and fetched first if it is elsewhere. nullopt: reported.
    std::optional<std::string> local_file(const FileSet&, const Node& name, std::string_view path);

    struct ExtendsBase {
        Node* services = nullptr;
        Resets resets;
    };
    struct Chain {
        std::string file;
        std::string service;
    };

    struct Document {
        std::string file;
        Node* root = nullptr;
        bool literal = false; // without variables: of ECS
    };
    // Task definitions become compose files; the service that stands beside one goes into it.
    void convert_ecs(const FileSet&, std::vector<Document>&);
    Node* document(const FileSet&, const Document&, Node* merged);
    void finish(const FileSet&, Node& merged);
    // Upstream never sees them, as extends and include are gone before it looks.
    void warn_of_unknown_keys(const Node& map, std::string_view path, std::initializer_list<std::string_view> known);
    void drop_version(Node& merged, const std::string& file);

    void apply_includes(const FileSet&, const std::string& file, Node& doc, const Resets&);
    bool good_include(const Node& item); // false: reported
    void include_one(const FileSet&, const std::string& from, Node& doc, const Node& item, const Resets&);
    void import_resources(Node& imported, Node& doc, const Resets&);
    std::vector<std::string> include_env_files(const FileSet&, const Node& item, const std::string& project_directory);

    void apply_extends(const FileSet&, const std::string& file, Node& doc, const Resets&);
    Node* extend_service(const FileSet&, const std::string& file, Node& services, Entry& service, const Resets&,
                         std::vector<Chain>&);
    ExtendsBase& extends_file(const FileSet&, const std::string& ref, const std::string& path, const Node& at);

    Tree& tree_;
    Diagnostics& diag_;
    ModelOptions options_;
    std::map<std::string, std::vector<Node*>> ahead_; // read by name_of()
    std::map<std::pair<std::string, const Environment*>, ExtendsBase> extends_files_;
    std::vector<std::unique_ptr<Environment>> include_environments_;
};

} // namespace davit::compose
