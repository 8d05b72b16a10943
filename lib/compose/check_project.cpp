// normalize() and validate(): a project that was built in code goes the way of a file, so that the same
// rules hold for it and say the same.
#include "base/error.hpp"
#include "compose/loader.hpp"
#include "compose/paths.hpp"
#include "compose/place.hpp"
#include "davit/compose_texts.hpp"
#include "davit/in_code.hpp"

#include <utility>

namespace davit {

namespace {

constexpr const char* mark = "x-davit-disabled"; // the profile of what is disabled

// The text they are about is nobody's: where the project came from files, the place is there.
void place(std::vector<Diagnostic>& found, const Project& project) {
    for (Diagnostic& d : found) {
        d.at = compose::place_of(project, d.path);
        d.source_line.clear();
    }
}

// As load() would have made it of a file. Throws LoadError without places: there is no file.
LoadResult reload(const Project& given) {
    Project whole = given;
    whole.services.insert(given.disabled_services.begin(), given.disabled_services.end());
    for (auto& [name, service] : whole.services) {
        service.name = name;
        service.profiles.clear();
        std::erase_if(service.depends_on, [](const auto& d) { return d.second.inferred; }); // found again
        if (!given.services.count(name)) service.profiles = {mark};
    }
    LoadOptions o;
    o.current_dir = given.working_dir.empty() ? "/" : given.working_dir;
    o.project_name = given.name;
    o.environment = given.environment;
    o.all_resources = true;
    try {
        return load_string(render(whole, RenderFormat::yaml), std::move(o));
    } catch (const LoadError& e) {
        std::vector<Diagnostic> found = e.diagnostics();
        place(found, given);
        throw LoadError(std::move(found));
    }
}

} // namespace

LoadResult load_string(std::string text, LoadOptions options) {
    options.files = {"-"};
    options.stdin_text = std::move(text);
    auto rename = [](std::vector<Diagnostic>& all) {
        for (Diagnostic& d : all)
            if (d.at.file == "(standard input)") d.at.file = "(text)";
    };
    try {
        LoadResult result = load(options);
        rename(result.warnings);
        rename(result.unacted);
        return result;
    } catch (const LoadError& e) {
        std::vector<Diagnostic> found = e.diagnostics();
        rename(found);
        throw LoadError(std::move(found));
    }
}

LoadResult load_strings(const std::vector<ComposeText>& texts, LoadOptions options) {
    compose::Texts contents;
    const bool all = options.files.empty();
    for (const ComposeText& t : texts) {
        if (t.name.empty() || t.name == "-")
            throw error(Errc::usage, "a compose text cannot be called '{}'", t.name)
                .with_hint("give it the name that a file would have: compose.yaml");
        const std::string path =
            compose::is_absolute(t.name) ? t.name : compose::join_path(options.current_dir, t.name);
        if (!contents.emplace(path, t.text).second)
            throw error(Errc::usage, "two compose texts are called '{}'", t.name);
        if (all) options.files.push_back(path);
    }
    LoadResult result = compose::to_project(compose::load_tree(options, contents), options);
    // What place_of() and `ls` would look for on the disk is not there.
    for (std::string& file : result.project.compose_files)
        if (contents.count(file)) file = "-";
    return result;
}

std::vector<Diagnostic> normalize(Project& project) {
    LoadResult loaded = reload(project);
    Project& made = loaded.project;
    for (auto* services : {&made.services, &made.disabled_services})
        for (auto& [name, service] : *services) {
            const Service& before = *project.find(name);
            service.profiles = before.profiles;
            service.origin = before.origin;
        }
    made.profiles = project.profiles;
    made.compose_files = project.compose_files;
    made.env_files = project.env_files;
    made.environment = project.environment;
    project = std::move(made);
    place(loaded.warnings, project);
    return std::move(loaded.warnings);
}

std::vector<Diagnostic> validate(const Project& project) {
    try {
        reload(project);
        return {};
    } catch (const LoadError& e) {
        return e.diagnostics();
    } catch (const Error& e) { // of the project as a whole
        if (e.kind() != Errc::invalid_project) throw;
        return {{Diagnostic::Severity::error, e.at(), {}, e.what(), e.hint(), {}}};
    }
}

} // namespace davit
