// COPY, ADD and WORKDIR.
#include "dockerfile/applier.hpp"

#include "dockerfile/ignore.hpp"
#include "dockerfile/place.hpp"
#include "dockerfile/sources.hpp"
#include "dockerfile/text.hpp"
#include "dockerfile/windows_path.hpp"

#include <algorithm>

namespace davit::dockerfile {

Input Applier::source_of(std::string_view from, bool numbers, const Place& place, std::string_view what) {
    Input input = scope_.graph.source(from, numbers, place);
    if (input.kind == Input::Kind::stage && !scope_.evaluated[static_cast<std::size_t>(input.stage)])
        throw mistake(place, "{} names the stage '{}', which stands further down", what, from)
            .with_hint("move that stage before this one");
    return input;
}

std::string Applier::destination_of(const std::string& written) const {
    const bool windows = has_windows_paths(state_.platform);
    const std::string path = windows && !written.empty() ? from_windows_path(written, true) : written;
    const bool directory = path.empty() || path == "." || path.ends_with('/') || path.ends_with("/.");
    const std::string working_dir = windows ? from_windows_path(config_.working_dir, false) : config_.working_dir;
    const std::string below = path.starts_with('/') ? "" : working_dir;
    std::string out = clean_path("/" + below + "/" + path);
    return directory && out != "/" ? out + "/" : out;
}

void Applier::check_sources(const CopyStep& step) {
    const std::string keyword = step.add ? "ADD" : "COPY";
    if (!step.chmod.empty() && !is_mode(step.chmod))
        throw mistake(node_.place_of("--chmod"), "'{}' is no mode", step.chmod)
            .with_hint("modes are octal, 0 to 07777, or symbols such as u=rwX,go=rX");
    // Names are looked up in the image below, and a linked layer has none.
    const auto owners = split(step.chown, ':');
    const bool names = std::any_of(owners.begin(), owners.end(), [](const std::string& owner) {
        return owner != "root" && owner.find_first_not_of("0123456789") != std::string::npos;
    });
    if (step.link && names)
        throw mistake(node_.place_of("--chown"), "--link looks into no image, so --chown={} cannot be looked up",
                      step.chown)
            .with_hint("give numbers, or leave --link out");
    const bool remote = std::all_of(step.sources.begin(), step.sources.end(),
                                    [](const std::string& s) { return kind_of_source(s) != SourceKind::path; });
    if (!step.checksum.empty() && (step.sources.size() != 1 || !remote))
        throw mistake(node_.place_of("--checksum"), "--checksum is for one source that is a URL or a git repository")
            .with_hint("files of the context need none: what they hold is part of the cache's key");
    if (!step.checksum.empty() && kind_of_source(step.sources[0]) == SourceKind::http && !is_digest(step.checksum))
        throw mistake(node_.place_of("--checksum"), "'{}' is no digest", step.checksum)
            .with_hint("it is sha256: and 64 hexadecimal digits");
    for (const std::string& source : step.sources) {
        if (!step.add && kind_of_source(source) != SourceKind::path)
            throw mistake(node_.place_of(source), "COPY takes files, and '{}' is a {}", source,
                          kind_of_source(source) == SourceKind::git ? "git repository" : "URL")
                .with_hint("ADD takes it");
        // The reference wants what is named to be there, and finds no root in itself.
        const bool whole = step.parents && source.find("/./") == std::string::npos && clean_path("/" + source) == "/";
        if (whole && !scope_.options.checking)
            throw mistake(node_.place_of(source), "--parents: \"/\": not found")
                .with_hint("name what is in the context, or write *");
        if (kind_of_source(source) == SourceKind::path && has_wildcards(source) && !scope_.options.checking)
            at_place(node_.place_of(source), [&] {
                PathPattern(source, step.parents ? PathPattern::Stars::across : PathPattern::Stars::single);
            });
    }
    at_place(node_.place_of("--exclude"), [&] { IgnoreList{step.exclude}; });
}

void Applier::check_ignored(const CopyStep& step) {
    if (step.from.kind != Input::Kind::context || scope_.options.ignore_patterns.empty()) return;
    const IgnoreList list(scope_.options.ignore_patterns);
    // With exceptions nothing can be said: they may reach into what is ignored.
    if (list.has_exceptions()) return;
    for (const std::string& source : step.sources) {
        if (kind_of_source(source) != SourceKind::path) continue;
        const std::string path = clean_path(source);
        const bool root = path == "." || path == "/";
        const std::string relative = path.starts_with('/') ? path.substr(1) : path;
        if (root ? list.ignores_root() : list.ignored(relative))
            scope_.checks.add(Rule::copy_ignored_file, node_,
                              fmt::format("'{}' is excluded by .dockerignore, so {} does not find it", source,
                                          step.add ? "ADD" : "COPY"));
    }
}

void Applier::operator()(const instruction::Copy& copy) {
    CopyStep step;
    step.add = copy.add;
    step.chown = word(copy.chown);
    step.chmod = word(copy.chmod);
    step.checksum = word(copy.checksum);
    step.exclude = copy.exclude; // as written: BuildKit puts no variables in
    step.sources = words(copy.sources);
    const std::string destination = word(copy.destination);
    for (const Heredoc& file : copy.files) {
        const std::string name = clean_path("/" + file.name).substr(1);
        if ((name.empty() || name.find('/') != std::string::npos) && !scope_.options.checking)
            throw mistake(node_.place_of("<<"), "the heredoc '{}' cannot be the name of a file", file.name)
                .with_hint("give the directory in the destination: COPY <<NAME /directory/");
        std::string content = file.content;
        if (file.expand) {
            Expansion text =
                at_place(node_.place, [&] { return expand(content, state_.env, {.ignore_quotes = true}); });
            report_undefined(text.unmatched);
            content = std::move(text.text);
        }
        step.inline_files.push_back({name, std::move(content)});
    }
    if (!copy.from.empty()) step.from = source_of(copy.from, true, node_.place_of("--from"), "COPY --from");
    step.destination = at_place(node_.place_of(copy.destination), [&] { return destination_of(destination); });
    if (has_windows_paths(state_.platform)) plain_sources(step);
    step.link = copy.link && step.chmod.empty(); // with a mode BuildKit makes no linked layer
    step.parents = copy.parents;
    step.keep_git_dir = copy.keep_git_dir.value_or(false);
    step.unpack = copy.unpack;
    check_sources(step);
    check_ignored(step);

    std::string text = copy.add ? "ADD" : "COPY";
    if (step.parents) text += " --parents";
    if (!step.chown.empty()) text += " --chown=" + step.chown;
    if (!step.chmod.empty()) text += " --chmod=" + step.chmod;
    for (const std::string& source : step.sources) text += " " + source;
    for (const Heredoc& file : copy.files) text += " <<" + file.name;
    step_.history = text + " " + destination + " # buildkit";
    step_.action = std::move(step);
}

void Applier::plain_sources(CopyStep& step) {
    for (std::string& source : step.sources)
        if (kind_of_source(source) == SourceKind::path)
            source = at_place(node_.place_of(source), [&] { return from_windows_path(source, false); });
    for (InlineFile& file : step.inline_files)
        file.name = at_place(node_.place_of("<<"), [&] { return from_windows_path(file.name, false); });
}

void Applier::operator()(const instruction::Workdir& workdir) {
    const bool windows = has_windows_paths(state_.platform);
    std::string path = word(workdir.path);
    if (windows) path = at_place(node_.place, [&] { return from_windows_path(path, false); });
    const bool absolute = path.starts_with('/');
    if (!state_.workdir_set && !absolute)
        scope_.checks.add(
            Rule::workdir_relative_path, node_,
            fmt::format("WORKDIR '{}' is below the working directory of the base, whatever that is", path));
    state_.workdir_set = true;
    // An absolute one stays as it is written: images of the reference say so.
    const std::string before = windows ? from_windows_path(config_.working_dir, false) : config_.working_dir;
    const std::string whole = absolute ? path : clean_path("/" + before + "/" + path);
    config_.working_dir = windows ? to_windows_path(whole) : whole;
    step_.history = "WORKDIR " + whole;
    step_.empty_layer = whole == "/";
    if (step_.empty_layer) step_.action = ConfigStep{}; // the root is there
    else step_.action = WorkdirStep{clean_path(whole)};
}

} // namespace davit::dockerfile
