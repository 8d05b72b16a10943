#include "base/error.hpp"
#include "base/sys.hpp"
#include "cli/cmd/service.hpp"
#include "cli/context.hpp"
#include "cli/diagnostics.hpp"
#include "cli/format/time.hpp"
#include "davit/labels.hpp"
#include "davit/logs.hpp"
#include "davit/swarm_objects.hpp"

#include <charconv>
#include <cstdio>
#include <map>
#include <optional>

namespace davit::cli {

namespace {

struct ServiceLogFlags {
    bool details = false, follow = false, no_resolve = false, no_task_ids = false, no_trunc = false, raw = false,
         timestamps = false;
    std::string since, tail = "all";
    std::vector<std::string> names;
};

LogRange range_of(const ServiceLogFlags& flags) {
    LogRange range;
    if (!flags.since.empty()) {
        try {
            range.since_ns = parse_time(flags.since, sys::realtime_ns());
        } catch (const Error& e) {
            throw error(e.kind(), "invalid value for \"since\": {}", e.what());
        }
    }
    std::size_t lines = 0;
    const char* const end = flags.tail.data() + flags.tail.size();
    const auto [stop, problem] = std::from_chars(flags.tail.data(), end, lines);
    if (problem == std::errc{} && stop == end) range.tail = lines;
    else if (flags.tail != "all")
        throw error(Errc::invalid_project, "tail value must be a positive integer or \"all\"");
    return range;
}

// What the tasks of one service, or one of them, write: standard output to standard output, the other to the other.
class ServiceLog {
public:
    ServiceLog(Engine& engine, const ServiceLogFlags& flags, swarm::Service service, std::optional<swarm::Task> task)
        : engine_(engine), flags_(flags), service_(std::move(service)), task_(std::move(task)) {
        node_ = swarm::node(engine, "self");
        const std::uint64_t most = task_ ? task_->slot : service_.spec.mode.replicas.value_or(1);
        width_ = std::to_string(most).size();
    }

    bool wanted(const ContainerInfo& c) { return task_of(c).has_value(); }

    void print(const ContainerInfo& c, const LogLine& line) {
        std::FILE* to = line.is_error ? stderr : stdout;
        Source& open = line.is_error ? open_error_ : open_;
        if (!open.empty() && (open != c.id || line.first)) std::fputc('\n', to);
        std::string out;
        if (line.first && flags_.timestamps) out += rfc3339(line.time_ns) + " ";
        if (line.first && !flags_.raw) out += prefix(*task_of(c)) + "    | ";
        // What tells the tasks apart stands before the line already: nothing else is known of it.
        if (line.first && flags_.details) out += flags_.raw ? details(*task_of(c)) + " " : " ";
        out += line.text;
        if (line.last) out += '\n';
        open = line.last ? "" : c.id;
        std::fwrite(out.data(), 1, out.size(), to);
    }

    bool removed() const {
        try {
            swarm::service(engine_, service_.id);
            return false;
        } catch (const Error&) {
            return true;
        }
    }

private:
    using Source = std::string;

    std::optional<swarm::Task> task_of(const ContainerInfo& c) {
        if (const auto known = known_.find(c.id); known != known_.end()) return known->second;
        const auto label = c.labels.find(label::swarm_task_id); // the record may not name its container yet
        for (const swarm::Task& t : swarm::tasks(engine_, service_)) {
            const bool its = t.container_id == c.id || (label != c.labels.end() && label->second == t.id);
            if (its && (!task_ || task_->id == t.id)) return known_[c.id] = t;
        }
        return std::nullopt;
    }

    std::string prefix(const swarm::Task& t) const {
        const std::string slot = std::to_string(t.slot);
        std::string out = (flags_.no_resolve ? service_.id : service_.spec.name) + "." + slot;
        if (!flags_.no_task_ids) out += "." + (flags_.no_trunc ? t.id : t.id.substr(0, 12));
        out += "@" + (flags_.no_resolve ? node_.id : node_.name);
        if (slot.size() < width_) out.append(width_ - slot.size(), ' ');
        return out;
    }

    std::string details(const swarm::Task& t) const {
        return fmt::format("{}={},{}={},{}={}", label::swarm_node_id, t.node_id, label::swarm_service_id, service_.id,
                           label::swarm_task_id, t.id);
    }

    Engine& engine_;
    const ServiceLogFlags& flags_;
    const swarm::Service service_;
    const std::optional<swarm::Task> task_; // only its lines
    swarm::Node node_;
    std::size_t width_ = 1; // of the highest slot
    std::map<std::string, swarm::Task> known_;
    Source open_, open_error_; // whose line has not ended yet
};

void print_service_log(Context& context, const ServiceLogFlags& flags, const swarm::Service& service,
                       const std::optional<swarm::Task>& task) {
    ServiceLog log(context.engine(), flags, service, task);
    FollowOptions what;
    what.range = range_of(flags);
    what.history_only = !flags.follow;
    what.wanted = [&](const ContainerInfo& c) { return log.wanted(c); };
    LogSink sink;
    sink.line = [&](const ContainerInfo& c, const LogLine& line) { log.print(c, line); };
    sink.idle = [] {
        std::fflush(stdout);
        std::fflush(stderr);
    };
    LogFollower follower(context.engine(), service.project, std::move(sink), std::move(what));
    follower.read_history();
    // Its tasks are replaced by others: their end is not the service's.
    if (flags.follow) follower.run(context.stop(), [&] { return log.removed(); });
}

} // namespace

int run_service_logs(Globals& globals, const Args& args) {
    ServiceLogFlags flags;
    Options options(globals, "service logs [OPTIONS] SERVICE|TASK", "Fetch the logs of a service or task");
    options.flag("details", flags.details, "Show extra details provided to logs")
        .flag("f,follow", flags.follow, "Follow log output")
        .flag("no-resolve", flags.no_resolve, "Do not map IDs to Names in output")
        .flag("no-task-ids", flags.no_task_ids, "Do not include task IDs in output")
        .flag("no-trunc", flags.no_trunc, "Do not truncate output")
        .flag("raw", flags.raw, "Do not neatly format logs")
        .value("since", flags.since,
               "Show logs since timestamp (e.g. \"2013-01-02T13:23:37Z\") or relative (e.g. \"42m\" for 42 minutes)")
        .value("n,tail", flags.tail, "Number of lines to show from the end of the logs (default \"all\")")
        .flag("t,timestamps", flags.timestamps, "Show timestamps")
        .arguments(flags.names, 1, 1);
    if (!options.parse(args)) return 0;
    Context context(globals);
    context.interrupts();
    Engine& engine = context.engine();
    std::optional<swarm::FoundTask> found;
    try {
        found = swarm::FoundTask{swarm::service(engine, flags.names[0]), {}};
        found->task.id.clear();
    } catch (const Error& e) {
        if (e.kind() != Errc::not_found) throw;
        found = swarm::find_task(engine, flags.names[0]);
        if (!found) throw error(Errc::not_found, "no such task or service: {}", flags.names[0]);
    }
    if (found->service.spec.task.container.tty && !flags.raw)
        throw error(Errc::usage, "tty service logs only supported with --raw");
    try { // what the containers write is kept again when nobody has since their shims were killed
        keep_logs(engine, found->service.project);
    } catch (const Error& e) {
        if (flags.follow) print_warning("what the containers write at present is not kept: " + e.describe());
    }
    print_service_log(context, flags, found->service,
                      found->task.id.empty() ? std::nullopt : std::optional<swarm::Task>(found->task));
    return context.interrupts().requested() ? Interrupts::exit_code() : 0;
}

} // namespace davit::cli
