#include "build/files/selection.hpp"

#include "archive/layer_tree.hpp"
#include "base/dir.hpp"
#include "base/error.hpp"
#include "base/sys.hpp"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>

namespace davit::build {

namespace {

std::string described(const dockerfile::Input& from) {
    using Kind = dockerfile::Input::Kind;
    switch (from.kind) {
    case Kind::context: return "the build context";
    case Kind::scratch: return "scratch";
    case Kind::stage:
        return from.name.empty() ? fmt::format("stage {}", from.stage) : fmt::format("stage '{}'", from.name);
    case Kind::image: return fmt::format("the image '{}'", from.name);
    case Kind::named: return fmt::format("the build context '{}'", from.name);
    }
    return "its source";
}

std::string base_name(const std::string& path) { return path.substr(path.rfind('/') + 1); }

LocateRules visible(const Source& source) {
    LocateRules rules;
    if (const PathFilter* filter = source.filter)
        rules.hidden = [filter](const std::string& path) {
            return filter->excludes(path) && !filter->reaches_into(path);
        };
    return rules;
}

std::vector<std::string> names_in_directory(int directory) {
    UniqueFd fd = sys::open_at(directory, ".", O_RDONLY | O_DIRECTORY);
    const Dir list(::fdopendir(fd.get()));
    if (!list) throw make_sys_error(errno, "listing a directory");
    fd.release();
    std::vector<std::string> out;
    while (const dirent* entry = ::readdir(list.get()))
        if (const std::string_view name = entry->d_name; name != "." && name != "..") out.emplace_back(name);
    std::sort(out.begin(), out.end());
    return out;
}

class Something : public TreeVisitor {
public:
    bool found = false;
    void enter(const Seen&) override { found = true; }
    void leave() override {}
    void file(const Seen&) override { found = true; }
};

} // namespace

Selection::Selection(const Source& source, const dockerfile::CopyStep& step, const CopyOptions& options)
    : source_(source), step_(step), options_(options) {
    if (!step.exclude.empty()) exclude_ = options.make_filter(step.exclude);
    if (step.checksum.empty()) return;
    if (step.sources.size() + step.inline_files.size() != 1)
        throw error(Errc::usage, "--checksum is of one source; here are {}",
                    step.sources.size() + step.inline_files.size());
    if (step.sources.empty() || !options.remote || !options.remote(step.sources.front()))
        throw error(Errc::usage, "--checksum needs a URL or a git repository; this is neither");
}

Error Selection::missing(const std::string& written, const std::string& path) const {
    Error out = error(Errc::not_found, "{} {}: there is no /{} in {}",
                      !options_.asked_by.empty() ? options_.asked_by
                      : step_.add                ? "ADD"
                                                 : "COPY",
                      written, path, described(step_.from));
    if (source_.filter && source_.filter->excludes(path))
        out.with_hint("the ignore file (.dockerignore) leaves it out");
    else if (step_.from.kind == dockerfile::Input::Kind::context)
        out.with_hint("paths are meant from the root of the context; nothing outside of it can be copied");
    return out;
}

WalkRules Selection::rules(const Match& match, const Source& source, const SourcePattern* include) const {
    WalkRules out;
    out.filter = source.filter;
    out.prefix = match.at.path.empty() ? "" : match.at.path + "/";
    out.exclude = exclude_.get();
    out.include = include;
    out.xattrs = !source.context;
    out.stop = options_.stop;
    return out;
}

bool Selection::holds_something(const Source& source, const Located& directory) const {
    Something look;
    WalkRules rules;
    rules.filter = source.filter;
    rules.prefix = directory.path + "/";
    rules.xattrs = false;
    walk_tree(sys::open_at(directory.fd.get(), ".", O_RDONLY | O_DIRECTORY), rules, look);
    return look.found;
}

Match Selection::one(const Source& source, const std::string& path, const std::string& written) const {
    const LocateRules rules = visible(source);
    auto found = locate(source.root, path, rules);
    if (!found || !found->exists()) throw missing(written, path);
    if (source.filter && !found->path.empty() && source.filter->excludes(found->path) &&
        !(found->is_directory() && holds_something(source, *found)))
        throw missing(written, path);
    return {std::move(*found), base_name(path)};
}

void Selection::expand(const Source& source, const Located& from, const SourcePattern& pattern,
                       SourcePattern::State state, const std::string& path, std::vector<Match>& to,
                       const std::string& written) const {
    std::vector<std::string> names;
    if (!pattern.names(state, names)) names = names_in_directory(from.fd.get());
    for (const std::string& name : names) {
        const SourcePattern::State next = pattern.next(state, name);
        if (!next) continue;
        const std::string whole = path.empty() ? name : path + "/" + name;
        LocateRules rules = visible(source);
        rules.follow_last = false;
        auto found = locate(source.root, whole, rules);
        if (!found || !found->exists()) continue;
        if (!pattern.complete(next)) {
            if (found->is_directory()) expand(source, *found, pattern, next, whole, to, written);
            continue;
        }
        if (source.filter && source.filter->excludes(found->path) &&
            !(found->is_directory() && holds_something(source, *found)))
            continue;
        to.push_back(one(source, whole, written));
    }
}

std::vector<Match> Selection::matches(const Source& source, const std::string& written) const {
    const std::string path = lexical_path(written);
    std::vector<Match> out;
    if (options_.literal || !dockerfile::has_wildcards(path)) {
        out.push_back(one(source, path, written));
        return out;
    }
    // The directories before the first wildcard are followed as any path; below, links are none.
    std::string base, rest;
    for (const std::string& part : archive::split_path(path)) {
        std::string& side = rest.empty() && !dockerfile::has_wildcards(part) ? base : rest;
        side += (side.empty() ? "" : "/") + part;
    }
    const SourcePattern pattern(rest, false);
    const auto from = locate(source.root, base, visible(source));
    if (!from || !from->is_directory()) throw missing(written, base);
    expand(source, *from, pattern, pattern.start(), from->path, out, written);
    return out;
}

// "/./" divides what is kept of the path from what is not.
void Selection::each_with_parents(const std::string& written, const Visit& visit) const {
    const std::size_t pivot = written.find("/./");
    const std::string base = pivot == std::string::npos ? "" : written.substr(0, pivot);
    const std::string kept = lexical_path(pivot == std::string::npos ? written : written.substr(pivot + 3));
    const SourcePattern pattern(kept, true);
    for (const Match& top : matches(source_, base)) {
        if (!top.at.is_directory()) throw missing(written, lexical_path(base) + "/" + kept);
        if (!dockerfile::has_wildcards(kept)) {
            const std::string whole = (top.at.path.empty() ? "" : top.at.path + "/") + kept;
            LocateRules rules = visible(source_);
            rules.follow_last = false;
            const auto found = locate(source_.root, whole, rules);
            // The walk takes directories alone: below a link there is nothing.
            if (!found || !found->exists() || found->path != whole) throw missing(written, whole);
        }
        visit(top, source_, &pattern, nullptr);
    }
}

void Selection::each(const Visit& visit, const Known& known) const {
    for (const std::string& written : step_.sources) {
        const RemoteFiles* remote = step_.add && options_.remote ? options_.remote(written) : nullptr;
        if (remote && known) {
            known(*remote);
        } else if (remote) {
            if (const auto fetch = remote->fetch) fetch(); // a copy: it is gone from there then
            visit(one(remote->source, remote->path, written), remote->source, nullptr, remote);
        } else if (step_.parents) {
            each_with_parents(written, visit);
        } else {
            for (const Match& match : matches(source_, written)) visit(match, source_, nullptr, nullptr);
        }
    }
}

} // namespace davit::build
