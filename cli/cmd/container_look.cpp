#include "cli/cmd/container_look.hpp"

#include "base/error.hpp"
#include "base/printable.hpp"
#include "base/sys.hpp"
#include "base/units.hpp"
#include "cli/client_config.hpp"
#include "cli/cmd/container_options.hpp"
#include "cli/cmd/inspected.hpp"
#include "cli/cmd/stats.hpp"
#include "cli/diagnostics.hpp"
#include "cli/format/table.hpp"
#include "cli/format/time.hpp"
#include "davit/container_list.hpp"
#include "davit/files.hpp"
#include "davit/inspect.hpp"
#include "davit/logs.hpp"
#include "davit/stats.hpp"

#include <algorithm>
#include <cstdio>
#include <fmt/format.h>
#include <map>
#include <nlohmann/json.hpp>
#include <utility>

namespace davit::cli {

std::string container_document(Engine& engine, const std::string& name, bool size) {
    const ContainerInfo container = find_container(engine, name);
    std::string text = inspect(engine, container, print_warning);
    if (!size) return text;
    auto document = nlohmann::ordered_json::parse(text);
    const ContainerSizes sizes = container_sizes(engine, container);
    document["SizeRw"] = sizes.written;
    document["SizeRootFs"] = sizes.whole;
    return document.dump();
}

namespace {

// The fields that Docker leaves out while they are empty; templates may name them.
const char* const container_zeros =
    R"({"State":{"Health":null},"HostConfig":{"Init":null,"Tmpfs":null,"Mounts":null,"Sysctls":null,"StorageOpt":null,)"
    R"("Annotations":null},"Config":{"ExposedPorts":null,"Healthcheck":null,"StopSignal":"","StopTimeout":null,)"
    R"("OnBuild":null,"Shell":null}})";

std::string host_and_port(const std::string& ip, unsigned port) {
    return ip.find(':') == std::string::npos ? fmt::format("{}:{}", ip, port) : fmt::format("[{}]:{}", ip, port);
}

// "80/tcp" → where it is published, in order.
std::map<std::pair<unsigned, std::string>, std::vector<std::string>> published(const ContainerInfo& container) {
    std::map<std::pair<unsigned, std::string>, std::vector<std::string>> out;
    for (const PublishedPort& p : container.ports) {
        auto& to = out[{p.target, p.protocol}];
        if (!p.host_ip.empty()) to.push_back(host_and_port(p.host_ip, p.host_port));
        else
            for (const char* ip : {"0.0.0.0", "::"}) to.push_back(host_and_port(ip, p.host_port));
    }
    return out;
}

struct LogsFlags {
    bool details = false, follow = false, timestamps = false;
    std::string since, until, tail = "all";
};

LogRange range_of(const LogsFlags& flags) {
    LogRange range;
    range.by_record = true;
    const std::int64_t now = sys::realtime_ns();
    const auto time = [now](const char* flag, const std::string& text) {
        try {
            return parse_time(text, now);
        } catch (const Error& e) {
            throw error(Errc::usage, "invalid value for \"{}\": {}", flag, e.what()).with_hint(e.hint());
        }
    };
    if (!flags.since.empty()) range.since_ns = time("since", flags.since);
    if (!flags.until.empty()) range.until_ns = time("until", flags.until);
    // As docker: what is no number is all of it.
    if (const auto lines = parse_int(flags.tail); lines && *lines >= 0) range.tail = static_cast<std::size_t>(*lines);
    return range;
}

} // namespace

int run_container_inspect(Globals& globals, const Args& args) {
    std::string format;
    bool size = false;
    std::vector<std::string> names;
    Options options(globals, "container inspect [OPTIONS] CONTAINER [CONTAINER...]",
                    "Display detailed information on one or more containers");
    options.value("f,format", format, "Format output using a custom template: 'json' or a Go template")
        .flag("s,size", size, "Display total file sizes")
        .arguments(names, 1);
    if (!options.parse(args)) return 0;
    Context context(globals);
    Engine& engine = context.engine();
    return inspect_each(
        names, format, [&](const std::string& name) { return container_document(engine, name, size); },
        container_zeros);
}

int run_container_top(Globals& globals, const Args& args) {
    std::vector<std::string> words;
    Options options(globals, "container top CONTAINER [ps OPTIONS]", "Display the running processes of a container");
    options.arguments(words, 1).verbatim_after_first();
    if (!options.parse(args)) return 0;
    Context context(globals);
    const ContainerInfo container = find_container(context.engine(), words[0]);
    if (container.state == ContainerState::restarting)
        throw error(Errc::conflict, "Container {} is restarting, wait until the container is running", container.id);
    if (!container.pid) throw error(Errc::conflict, "container {} is not running", container.id);
    ProcessTable table = process_table(container, {words.begin() + 1, words.end()});
    std::fputs(Table{table.titles, table.rows}.to_string().c_str(), stdout);
    return 0;
}

int run_container_stats(Globals& globals, const Args& args) {
    bool all = false;
    StatsView view;
    std::vector<std::string> names;
    Options options(globals, "container stats [OPTIONS] [CONTAINER...]",
                    "Display a live stream of container(s) resource usage statistics");
    options.flag("a,all", all, "Show all containers (default shows just running)")
        .value("format", view.format,
               "Format output using a custom template: 'table', 'table TEMPLATE', 'json', or a Go template")
        .flag("no-stream", view.no_stream, "Disable streaming stats and only pull the first result")
        .flag("no-trunc", view.no_trunc, "Do not truncate output")
        .arguments(names);
    if (!options.parse(args)) return 0;
    if (view.format.empty()) view.format = configured_format(globals, "statsFormat");
    Context context(globals);
    context.interrupts();
    Engine& engine = context.engine();
    std::map<std::string, std::string> given; // id → as it was named
    for (const std::string& name : names) given[find_container(engine, name).id] = name;
    view.which = [&] {
        std::vector<ContainerInfo> out;
        for (const std::string& name : names) try {
                out.push_back(find_container(engine, name));
            } catch (const Error& e) {
                if (e.kind() != Errc::not_found) throw; // it went while it was looked at
            }
        return names.empty() ? list_containers(engine, {all, -1, {}}) : out;
    };
    view.called = [&](const ContainerInfo& c) {
        const auto found = given.find(c.id);
        return found == given.end() ? c.id : found->second;
    };
    return show_stats(context, view);
}

int run_container_diff(Globals& globals, const Args& args) {
    std::vector<std::string> names;
    Options options(globals, "container diff CONTAINER",
                    "Inspect changes to files or directories on a container's filesystem");
    options.arguments(names, 1, 1);
    if (!options.parse(args)) return 0;
    Context context(globals);
    for (const FileChange& change : changes(context.engine(), find_container(context.engine(), names[0]))) {
        const char sign = change.kind == FileChange::Kind::added     ? 'A'
                          : change.kind == FileChange::Kind::removed ? 'D'
                                                                     : 'C';
        std::printf("%c %s\n", sign, printable(change.path).c_str());
    }
    return 0;
}

int run_container_port(Globals& globals, const Args& args) {
    std::vector<std::string> words;
    Options options(globals, "container port CONTAINER [PRIVATE_PORT[/PROTO]]",
                    "List port mappings or a specific mapping for the container");
    options.arguments(words, 1, 2);
    if (!options.parse(args)) return 0;
    Context context(globals);
    const auto ports = published(find_container(context.engine(), words[0]));
    if (words.size() == 1) {
        for (const auto& [port, places] : ports)
            for (const std::string& place : places)
                std::printf("%u/%s -> %s\n", port.first, port.second.c_str(), place.c_str());
        return 0;
    }
    const std::size_t slash = words[1].find('/');
    const std::string protocol = slash == std::string::npos ? "tcp" : words[1].substr(slash + 1);
    const auto number = parse_int(words[1].substr(0, slash));
    if (!number || *number < 1 || *number > 65535)
        throw error(Errc::usage, "invalid port '{}': {}", words[1].substr(0, slash),
                    number ? "value out of range" : "invalid syntax")
            .with_hint("a number from 1 to 65535");
    const auto found = ports.find({static_cast<unsigned>(*number), protocol});
    if (found == ports.end()) throw error(Errc::usage, "no public port '{}' published for {}", words[1], words[0]);
    for (const std::string& place : found->second) std::printf("%s\n", place.c_str());
    return 0;
}

int run_container_logs(Globals& globals, const Args& args) {
    LogsFlags flags;
    std::vector<std::string> names;
    Options options(globals, "container logs [OPTIONS] CONTAINER", "Fetch the logs of a container");
    options.flag("details", flags.details, "Show extra details provided to logs")
        .flag("f,follow", flags.follow, "Follow log output")
        .value("since", flags.since,
               "Show logs since timestamp (e.g. \"2013-01-02T13:23:37Z\") or relative (e.g. \"42m\" for 42 minutes)")
        .value("n,tail", flags.tail, "Number of lines to show from the end of the logs (default \"all\")")
        .flag("t,timestamps", flags.timestamps, "Show timestamps")
        .value("until", flags.until,
               "Show logs before a timestamp (e.g. \"2013-01-02T13:23:37Z\") or relative (e.g. \"42m\" for 42 minutes)")
        .arguments(names, 1, 1);
    if (!options.parse(args)) return 0;
    Context context(globals);
    context.interrupts();
    Engine& engine = context.engine();
    const ContainerInfo container = find_container(engine, names[0]);
    if (container.log_driver == "none")
        throw error(Errc::invalid_project, "configured logging driver does not support reading")
            .with_hint("--log-driver json-file keeps what it writes");
    FollowOptions what;
    what.range = range_of(flags);
    if (container.pid) try { // nobody may have kept them since their shims were killed
            keep_logs(engine, container.project);
        } catch (const Error& e) {
            print_warning("what the container writes at present is not kept: " + e.describe());
        }
    const std::string details = flags.details ? log_details(engine, container) + " " : "";
    LogSink sink;
    std::FILE* last = stdout; // both may lead to one file, where the order counts
    sink.line = [&, last](const ContainerInfo&, const LogLine& line) mutable {
        const std::string text =
            (flags.timestamps ? rfc3339(line.time_ns) + " " : "") + details + line.text + (line.last ? "\n" : "");
        std::FILE* to = line.is_error && !container.tty ? stderr : stdout;
        if (to != last) std::fflush(std::exchange(last, to));
        std::fwrite(text.data(), 1, text.size(), to);
    };
    sink.idle = [] {
        std::fflush(stdout);
        std::fflush(stderr);
    };
    sink.ended = [](const ContainerEnd&) { return false; };
    what.history_only = !flags.follow;
    what.wanted = [&](const ContainerInfo& c) { return c.id == container.id; };
    LogFollower follower(engine, container.project, std::move(sink), std::move(what));
    follower.read_history();
    std::fflush(stdout);
    if (flags.follow && find_container(engine, container.id).pid) follower.run(context.stop());
    return context.interrupts().requested() ? Interrupts::exit_code() : 0;
}

} // namespace davit::cli
