#include "davit/streams.hpp"

#include "base/sys.hpp"
#include "engine/streams/stream_impl.hpp"

#include <algorithm>
#include <optional>

namespace davit {

template class Stream<MachineEvent>;
template class Stream<LogEntry>;

namespace {

std::size_t event_weight(const MachineEvent& event) {
    std::size_t out = sizeof event + event.action.size();
    for (const auto& [key, value] : event.attributes) out += key.size() + value.size();
    return out;
}

// A follower that has taken the state of things, for a thread that runs it later.
struct LogRun {
    const Follower<LogEntry>::Push* push = nullptr; // set by the thread, before anything is read
    std::stop_source left; // who takes no more has asked for the end as well; it is seen between lines
    std::optional<LogFollower> follower;
};

FollowOptions follow_options(const LogStreamOptions& options) {
    FollowOptions out;
    out.wanted = [services = options.services](const ContainerInfo& c) {
        return services.empty() || std::find(services.begin(), services.end(), c.service) != services.end();
    };
    out.range = options.range;
    out.from_now = options.from_now;
    return out;
}

} // namespace

Stream<MachineEvent> event_stream(Engine& engine, const EventRange& range, const EventFilters& filters) {
    EventRange from = range;
    if (!from.since) from.since = sys::realtime_ns(); // and not when the thread begins
    return Stream<MachineEvent>(std::make_unique<Stream<MachineEvent>::Impl>(
        [&engine, from, filters](const Follower<MachineEvent>::Push& push, std::stop_token stop) {
            follow_machine_events(
                engine, from, filters, [&](const MachineEvent& event) { return push(event, event_weight(event)); },
                stop);
        }));
}

Stream<LogEntry> log_stream(Engine& engine, const std::string& project, const LogStreamOptions& options) {
    auto run = std::make_shared<LogRun>();
    LogSink sink;
    sink.line = [run = run.get()](const ContainerInfo& container, const LogLine& line) {
        if (!(*run->push)({container, line}, sizeof(LogEntry) + line.text.size())) run->left.request_stop();
    };
    run->follower.emplace(engine, project, std::move(sink), follow_options(options));
    return Stream<LogEntry>(std::make_unique<Stream<LogEntry>::Impl>(
        [run, forever = options.forever](const Follower<LogEntry>::Push& push, std::stop_token stop) {
            run->push = &push;
            const std::stop_callback forward(stop, [&] { run->left.request_stop(); });
            run->follower->read_history(run->left.get_token());
            run->follower->run(run->left.get_token(), [forever] { return !forever; });
        }));
}

} // namespace davit
