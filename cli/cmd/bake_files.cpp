#include "cli/cmd/bake_files.hpp"

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/shared_with.hpp"
#include "base/sys.hpp"
#include "cli/load_options.hpp"
#include "davit/engine.hpp"
#include "davit/load.hpp"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fmt/ranges.h>
#include <map>
#include <unistd.h>
#include <utility>

namespace davit::cli {

namespace {

constexpr const char* usual_files[] = {
    "compose.yaml",     "compose.yml",     "docker-compose.yml",        "docker-compose.yaml",
    "docker-bake.json", "docker-bake.hcl", "docker-bake.override.json", "docker-bake.override.hcl"};

bool is_compose(const std::string& name) { return name.ends_with(".yaml") || name.ends_with(".yml"); }

std::string secret_text(const BuildSecret& secret) {
    return "id=" + secret.id +
           (!secret.file.empty()          ? ",src=" + secret.file
            : !secret.environment.empty() ? ",env=" + secret.environment
                                          : "");
}

// A service's `build:` in the words of the options: as it is written, without what davit adds for its own builds.
BakeTarget bake_target(const Service& service, const BuildRequest& request) {
    const BuildConfig& build = *service.build;
    BakeTarget out;
    out.name = service.name;
    out.context = build.context.empty() ? "." : build.context;
    out.dockerfile = request.dockerfile;
    out.dockerfile_inline = request.dockerfile_inline;
    out.target = request.target;
    out.network = request.network;
    out.args = request.args;
    for (const auto& [key, value] : build.labels) out.labels.emplace_back(key, value);
    out.contexts = request.contexts;
    for (auto& [unused, where] : out.contexts)
        if (const SharedWith with = SharedWith::parse(where); with.is_service())
            where = fmt::format("target:{}", with.name);
    out.extra_hosts = request.extra_hosts;
    out.tags = build.tags;
    if (out.tags.empty() && !service.image.empty()) out.tags = {service.image};
    out.platforms = build.platforms;
    out.cache_from = build.cache_from;
    out.cache_to = build.cache_to;
    out.entitlements = request.entitlements;
    if (request.shm_size > 0) out.shm_size = std::to_string(request.shm_size);
    for (const auto& [name, limit] : request.ulimits)
        out.ulimits.push_back(fmt::format("{}={}:{}", name, limit.soft, limit.hard));
    for (const BuildSecret& secret : request.secrets) out.secrets.push_back(secret_text(secret));
    for (const BuildSsh& ssh : request.ssh)
        out.ssh.push_back(ssh.paths.empty() ? ssh.id : fmt::format("{}={}", ssh.id, fmt::join(ssh.paths, ",")));
    if (request.no_cache) out.no_cache = true;
    if (request.pull) out.pull = true;
    return out;
}

// A directory that is meant from base.
std::string rebased(const std::string& base, const std::string& where) {
    const bool elsewhere = where.find(':') != std::string::npos || where.starts_with('/');
    if (base.empty() || elsewhere) return where;
    return (std::filesystem::path(base) / where).lexically_normal().string();
}

// Paths stay as they are written: from where the process stands, as those of other bake files.
void read_compose(Globals globals, const std::vector<std::string>& files, BakeOptions& to) {
    globals.files = files;
    LoadOptions how = load_options(globals);
    how.resolve_paths = how.resolve_environment = how.resolve_labels = how.check_consistency = false;
    how.profiles = {"*"};
    const LoadResult loaded = davit::load(how);
    const std::string base = to.file_relative_paths ? std::filesystem::path(files.front()).parent_path().string() : "";
    for (const auto& [name, request] : build_requests(loaded.project)) {
        BakeTarget made = bake_target(loaded.project.services.at(name), request);
        made.context = rebased(base, made.context);
        for (auto& [unused, where] : made.contexts) where = rebased(base, where);
        to.from_compose.push_back(std::move(made));
    }
}

bool is_set(const char* variable) {
    const char* value = std::getenv(variable);
    if (!value || !*value) return false;
    const std::string text = value;
    for (const char* yes : {"1", "t", "T", "true", "TRUE", "True"})
        if (text == yes) return true;
    for (const char* no : {"0", "f", "F", "false", "FALSE", "False"})
        if (text == no) return false;
    throw error(Errc::usage, "failed to parse {} value \"{}\": it is neither true nor false", variable, text);
}

// What is neither true nor false counts as not said, as with buildx.
bool disables_lookup() {
    try {
        return is_set("BUILDX_BAKE_DISABLE_VARS_ENV_LOOKUP");
    } catch (const Error&) {
        return false;
    }
}

// BUILDX_BAKE_FILE, between colons or what BUILDX_BAKE_PATH_SEPARATOR says.
std::vector<std::string> files_of_environment() {
    std::vector<std::string> out;
    const char *all = std::getenv("BUILDX_BAKE_FILE"), *between = std::getenv("BUILDX_BAKE_PATH_SEPARATOR");
    const std::string separator = between && *between ? between : ":";
    const std::string text = all ? all : "";
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t end = std::min(text.find(separator, at), text.size());
        std::string name = text.substr(at, end - at);
        at = end + separator.size();
        name.erase(0, std::min(name.find_first_not_of(" \t"), name.size()));
        name.erase(name.find_last_not_of(" \t") + 1);
        if (name.empty()) continue;
        if (name != "-" && !exists(name))
            throw error(Errc::not_found, "stat {}: no such file or directory", name)
                .with_hint("BUILDX_BAKE_FILE names it");
        out.push_back(std::move(name));
    }
    return out;
}

} // namespace

std::string bake_path(const std::string& path) {
    constexpr std::string_view here = "cwd://";
    if (!path.starts_with(here)) return path;
    return path.size() == here.size() ? "." : path.substr(here.size());
}

void read_bake_files(const Globals& globals, const std::vector<std::string>& files,
                     const std::vector<std::string>& variables, BakeOptions& to) {
    std::vector<std::string> names = files.empty() ? files_of_environment() : files, compose;
    for (std::string& name : names) name = bake_path(name);
    to.file_relative_paths = is_set("BUILDX_BAKE_FILE_RELATIVE_PATHS");
    if (names.empty())
        for (const char* name : usual_files)
            if (exists(name)) names.emplace_back(name);
    if (names.empty())
        throw error(Errc::not_found, "couldn't find a bake definition").with_hint("docker-bake.hcl, or -f FILE");
    for (const std::string& name : names) {
        if (is_compose(name)) compose.push_back(name);
        else to.files.push_back({name, name == "-" ? sys::read_all(STDIN_FILENO) : read_file(name)});
    }
    if (!compose.empty()) read_compose(globals, compose, to);
    std::map<std::string, std::string> set;
    for (const std::string& text : variables) {
        const std::size_t equals = text.find('=');
        if (equals == std::string::npos) throw error(Errc::usage, "invalid variable {}", text).with_hint("NAME=VALUE");
        set[text.substr(0, equals)] = text.substr(equals + 1);
    }
    const bool own_only = disables_lookup();
    to.environment = [set, own_only](const std::string& name) -> std::optional<std::string> {
        if (const auto found = set.find(name); found != set.end()) return found->second;
        if (own_only) return std::nullopt;
        const char* value = std::getenv(name.c_str());
        return value ? std::optional<std::string>(value) : std::nullopt;
    };
}

} // namespace davit::cli
