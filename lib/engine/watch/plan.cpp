#include "engine/watch/plan.hpp"

#include "base/error.hpp"

#include <algorithm>
#include <filesystem>
#include <fnmatch.h>
#include <iterator>

namespace davit {

namespace {

// vim's swap files and its test for a writable directory, emacs' locks and autosaves, backups, JetBrains' safe write,
// kate's and gedit's temporary files.
constexpr const char* editors_patterns[] = {
    ".*.sw[a-z]",  ".*.sw[a-z]x",      "4913",      "*~", ".#*", "#*#", "*___jb_tmp___", "*___jb_old___",
    ".*.kate-swp", ".goutputstream-*", ".~lock.*#",
};

std::string normal_path(const std::string& path) {
    std::string out = std::filesystem::path("/" + path).lexically_normal().string();
    while (out.size() > 1 && out.back() == '/') out.pop_back();
    return out.starts_with("//") ? out.substr(1) : out;
}

bool holds_editors_own(const std::string& below) {
    for (std::size_t at = 0; at < below.size();) {
        const std::size_t slash = std::min(below.find('/', at), below.size());
        if (is_editors_own(below.substr(at, slash - at))) return true;
        at = slash + 1;
    }
    return false;
}

} // namespace

bool is_below(const std::string& path, const std::string& directory) {
    if (directory == "/") return path.starts_with("/");
    return path.starts_with(directory) && (path.size() == directory.size() || path[directory.size()] == '/');
}

std::string path_below(const std::string& path, const std::string& directory) {
    if (path.size() <= directory.size()) return {};
    return path.substr(directory == "/" ? 1 : directory.size() + 1);
}

bool is_editors_own(const std::string& name) {
    if (name == ".git") return true;
    return std::any_of(std::begin(editors_patterns), std::end(editors_patterns),
                       [&](const char* pattern) { return ::fnmatch(pattern, name.c_str(), 0) == 0; });
}

WatchRules::WatchRules(const Service& service, const ContextIgnore& context)
    : context_(context.directory), context_ignore_(context.patterns) {
    for (const Mount& mount : service.volumes)
        if (mount.type == MountType::bind) binds_.push_back(normal_path(mount.source));
    if (!service.develop) return;
    for (std::size_t i = 0; i < service.develop->watch.size(); ++i) {
        const WatchRule& from = service.develop->watch[i];
        const std::string at = fmt::format("service \"{}\": develop.watch[{}]", service.name, i);
        Rule rule;
        rule.index = i;
        rule.path = normal_path(from.path);
        rule.target = normal_path(from.target);
        rule.target_is_directory = from.target.ends_with("/");
        rule.rebuild = from.action == "rebuild";
        rule.sync = from.action.starts_with("sync");
        rule.restart = from.action.ends_with("restart");
        rule.exec = from.action == "sync+exec" && from.exec.has_value();
        rule.initial = rule.sync && from.initial_sync;
        if (rule.rebuild && !service.build)
            throw error(Errc::invalid_project,
                        "service \"{}\" doesn't have a build section, can't apply rebuild on watch", service.name);
        in_context(at, [&] {
            rule.include = dockerfile::IgnoreList(from.include);
            rule.ignore = dockerfile::IgnoreList(from.ignore);
        });
        const bool bound = std::any_of(binds_.begin(), binds_.end(),
                                       [&](const std::string& source) { return is_below(rule.path, source); });
        if (rule.sync && bound) {
            warnings_.push_back(
                fmt::format("{}: {} is in the container by a bind mount already: it is not watched", at, rule.path));
            continue;
        }
        rules_.push_back(std::move(rule));
    }
}

std::vector<std::string> WatchRules::paths() const {
    std::vector<std::string> out;
    for (const Rule& rule : rules_) out.push_back(rule.path);
    return out;
}

bool WatchRules::ignored(const dockerfile::IgnoreList& list, const std::string& below, bool prune) const {
    if (list.empty() || below.empty() || !list.ignored(below)) return false;
    return !prune || !list.may_hold_taken(below);
}

// prune: of a directory, and of all that it can hold.
bool WatchRules::left_out(const Rule& rule, const std::string& path, bool prune) const {
    const std::string below = path_below(path, rule.path);
    // What a rule names by itself is meant, whatever .dockerignore says: it often has the Dockerfile.
    if (below.empty()) return false;
    if (holds_editors_own(below) || ignored(rule.ignore, below, prune)) return true;
    return !context_.empty() && is_below(path, context_) && ignored(context_ignore_, path_below(path, context_), prune);
}

bool WatchRules::triggers(const Rule& rule, const std::string& path) const {
    if (!is_below(path, rule.path) || left_out(rule, path, false)) return false;
    return rule.include.empty() || rule.include.ignored(path_below(path, rule.path));
}

bool WatchRules::syncs(const Rule& rule, const std::string& path) const {
    return rule.sync && triggers(rule, path) &&
           std::none_of(binds_.begin(), binds_.end(),
                        [&](const std::string& source) { return is_below(path, source); });
}

bool WatchRules::enters(const std::string& directory) const {
    return std::any_of(rules_.begin(), rules_.end(), [&](const Rule& rule) {
        return is_below(directory, rule.path) && !left_out(rule, directory, true);
    });
}

WatchCopy WatchRules::copy_of(const Rule& rule, const std::string& path) {
    const std::string below = path_below(path, rule.path);
    const std::string top = rule.target == "/" ? "" : rule.target;
    if (!below.empty()) return {path, top + "/" + below, false, false};
    return {path, rule.target, true, rule.target_is_directory};
}

WatchSteps WatchRules::plan(const std::set<std::string>& changed) const {
    WatchSteps out;
    std::set<WatchCopy> copies;
    for (const Rule& rule : rules_) {
        bool any = false;
        for (const std::string& path : changed) {
            if (rule.sync ? !syncs(rule, path) : !triggers(rule, path)) continue;
            any = true;
            if (!rule.sync) break;
            copies.insert(copy_of(rule, path));
        }
        if (!any) continue;
        out.rebuild = out.rebuild || rule.rebuild;
        out.restart = out.restart || rule.restart;
        if (rule.exec) out.exec.push_back(rule.index);
    }
    out.sync.assign(copies.begin(), copies.end());
    return out;
}

std::vector<WatchCopy> WatchRules::initial(const std::set<std::string>& files) const {
    std::set<WatchCopy> copies;
    for (const Rule& rule : rules_)
        if (rule.initial)
            for (const std::string& path : files)
                if (syncs(rule, path)) copies.insert(copy_of(rule, path));
    return {copies.begin(), copies.end()};
}

std::vector<std::string> WatchRules::initial_paths() const {
    std::vector<std::string> out;
    for (const Rule& rule : rules_)
        if (rule.initial) out.push_back(rule.path);
    return out;
}

} // namespace davit
