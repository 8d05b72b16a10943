#include "davit/events.hpp"

#include "base/sys.hpp"
#include "engine/events/watch.hpp"
#include "engine/roots.hpp"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <map>
#include <mutex>
#include <set>
#include <string_view>
#include <thread>
#include <vector>

namespace davit {

namespace {

const char* action_of(const Event& event) {
    switch (event.kind) {
    case EventKind::container_created: return "create";
    case EventKind::container_started: return "start";
    case EventKind::container_exited: return "die";
    case EventKind::container_signalled: return "kill";
    case EventKind::container_stopped: return "stop";
    case EventKind::container_removed: return "destroy";
    case EventKind::container_paused: return "pause";
    case EventKind::container_unpaused: return "unpause";
    case EventKind::container_oom: return "oom";
    case EventKind::container_health: return "health_status";
    default: return nullptr;
    }
}

// What the records still tell of the past: when each container was made, started and ended last.
std::vector<ContainerEvent> past_events(const std::vector<ContainerInfo>& containers) {
    std::vector<ContainerEvent> out;
    for (const ContainerInfo& c : containers) {
        const std::pair<std::int64_t, const char*> known[] = {
            {c.created, "create"}, {c.started_at, "start"}, {c.finished_at, "die"}};
        for (const auto& [time, action] : known)
            if (time) out.push_back({time, action, c.service, c.id, c.name, c.image});
    }
    std::stable_sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return a.time_ns < b.time_ns; });
    return out;
}

class EventStream {
public:
    EventStream(Engine& engine, std::string project, const std::function<bool(const ContainerEvent&)>& sink)
        : engine_(engine), project_(std::move(project)), sink_(sink) {}

    // Whether more is wanted.
    bool past(std::int64_t since, std::int64_t until) {
        for (const ContainerEvent& e : past_events(engine_.containers(project_)))
            if (e.time_ns >= since && e.time_ns <= until) show(e);
        return wanted_;
    }

    void follow(std::int64_t from, std::stop_token stop) {
        watch_project(
            engine_, project_, [this, from](const Event& event) { return on(event, from); }, std::move(stop),
            [this, from] { return catch_up(from); });
    }

private:
    void show(const ContainerEvent& event) { wanted_ = wanted_ && sink_(event); }

    bool on(const Event& event, std::int64_t from) {
        const char* action = action_of(event);
        if (!action) return true;
        // A container that was told of from its record: these events may still come.
        const auto [told, first_sight] = told_.emplace(event.container_id, false);
        if (first_sight) show_missed(event, action, from);
        if (told->second && event.time_ns <= caught_up_) return wanted_;
        show({event.time_ns, action, event.service, event.container_id, event.container_name, image_of(event)});
        return wanted_;
    }

    // Containers of which nothing was seen: their supervisor ended before it could be asked.
    bool catch_up(std::int64_t from) {
        caught_up_ = sys::realtime_ns();
        std::set<std::string> missed;
        for (const ContainerEvent& e : past_events(engine_.containers(project_))) {
            if (e.time_ns < from) {
                told_.emplace(e.id, false); // it was there before
                continue;
            }
            if (told_.emplace(e.id, true).second) missed.insert(e.id);
            if (missed.count(e.id)) show(e);
        }
        return wanted_;
    }

    // What its supervisor did before it was listened to.
    void show_missed(const Event& event, std::string_view action, std::int64_t from) {
        const auto c = engine_.container(event.project, event.container_id);
        if (!c || c->created < from) return;
        for (const ContainerEvent& e : past_events({*c}))
            if (e.time_ns < event.time_ns && e.action != action) show(e);
    }

    // Kept from the first sight: the record is gone when the last events of a container come.
    const std::string& image_of(const Event& event) {
        std::string& image = images_[event.container_id];
        if (image.empty())
            if (const auto c = engine_.container(event.project, event.container_id)) image = c->image;
        return image;
    }

    Engine& engine_;
    std::string project_;
    const std::function<bool(const ContainerEvent&)>& sink_;
    std::map<std::string, std::string> images_;
    std::map<std::string, bool> told_; // id → from its record
    std::int64_t caught_up_ = 0;
    bool wanted_ = true;
};

} // namespace

void follow_events(Engine& engine, const std::string& project, const EventRange& range,
                   const std::function<bool(const ContainerEvent&)>& sink, std::stop_token stop) {
    const std::int64_t now = sys::realtime_ns();
    EventStream stream(engine, project, sink);
    if (range.since && !stream.past(*range.since, range.until.value_or(now))) return;
    if (range.until && *range.until <= now) return;
    std::stop_source end;
    const std::stop_callback stopped(stop, [&] { end.request_stop(); });
    std::jthread timer;
    if (range.until)
        timer = std::jthread([&end, left = std::chrono::nanoseconds(*range.until - now)](const std::stop_token& gone) {
            std::mutex mutex;
            std::condition_variable_any changed;
            std::unique_lock lock(mutex);
            changed.wait_for(lock, gone, left, [] { return false; });
            end.request_stop();
        });
    stream.follow(now, end.get_token());
}

} // namespace davit
