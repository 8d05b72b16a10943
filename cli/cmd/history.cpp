// `history`: the revisions of a project, and forgetting them.
#include "cli/cmd/history.hpp"

#include "base/error.hpp"
#include "base/printable.hpp"
#include "base/sys.hpp"
#include "cli/cmd/verbs.hpp"
#include "cli/diagnostics.hpp"
#include "cli/format/container.hpp"
#include "cli/format/size.hpp"
#include "cli/format/template.hpp"
#include "cli/format/time.hpp"
#include "cli/load_options.hpp"
#include "cli/options.hpp"
#include "davit/services.hpp"
#include "davit/swarm_look.hpp"
#include "davit/swarm_objects.hpp"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <iostream>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

namespace davit::cli {

std::string project_with_history(Context& context) {
    try {
        return context.project_name();
    } catch (const Error& e) {
        const LoadOptions options = load_options(context.globals());
        const std::string directory =
            options.project_directory.empty() ? options.current_dir : options.project_directory;
        std::vector<std::string> found;
        for (const ProjectInfo& project : context.engine().projects())
            if (project.working_dir == directory) found.push_back(project.name);
        if (found.size() != 1) throw;
        print_warning(fmt::format("the compose file cannot be loaded: {}; the project that was brought up here is {}",
                                  e.what(), found.front()));
        return found.front();
    }
}

int revision_number(const std::string& text) {
    int number = 0;
    const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (failed != std::errc() || end != text.data() + text.size() || number < 1)
        throw error(Errc::usage, "\"{}\" is not the number of a revision", text)
            .with_hint("'davit history' lists them");
    return number;
}

std::string revision_title(const Revision& revision) { return go_time(revision.created); }

namespace {

constexpr std::size_t shown_changes = 60; // columns

// "create: db-1, web-1": what is done to several of them is said once.
std::string in_short(const std::vector<std::string>& changes) {
    constexpr std::size_t most_names = 3;
    std::vector<std::pair<std::string, std::vector<std::string>>> groups;
    for (const std::string& line : changes) {
        const auto colon = line.find(": ");
        const std::string name = line.substr(0, colon), what = colon == std::string::npos ? "" : line.substr(colon + 2);
        auto same = std::find_if(groups.begin(), groups.end(), [&](const auto& g) { return g.first == what; });
        if (same == groups.end()) same = groups.insert(groups.end(), {what, {}});
        same->second.push_back(name);
    }
    std::vector<std::string> parts;
    for (auto& [what, names] : groups) {
        const std::size_t more = names.size() > most_names ? names.size() - most_names : 0;
        names.resize(names.size() - more);
        parts.push_back(
            fmt::format("{}{}: {}", fmt::join(names, ", "), more ? fmt::format(" and {} more", more) : "", what));
    }
    return fmt::format("{}", fmt::join(parts, "; "));
}

nlohmann::json revision_row(const Revision& revision, const std::string& state, bool truncate) {
    std::string changes = truncate ? in_short(revision.changes) : fmt::format("{}", fmt::join(revision.changes, "; "));
    if (revision.command != "up" && revision.command != "create") changes = revision.command + ": " + changes;
    std::string status = state;
    if (!revision.failed.empty()) status = state.empty() ? "failed" : "failed, " + state;
    std::set<std::string> images;
    for (const auto& image : revision.images) images.insert(image.reference);
    return {{"Revision", std::to_string(revision.number)},
            {"Project", revision.project},
            {"Created", human_duration(std::chrono::nanoseconds(sys::realtime_ns() - revision.created)) + " ago"},
            {"CreatedAt", go_time(revision.created)},
            {"Command", revision.command},
            {"Status", status},
            {"Error", revision.failed},
            {"Images", fmt::format("{}", fmt::join(images, ","))},
            {"Changes", truncate ? ellipsis(changes, shown_changes) : changes}};
}

} // namespace

std::string owner_title(const std::string& owner) {
    for (const auto& [prefix, noun] :
         {std::pair{swarm::stack_project_prefix, "stack "}, {swarm::service_history_prefix, "service "}})
        if (owner.starts_with(prefix)) return noun + owner.substr(std::char_traits<char>::length(prefix));
    return owner;
}

namespace {

std::string state_of_services(Engine& engine, const std::string& owner) {
    bool any = false;
    for (const swarm::Service& service : swarm::services(engine)) {
        if (Swarm::history_of(service) != owner) continue;
        any = true;
        if (swarm::count(service, swarm::tasks(engine, service)).running > 0) return "running";
    }
    return any ? "stopped" : "";
}

} // namespace

std::string state_of(Engine& engine, const std::string& owner) {
    if (owner_title(owner) != owner) return swarm::node(engine) ? state_of_services(engine, owner) : "";
    bool any = false;
    for (const ContainerInfo& c : engine.containers(owner)) {
        if (c.oneoff) continue;
        any = true;
        if (c.state == ContainerState::running || c.state == ContainerState::paused ||
            c.state == ContainerState::restarting)
            return "running";
    }
    return any ? "stopped" : "";
}

void HistoryFlags::add_to(Options& options) {
    options
        .value("format", format,
               "Format output using a custom template: 'table', 'table TEMPLATE', 'json', or a Go template")
        .flag("no-trunc", whole, "Don't truncate output")
        .flag("q,quiet", quiet, "Only display numbers");
}

void list_history(Engine& engine, const std::string& owner, const HistoryFlags& flags) {
    auto all = revisions(engine, owner);
    std::reverse(all.begin(), all.end());
    const ListFormat shape = ListFormat::parse(flags.format);
    const bool truncate = !flags.whole && shape.kind != ListFormat::Kind::json;
    std::string numbers;
    std::vector<nlohmann::json> rows;
    std::string state = flags.quiet ? "" : state_of(engine, owner);
    for (const Revision& revision : all) {
        numbers += std::to_string(revision.number) + "\n";
        rows.push_back(revision_row(revision, std::exchange(state, ""), truncate));
    }
    const nlohmann::json headers{{"Revision", "REVISION"},    {"Project", "PROJECT"}, {"Created", "CREATED"},
                                 {"CreatedAt", "CREATED AT"}, {"Command", "COMMAND"}, {"Status", "STATUS"},
                                 {"Error", "ERROR"},          {"Images", "IMAGES"},   {"Changes", "CHANGES"}};
    const std::string out =
        flags.quiet ? numbers : render_list(shape, rows, {"Revision", "Created", "Status", "Changes"}, headers);
    std::fputs(out.c_str(), stdout);
}

void HistoryPruneFlags::add_to(Options& options) {
    options.flag("a,all", how.all, "Forget all revisions but the one that is there")
        .flag("f,force", force, "Do not prompt for confirmation")
        .value("keep", how.keep, "How many of the last ones stay (default: DAVIT_REVISIONS, or 5)");
}

void HistoryPruneFlags::check() const {
    if (how.all && how.keep) throw error(Errc::usage, "--all and --keep are incompatible");
    if (how.keep && *how.keep < 0) throw error(Errc::usage, "--keep {} is negative", *how.keep);
}

namespace {

bool may_forget(const std::string& owner, const std::vector<int>& numbers) {
    const std::string title = owner_title(owner);
    std::fprintf(stderr,
                 "WARNING! This will forget %zu revision%s of %s%s, with what only they need.\nAre you sure you "
                 "want to continue? [y/N] ",
                 numbers.size(), numbers.size() == 1 ? "" : "s", title == owner ? "project " : "",
                 printable(title).c_str());
    std::string answer;
    if (!std::getline(std::cin, answer)) std::fputc('\n', stderr);
    return answer == "y" || answer == "Y" || answer == "yes";
}

} // namespace

void prune_history(Context& context, const std::string& owner, const HistoryPruneFlags& flags) {
    const std::vector<int> numbers = prunable_revisions(context.engine(), owner, flags.how);
    if (context.dry_run()) {
        for (const int number : numbers) std::printf("Would forget: revision %d\n", number);
        return;
    }
    if (!flags.force && !numbers.empty() && !may_forget(owner, numbers)) return;
    const PrunedRevisions pruned = context.engine().prune_revisions(owner, flags.how, context.stop());
    for (const int number : pruned.removed) std::printf("Forgotten: revision %d\n", number);
    for (const auto& id : pruned.images) std::printf("Deleted: %s\n", id.c_str());
    std::printf("\nTotal reclaimed space: %s\n", human_size(static_cast<double>(pruned.bytes)).c_str());
}

namespace {

int run_list(Globals& globals, const Args& args) {
    HistoryFlags flags;
    Options options(globals, "history [OPTIONS]",
                    "List what was deployed of the project, the newest first\n\nEvery 'up' and 'create' that changed "
                    "something is a revision. 'davit rollback' brings one back,\n'davit diff' compares two, 'davit "
                    "history prune' forgets old ones.");
    flags.add_to(options);
    if (!options.parse(args)) return 0;
    Context context(globals);
    list_history(context.engine(), project_with_history(context), flags);
    return 0;
}

int run_history_prune(Globals& globals, const Args& args) {
    HistoryPruneFlags flags;
    Options options(globals, "history prune [OPTIONS]",
                    "Forget old revisions, with the contents and nameless images that only they need\n\nThe last one "
                    "stays as long as the project has containers.");
    flags.add_to(options);
    if (!options.parse(args)) return 0;
    flags.check();
    Context context(globals);
    prune_history(context, project_with_history(context), flags);
    return 0;
}

} // namespace

int run_history(Globals& globals, const Args& args) {
    static const Verb further[] = {{"prune", "Forget old revisions", run_history_prune}};
    if (!globals.describe && !args.empty() && args.front() == "prune")
        return run_history_prune(globals, {args.begin() + 1, args.end()});
    const int code = run_list(globals, args);
    if (globals.describe) globals.describe->group(further);
    return code;
}

} // namespace davit::cli
