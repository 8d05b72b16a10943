#include "compose/env_files.hpp"
#include "compose/model.hpp"

#include <algorithm>
#include <fmt/ranges.h>
#include <sys/stat.h>

namespace davit::compose {

namespace {

enum class There { nothing, file, directory };

There what_is(const std::string& path) {
    struct stat st {};
    if (stat(path.c_str(), &st) != 0) return There::nothing;
    return S_ISDIR(st.st_mode) ? There::directory : There::file;
}

// A text or a list of texts.
std::vector<const Node*> texts(const Node* n) {
    std::vector<const Node*> out;
    if (!n) return out;
    if (n->is_string()) out.push_back(n);
    for (const Node* item : n->list())
        if (item->is_string()) out.push_back(item);
    return out;
}

std::string absolute(const std::string& directory, std::string_view path) {
    return is_absolute(path) ? clean_path(path) : join_path(directory, path);
}

} // namespace

std::optional<std::string> ModelLoader::local_file(const FileSet& set, const Node& name, std::string_view path) {
    try {
        if (options_.resources)
            if (auto fetched = options_.resources(std::string(name.str()))) return fetched;
    } catch (const Error& e) {
        diag_.error(name.pos, path, e.what(), e.hint());
        return std::nullopt;
    }
    if (!is_remote(name.str())) return absolute(set.directory, name.str());
    diag_.error(name.pos, path, fmt::format("'{}' is not on this machine", name.str()),
                "git repositories and oci:// can be fetched; fetch anything else first");
    return std::nullopt;
}

void ModelLoader::apply_includes(const FileSet& set, const std::string& file, Node& doc, const Resets& resets) {
    Node* include = doc.find("include");
    if (!include) return;
    if (include->is_list()) {
        for (const Node* item : include->list()) include_one(set, file, doc, *item, resets);
    } else if (!include->is_null()) {
        diag_.error(include->pos, "include", "must be a list", "write  include: [other.yaml]");
    }
    doc.erase("include");
}

bool ModelLoader::good_include(const Node& item) {
    const auto is_text = [](const Node* n) { return n->is_text(); };
    bool good = true;
    for (std::string_view key : {"path", "env_file", "project_directory"}) {
        const Node* n = item.find(key);
        if (!n || n->is_null() || n->is_text()) continue;
        const bool directory = key == "project_directory";
        if (directory ? n->kind == Kind::integer
                      : n->is_list() && std::all_of(n->list().begin(), n->list().end(), is_text))
            continue;
        diag_.error(n->pos, fmt::format("include.{}", key),
                    directory ? "must be text" : "must be text or a list of texts");
        good = false;
    }
    return good;
}

void ModelLoader::include_one(const FileSet& set, const std::string& from, Node& doc, const Node& item,
                              const Resets& resets) {
    if (!item.is_string() && !item.is_map() && !item.is_null())
        return diag_.error(item.pos, "include", "an item is a path or a mapping with a path");
    if (!good_include(item)) return;
    auto paths = texts(item.is_map() ? item.find("path") : &item);
    warn_of_unknown_keys(item, "include", {"path", "project_directory", "env_file"});
    if (paths.empty()) {
        diag_.warning(item.pos, "include", "this item names no path and includes nothing", "add  path: other.yaml");
        include_env_files(set, item, set.directory); // which are looked for all the same
        return;
    }
    FileSet inner;
    for (const Node* path : paths) {
        auto file = local_file(set, *path, "include");
        if (!file) return;
        inner.files.push_back(std::move(*file));
    }
    const std::string& main = inner.files.front();
    inner.named_at = paths.front()->pos;
    inner.ancestors = set.ancestors;
    inner.ancestors.push_back(from); // not what it is merged with: that may be included
    const auto again =
        std::find_first_of(inner.ancestors.begin(), inner.ancestors.end(), inner.files.begin(), inner.files.end());
    if (again != inner.ancestors.end()) {
        diag_.error(paths.front()->pos, "include",
                    fmt::format("the files include each other in a circle: {} -> {}",
                                fmt::join(inner.ancestors, " -> "), *again),
                    "remove one of these includes");
        diag_.throw_if_errors();
    }
    const Node* given = item.find("project_directory");
    std::string_view project = given ? given->str() : std::string_view();
    inner.directory = project.empty() ? parent_path(main) : absolute(set.directory, project);
    if (is_absolute(project)) {
        inner.path_base = inner.directory;
    } else {
        // Upstream takes a directory that does not exist for a file: its parent is the base then.
        std::string seen = project.empty() ? parent_path(main) : inner.directory;
        const bool of_text = project.empty() && options_.texts.count(main) != 0; // nothing need stand there
        if (!of_text && what_is(seen) != There::directory) seen = parent_path(seen);
        inner.path_base = relative_path(set.directory, seen);
    }
    include_environments_.push_back(std::make_unique<Environment>(*set.environment));
    Environment& environment = *include_environments_.back();
    merge_env_files(tree_, environment, include_env_files(set, item, inner.directory), diag_);
    inner.environment = &environment;
    import_resources(*load(inner), doc, resets);
}

std::vector<std::string> ModelLoader::include_env_files(const FileSet& set, const Node& item,
                                                        const std::string& project_directory) {
    std::vector<std::string> out;
    auto given = texts(item.find("env_file"));
    if (given.empty()) {
        std::string dotenv = join_path(project_directory, ".env");
        if (what_is(dotenv) == There::file) out.push_back(dotenv);
        return out;
    }
    for (const Node* file : given) {
        if (file->str() == "/dev/null") continue;
        std::string path = absolute(set.directory, file->str());
        if (what_is(path) == There::nothing)
            diag_.error(file->pos, "include", fmt::format("the env file {} does not exist", path));
        else out.push_back(path);
    }
    return out;
}

// What the including document says about the same resource is merged over the included one.
void ModelLoader::import_resources(Node& imported, Node& doc, const Resets& resets) {
    for (std::string_view section : {"services", "volumes", "networks", "secrets", "configs", "models"}) {
        Entry* from = imported.find_entry(section);
        if (!from || !from->value->is_map()) continue;
        Entry* to = doc.find_entry(section);
        if (!to || !to->value->is_map()) {
            tree_.set(doc, section, from->value, from->key_pos);
            continue;
        }
        for (Entry& e : from->value->map()) {
            Entry* mine = to->value->find_entry(e.key);
            if (!mine) {
                tree_.add(*to->value, e.key, e.value, e.key_pos);
                to = doc.find_entry(section);
                continue;
            }
            std::string path = fmt::format("{}.{}", section, e.key);
            resets.apply(*e.value, path);
            mine->value = merge_at(tree_, e.value, mine->value, path, diag_);
        }
    }
}

} // namespace davit::compose
