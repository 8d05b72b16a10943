#include "stack/loader.hpp"

#include "base/error.hpp"
#include "compose/paths.hpp"
#include "stack/merge.hpp"
#include "stack/substitute.hpp"
#include "yaml/reader.hpp"
#include "yaml/text.hpp"

#include <algorithm>
#include <array>
#include <set>

namespace davit::stack {

namespace {

constexpr std::array<std::string_view, 16> ignored_keys = {
    "build",   "cgroup_parent", "cgroupns_mode", "devices",      "domainname", "external_links",
    "ipc",     "links",         "mac_address",   "network_mode", "pid",        "privileged",
    "restart", "security_opt",  "shm_size",      "userns_mode"};

struct KeyNote {
    std::string_view key, note;
};
// As recorded: who reads the warnings of docker's client finds these.
constexpr std::array deprecated_keys = {
    KeyNote{"container_name", "Setting the container name is not supported."},
    KeyNote{"expose", "Exposing ports is unnecessary - services on the same network can access each other's containers "
                      "on any port."},
};
constexpr std::string_view limits_hint = "Set resource limits using deploy.resources";
constexpr std::string_view volumes_hint =
    "define a volume in the top-level volumes, with its driver, and name it in the "
    "service's volumes";
constexpr std::array forbidden_keys = {
    KeyNote{"cpu_quota", limits_hint},
    KeyNote{"cpu_shares", limits_hint},
    KeyNote{"cpuset", limits_hint},
    KeyNote{"extends", "give several files with -c, or share a mapping by an anchor"},
    KeyNote{"mem_limit", limits_hint},
    KeyNote{"memswap_limit", limits_hint},
    KeyNote{"volume_driver", volumes_hint},
    KeyNote{"volumes_from", volumes_hint},
};

class Loader {
public:
    Loader(const StackOptions& options, std::vector<std::string>& refused) : options_(options), refused_(refused) {
        out_.tree = std::make_unique<Tree>();
        out_.diagnostics = std::make_unique<Diagnostics>(*out_.tree);
        out_.directory = directory();
    }

    LoadedFile run() {
        std::vector<Node*> roots;
        for (const std::string& file : options_.files) roots.push_back(parse(file));
        out_.diagnostics->throw_if_errors();
        const int minor = versions(roots);
        for (Node* root : roots) check(*root, minor);
        out_.diagnostics->throw_if_errors();
        note_keys(roots);
        const Surroundings around{out_.directory, lookup(), out_.warnings};
        for (Node* root : roots) make_canonical(*out_.tree, *root, minor, around, *out_.diagnostics);
        out_.diagnostics->throw_if_errors();
        out_.root = roots.front();
        for (std::size_t i = 1; i < roots.size(); ++i) merge_files(*out_.tree, *out_.root, *roots[i]);
        finish(minor);
        return std::move(out_);
    }

private:
    // Of the first file; what comes from standard input is where the caller is.
    std::string directory() const {
        const std::string& first = options_.files.front();
        if (first == "-") return options_.current_dir;
        return compose::parent_path(compose::clean_path(absolute(first)));
    }
    std::string absolute(const std::string& file) const {
        return compose::is_absolute(file) ? file : compose::join_path(options_.current_dir, file);
    }
    LookupEnvironment lookup() const {
        return [this](std::string_view name) -> const std::string* {
            const auto it = options_.environment.find(std::string(name));
            return it == options_.environment.end() ? nullptr : &it->second;
        };
    }

    Node* parse(const std::string& file) {
        std::string text = options_.stdin_text;
        if (file != "-") {
            try {
                text = read_named_file(absolute(file));
            } catch (Error& e) {
                if (e.kind() == Errc::not_found)
                    throw error(Errc::not_found, "open {}: no such file or directory", file);
                throw;
            }
        }
        const std::uint16_t index = out_.tree->add_file(file, yaml::canonical_text(std::move(text)));
        const auto documents = yaml::parse_yaml(*out_.tree, index, *out_.diagnostics);
        if (!documents.empty() && documents.front()->is_map()) return documents.front();
        if (out_.diagnostics->error_count() == 0)
            out_.diagnostics->error({1, 1, index}, "", "top-level object must be a mapping",
                                    "it needs at least  services:");
        return out_.tree->map();
    }

    int versions(const std::vector<Node*>& roots) {
        const int first = read_version(*roots.front(), *out_.diagnostics);
        for (Node* root : roots)
            if (const int minor = read_version(*root, *out_.diagnostics); minor != first)
                out_.diagnostics->error(
                    root->pos, "version",
                    fmt::format("version mismatched between two composefiles : 3.{} and 3.{}", first, minor));
        return first;
    }

    void check(Node& root, int minor) {
        forbid(root);
        if (options_.interpolate) substitute_all(*out_.tree, root, lookup(), *out_.diagnostics);
        validate(root, minor, *out_.diagnostics, refused_);
    }

    void forbid(const Node& root) {
        const Node* services = root.find("services");
        if (!services) return;
        for (const Entry& service : services->map())
            for (const KeyNote& f : forbidden_keys)
                if (const Entry* e = service.value->find_entry(f.key)) {
                    const std::string path = fmt::format("services.{}.{}", service.key, f.key);
                    out_.diagnostics->error(e->key_pos, path, "Compose file contains unsupported options",
                                            std::string(f.note));
                }
    }

    void note_keys(const std::vector<Node*>& roots) {
        std::set<std::string_view> used;
        for (const Node* root : roots)
            if (const Node* services = root->find("services"))
                for (const Entry& service : services->map())
                    for (const Entry& e : service.value->map()) used.insert(e.key);
        std::string ignored;
        for (std::string_view key : ignored_keys)
            if (used.count(key)) ignored.append(ignored.empty() ? "" : ", ").append(key);
        if (!ignored.empty()) out_.warnings.push_back("Ignoring unsupported options: " + ignored + "\n");
        std::string deprecated;
        for (const KeyNote& d : deprecated_keys)
            if (used.count(d.key)) deprecated += fmt::format("{}: {}\n", d.key, d.note);
        if (!deprecated.empty()) out_.warnings.push_back("Ignoring deprecated options:\n\n" + deprecated);
    }

    void finish(int minor) {
        Node& root = *out_.root;
        const Node* version = root.find("version");
        if (!version || version->str().empty() || version->str() == "3")
            out_.tree->set(root, "version", out_.tree->string(fmt::format("3.{}", minor)));
        if (!root.find("services")) out_.tree->set(root, "services", out_.tree->map());
    }

    const StackOptions& options_;
    std::vector<std::string>& refused_;
    LoadedFile out_;
};

} // namespace

LoadedFile load_files(const StackOptions& options, std::vector<std::string>& refused) {
    if (options.files.empty()) throw error(Errc::usage, "specify a Compose file (with --compose-file)");
    return Loader(options, refused).run();
}

} // namespace davit::stack
