#include "compose/loader.hpp"

#include "base/error.hpp"
#include "compose/codec.hpp"
#include "compose/consistency.hpp"
#include "compose/env_files.hpp"
#include "compose/environment.hpp"
#include "compose/normalize.hpp"
#include "compose/unacted.hpp"
#include "model/image_reference.hpp"
#include "yaml/print.hpp"

#include <algorithm>
#include <set>

namespace davit::compose {

namespace {

std::vector<std::string> absolute_files(const LoadOptions& o) {
    std::vector<std::string> out;
    for (const auto& file : o.files)
        out.push_back(file == "-" || is_absolute(file) ? file : join_path(o.current_dir, file));
    return out;
}

const std::string* find_variable(const Environment& environment, std::string_view name) {
    auto it = environment.find(name);
    return it == environment.end() ? nullptr : &it->second;
}

// -p or COMPOSE_PROJECT_NAME, then the last `name:` of the files, then the directory.
std::string project_name(const LoadOptions& o, LoadedTree& t, ModelLoader& loader) {
    std::string given = o.project_name;
    if (const std::string* v = find_variable(*t.environment, "COMPOSE_PROJECT_NAME"); given.empty() && v) given = *v;
    if (!given.empty()) {
        if (normalize_project_name(given) != given)
            throw error(Errc::invalid_project, "'{}' cannot be a project name", given)
                .with_hint("use lower case letters, digits, '-' and '_', starting with a letter or digit");
        return given;
    }
    const Node* written = loader.name_of(t.files);
    std::string name(written ? written->str() : std::string_view());
    if (written && o.interpolate) {
        Expansion expanded = expand(name, [&](std::string_view v) { return find_variable(*t.environment, v); });
        if (!expanded.error) name = expanded.text; // an error is reported when the file is interpolated
        if (name.empty()) {                        // two checkouts would silently become other projects
            t.diagnostics->error(written->pos, "name",
                                 "the project has no name: nothing is left of this once its variables are replaced",
                                 "set the variable, write ${NAME:-default}, or give the project's name with -p");
            t.diagnostics->throw_if_errors();
        }
    }
    bool from_file = !name.empty();
    if (!from_file) name = base_name(t.working_dir);
    if (o.normalize || !from_file) name = normalize_project_name(name);
    if (name.empty() && o.validate)
        throw error(Errc::invalid_project, "the project has no name: nothing usable is left of {}",
                    from_file ? "name:" : fmt::format("the directory {}", t.working_dir))
            .with_hint("give one with -p NAME, or name: in the file");
    return name;
}

} // namespace

LoadedTree load_tree(const LoadOptions& given, Texts texts) {
    LoadOptions o = given;
    fetch_files(o);
    if (o.files.empty())
        throw error(Errc::not_found, "no compose file is given and none was found")
            .with_hint("create compose.yaml here, or name a file with -f");
    LoadedTree t;
    t.tree = std::make_unique<Tree>();
    t.diagnostics = std::make_unique<Diagnostics>(*t.tree);
    t.environment = std::make_unique<Environment>();
    for (const auto& [key, value] : o.environment) t.environment->emplace(key, value);
    std::vector<std::string> env_files;
    for (const auto& file : o.env_files) env_files.push_back(is_absolute(file) ? file : join_path(o.current_dir, file));
    merge_env_files(*t.tree, *t.environment, env_files, *t.diagnostics);
    t.files = absolute_files(o);
    t.working_dir = working_directory(o);

    const std::string* home = find_variable(*t.environment, "HOME");
    ModelLoader loader(*t.tree, *t.diagnostics,
                       {o.interpolate, o.validate, o.resolve_paths, o.interpolate && o.resolve_environment,
                        home ? *home : "", o.stdin_text, o.resources, std::move(texts), o.elsewhere});
    t.project_name = project_name(o, t, loader);
    (*t.environment)["COMPOSE_PROJECT_NAME"] = t.project_name;

    FileSet set{t.files, t.working_dir, t.working_dir, t.environment.get(), o.resolve_paths, {}};
    t.root = loader.load(set);
    if (t.root->map().empty()) {
        t.diagnostics->throw_if_errors();
        throw error(Errc::invalid_project, "the compose file is empty: {}", t.files.front())
            .with_hint("it needs at least  services:");
    }
    if (o.normalize) normalize(*t.tree, *t.root, t.project_name, o.interpolate ? t.environment.get() : nullptr);
    return t;
}

namespace {

void enable_profiles(Project& p, const std::vector<std::string>& profiles) {
    p.profiles = profiles;
    const std::vector<std::string> unnamed = {""}; // no profile at all enables those of the empty name
    const auto& names = profiles.empty() ? unnamed : profiles;
    auto active = [&](const Service& s) {
        return s.profiles.empty() || std::any_of(names.begin(), names.end(), [&](const std::string& name) {
                   return name == "*" || std::find(s.profiles.begin(), s.profiles.end(), name) != s.profiles.end();
               });
    };
    for (auto it = p.services.begin(); it != p.services.end();) {
        auto here = it++;
        if (!active(here->second)) p.disabled_services.insert(p.services.extract(here));
    }
}

// What a mistake that is reported already leads to is no news: "no image" of a service with an
// unknown key, an undeclared volume when `volumes:` could not be read.
bool follows_from(const Diagnostics& diag, std::string_view path) {
    auto below = [](std::string_view inner, std::string_view outer) {
        return inner.substr(0, outer.size()) == outer &&
               (inner.size() == outer.size() || inner[outer.size()] == '.' || inner[outer.size()] == '[');
    };
    bool whole_service = path.substr(0, 9) == "services." && path.find('.', 9) == std::string_view::npos;
    return diag.any_error([&](std::string_view known) {
        if (known.empty()) return false;
        if (known.find('.') == std::string_view::npos && known != "name") return true; // a whole section is unusable
        if (below(path, known)) return true;
        return whole_service && (below(known, path) || known.ends_with(".extends"));
    });
}

void add_new(Diagnostics& diag, std::vector<Diagnostic> found, const Node& root) {
    std::erase_if(found, [&](const Diagnostic& d) { return follows_from(diag, d.path); });
    for (Diagnostic& d : found) diag.add(std::move(d));
    diag.place(root);
}

// Those who were disabled until they were named are checked now. A dependency that stays disabled is
// for the selection to judge: with --no-deps nobody needs it.
void enable_named(Project& p, const LoadOptions& o, Diagnostics& diag, const Node& root) {
    std::vector<std::string> names = o.services;
    names.insert(names.end(), o.named.begin(), o.named.end());
    std::set<std::string> fresh;
    for (const auto& [name, unused] : p.disabled_services) fresh.insert(name);
    p = enable_services(std::move(p), names);
    std::erase_if(fresh, [&](const std::string& name) { return !p.services.count(name); });
    if (fresh.empty() || !o.check_consistency) return;
    std::vector<Diagnostic> found;
    check_consistency_of(p, fresh, found);
    add_new(diag, std::move(found), root);
    diag.throw_if_errors();
}

// What was named, and what that depends on. `config SERVICE` asks for all files, as docker compose does.
std::set<std::string> needed_services(const Project& p, const LoadOptions& o) {
    std::vector<std::string> named = o.named;
    std::erase_if(named, [&](const std::string& name) { return !p.services.count(name); });
    std::set<std::string> out;
    if (named.empty()) return out;
    for (const auto& [name, unused] : select_services(p, named).services) out.insert(name);
    return out;
}

} // namespace

LoadResult to_project(LoadedTree t, const LoadOptions& o) {
    LoadResult out;
    Project& p = out.project;
    Diagnostics& diag = *t.diagnostics;
    p = decode_project(*t.tree, *t.root, diag);
    p.name = t.project_name;
    p.working_dir = t.working_dir;
    p.compose_files = t.files;
    p.env_files = o.env_files;
    p.env_files.insert(p.env_files.end(), o.env_files_read.begin(), o.env_files_read.end());
    p.environment.insert(t.environment->begin(), t.environment->end());
    if (o.compatibility) p.environment[compatibility_variable] = "true";
    out.unacted = find_unacted(*t.tree, *t.root);
    enable_profiles(p, o.profiles);
    std::vector<Diagnostic> found;
    if (o.check_consistency) check_consistency(p, found);
    add_new(diag, std::exchange(found, {}), *t.root);
    diag.throw_if_errors();
    enable_named(p, o, diag, *t.root);
    read_service_files(*t.tree, p, needed_services(p, o), o, *t.environment, diag);
    diag.place(*t.root);
    diag.throw_if_errors();
    p = select_services(std::move(p), o.services);
    if (!o.all_resources) p = without_unused_resources(std::move(p));
    if (o.check_consistency) check_container_names(p, found);
    add_new(diag, std::move(found), *t.root);
    diag.throw_if_errors();
    out.warnings = diag.take_warnings();
    return out;
}

} // namespace davit::compose

namespace davit {

LoadResult load(const LoadOptions& options) { return compose::to_project(compose::load_tree(options), options); }

std::string render(const Project& project, RenderFormat format, bool escape_dollars) {
    yaml::Tree tree;
    bool json = format == RenderFormat::json;
    yaml::Node* root = compose::encode_project(tree, project, json);
    if (!json) return yaml::print_yaml(*root, escape_dollars);
    std::sort(root->map().begin(), root->map().end(), [](const auto& a, const auto& b) { return a.key < b.key; });
    return yaml::print_json(*root, escape_dollars);
}

} // namespace davit
