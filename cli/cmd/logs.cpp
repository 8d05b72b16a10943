#include "base/error.hpp"
#include "base/sys.hpp"
#include "cli/cmd/verbs.hpp"
#include "cli/context.hpp"
#include "cli/diagnostics.hpp"
#include "cli/format/time.hpp"
#include "cli/logs/printer.hpp"
#include "cli/options.hpp"
#include "cli/terminal.hpp"

#include <algorithm>
#include <charconv>
#include <unistd.h>

namespace davit::cli {

namespace {

struct LogsFlags {
    bool follow = false, no_colour = false, no_prefix = false, timestamps = false;
    int index = 0;
    std::string since, until, tail = "all";
    std::vector<std::string> services;
};

LogRange range_of(const LogsFlags& flags) {
    LogRange range;
    const std::int64_t now = sys::realtime_ns();
    if (!flags.since.empty()) range.since_ns = parse_time(flags.since, now);
    if (!flags.until.empty()) range.until_ns = parse_time(flags.until, now);
    if (flags.tail != "all") {
        long lines = 0;
        const char* end = flags.tail.data() + flags.tail.size();
        const auto [stop, problem] = std::from_chars(flags.tail.data(), end, lines);
        if (problem != std::errc{} || stop != end)
            throw error(Errc::usage, "invalid value for --tail: \"{}\"", flags.tail).with_hint("a number or all");
        if (lines >= 0) range.tail = static_cast<std::size_t>(lines);
    }
    return range;
}

} // namespace

int run_logs(Globals& globals, const Args& args) {
    LogsFlags flags;
    Options options(globals, "logs [OPTIONS] [SERVICE...]", "View output from containers");
    options.flag("f,follow", flags.follow, "Follow log output")
        .value("index", flags.index, "Index of the container if service has multiple replicas")
        .flag("no-color", flags.no_colour, "Produce monochrome output")
        .flag("no-log-prefix", flags.no_prefix, "Don't print prefix in logs")
        .value("since", flags.since,
               "Show logs since timestamp (e.g. 2013-01-02T13:23:37Z) or relative (e.g. 42m for 42 minutes)")
        .value("n,tail", flags.tail,
               "Number of lines to show from the end of the logs for each container (default \"all\")")
        .flag("t,timestamps", flags.timestamps, "Show timestamps")
        .value("until", flags.until,
               "Show logs before a timestamp (e.g. 2013-01-02T13:23:37Z) or relative (e.g. 42m for 42 minutes)")
        .arguments(flags.services);
    if (!options.parse(args)) return 0;
    if (flags.index && flags.services.size() != 1)
        throw error(Errc::usage, "--index requires exactly one service to be selected");

    Context context(globals);
    context.interrupts();
    const std::string project = context.ref(flags.services).name;
    if (flags.index && containers_of(context, {flags.services, true, false, flags.index}).empty())
        throw error(Errc::not_found, "service \"{}\" is not running container #{}", flags.services[0], flags.index);
    try { // what the containers write is kept again when nobody has since their shims were killed
        keep_logs(context.engine(), project);
    } catch (const Error& e) {
        print_warning("what the containers write at present is not kept: " + e.describe());
    }
    FollowOptions what;
    what.range = range_of(flags);
    what.history_only = !flags.follow;
    what.wanted = [&](const ContainerInfo& c) {
        if (c.oneoff || (flags.index && c.number != flags.index)) return false;
        return flags.services.empty() ||
               std::find(flags.services.begin(), flags.services.end(), c.service) != flags.services.end();
    };
    LogPrinter printer(
        {!flags.no_prefix, flags.timestamps, !flags.no_colour && use_ansi(globals, STDOUT_FILENO), false});
    LogFollower follower(context.engine(), project, print_to(printer, project, true), std::move(what));
    follower.read_history();
    if (flags.follow) follower.run(context.stop());
    return context.interrupts().requested() ? 130 : 0;
}

} // namespace davit::cli
