#include "davit/streams.hpp"

#include "engine/streams/follower.hpp"

#include <algorithm>

namespace davit {

template <typename T>
struct Stream<T>::Impl : Follower<T> {
    using Follower<T>::Follower;
};

template <typename T>
Stream<T>::Stream(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
template <typename T>
Stream<T>::Stream(Stream&&) noexcept = default;
template <typename T>
Stream<T>& Stream<T>::operator=(Stream&&) noexcept = default;
template <typename T>
Stream<T>::~Stream() = default;

template <typename T>
int Stream<T>::fd() const noexcept {
    return impl_->channel().fd();
}

template <typename T>
std::optional<T> Stream<T>::next() {
    return impl_->channel().take();
}

template <typename T>
bool Stream<T>::done() const noexcept {
    return impl_->channel().done();
}

template class Stream<MachineEvent>;
template class Stream<LogEntry>;

namespace {

std::size_t event_weight(const MachineEvent& event) {
    std::size_t out = sizeof event + event.action.size();
    for (const auto& [key, value] : event.attributes) out += key.size() + value.size();
    return out;
}

LogSink line_sink(const Follower<LogEntry>::Push& push, const std::stop_source& left) {
    LogSink sink;
    sink.line = [&push, left](const ContainerInfo& container, const LogLine& line) mutable {
        if (!push({container, line}, sizeof(LogEntry) + line.text.size())) left.request_stop();
    };
    return sink;
}

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
    return Stream<MachineEvent>(std::make_unique<Stream<MachineEvent>::Impl>(
        [&engine, range, filters](const Follower<MachineEvent>::Push& push, std::stop_token stop) {
            follow_machine_events(
                engine, range, filters, [&](const MachineEvent& event) { return push(event, event_weight(event)); },
                stop);
        }));
}

Stream<LogEntry> log_stream(Engine& engine, const std::string& project, const LogStreamOptions& options) {
    return Stream<LogEntry>(std::make_unique<Stream<LogEntry>::Impl>(
        [&engine, project, options](const Follower<LogEntry>::Push& push, std::stop_token stop) {
            std::stop_source left; // who takes no more has asked for the end as well; it is seen between lines
            const std::stop_callback forward(stop, [&] { left.request_stop(); });
            LogFollower follower(engine, project, line_sink(push, left), follow_options(options));
            follower.read_history();
            const auto may_end = [&] { return !options.forever; };
            follower.run(left.get_token(), may_end);
        }));
}

} // namespace davit
