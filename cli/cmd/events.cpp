#include "base/error.hpp"
#include "base/printable.hpp"
#include "base/sys.hpp"
#include "cli/cmd/verbs.hpp"
#include "cli/context.hpp"
#include "cli/format/json_text.hpp"
#include "cli/format/time.hpp"
#include "cli/options.hpp"
#include "cli/project_watch.hpp"

#include <algorithm>
#include <condition_variable>
#include <cstdio>
#include <ctime>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <set>
#include <string_view>
#include <thread>

namespace davit::cli {

namespace {

struct Shown {
    std::int64_t time_ns = 0;
    std::string action, service, id, name, image;
};

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

void print_json(const Shown& e) {
    const nlohmann::ordered_json line = {{"time", rfc3339_nano(e.time_ns)},
                                         {"type", "container"},
                                         {"service", e.service},
                                         {"id", e.id},
                                         {"action", e.action},
                                         {"attributes", {{"image", e.image}, {"name", e.name}}}};
    std::printf("%s\n", json_text(line).c_str());
}

void print_plain(const Shown& e) {
    const std::time_t seconds = static_cast<std::time_t>(e.time_ns / 1'000'000'000);
    std::tm t{};
    ::localtime_r(&seconds, &t);
    char text[32];
    std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &t);
    // The empty line belongs to docker compose's format.
    std::printf("%s.%06d container %s %s (image=%s, name=%s)\n\n", text,
                static_cast<int>(e.time_ns % 1'000'000'000 / 1000), e.action.c_str(), e.id.c_str(),
                printable(e.image).c_str(), printable(e.name).c_str());
}

// What the records still tell of the past: when each container was made, started and ended last.
std::vector<Shown> past_events(const std::vector<ContainerInfo>& containers) {
    std::vector<Shown> out;
    for (const ContainerInfo& c : containers) {
        const std::pair<std::int64_t, const char*> known[] = {
            {c.created, "create"}, {c.started_at, "start"}, {c.finished_at, "die"}};
        for (const auto& [time, action] : known)
            if (time) out.push_back({time, action, c.service, c.id, c.name, c.image});
    }
    std::stable_sort(out.begin(), out.end(), [](const Shown& a, const Shown& b) { return a.time_ns < b.time_ns; });
    return out;
}

class Stream {
public:
    Stream(Context& context, std::vector<std::string> services, bool json)
        : context_(context), services_(std::move(services)), json_(json) {}

    void show(const Shown& e) const {
        if (!services_.empty() && std::find(services_.begin(), services_.end(), e.service) == services_.end()) return;
        json_ ? print_json(e) : print_plain(e);
        std::fflush(stdout);
    }

    void past(std::int64_t since, std::int64_t until) {
        for (const Shown& e : past_events(containers_of(context_, {{}, true, true, 0})))
            if (e.time_ns >= since && e.time_ns <= until) show(e);
    }

    void follow(std::stop_token stop, std::int64_t from) {
        watch_project(
            context_.engine(), context_.roots(), context_.project_name(),
            [this, from](const Event& event) {
                const char* action = action_of(event);
                if (!action) return true;
                // A container that was told of from its record: these events may still come.
                const auto [told, first_sight] = told_.emplace(event.container_id, false);
                if (first_sight) show_missed(event, action, from);
                if (told->second && event.time_ns <= caught_up_) return true;
                show({event.time_ns, action, event.service, event.container_id, event.container_name, image_of(event)});
                return true;
            },
            std::move(stop), [this, from] { catch_up(from); });
    }

private:
    // Containers of which nothing was seen: their supervisor ended before it could be asked.
    void catch_up(std::int64_t from) {
        caught_up_ = sys::realtime_ns();
        std::set<std::string> missed;
        for (const Shown& e : past_events(containers_of(context_, {{}, true, true, 0}))) {
            if (e.time_ns < from) {
                told_.emplace(e.id, false); // it was there before
                continue;
            }
            if (told_.emplace(e.id, true).second) missed.insert(e.id);
            if (missed.count(e.id)) show(e);
        }
    }

    // What its supervisor did before it was listened to.
    void show_missed(const Event& event, std::string_view action, std::int64_t from) {
        const auto c = context_.engine().container(event.project, event.container_id);
        if (!c || c->created < from) return;
        for (const Shown& e : past_events({*c}))
            if (e.time_ns < event.time_ns && e.action != action) show(e);
    }

    // Kept from the first sight: the record is gone when the last events of a container come.
    const std::string& image_of(const Event& event) {
        std::string& image = images_[event.container_id];
        if (image.empty())
            if (const auto c = context_.engine().container(event.project, event.container_id)) image = c->image;
        return image;
    }

    Context& context_;
    std::vector<std::string> services_;
    bool json_;
    std::map<std::string, std::string> images_;
    std::map<std::string, bool> told_; // id → from its record
    std::int64_t caught_up_ = 0;
};

} // namespace

int run_events(Globals& globals, const Args& args) {
    bool json = false;
    std::string since, until;
    std::vector<std::string> services;
    Options options(globals, "events [OPTIONS] [SERVICE...]", "Receive real time events from containers");
    options.flag("json", json, "Output events as a stream of json objects")
        .value("since", since, "Show what is known of events since timestamp")
        .value("until", until, "Stream events until this timestamp")
        .arguments(services);
    if (!options.parse(args)) return 0;
    const std::int64_t now = sys::realtime_ns();
    const std::int64_t from = since.empty() ? now : parse_time(since, now);
    const std::int64_t to = until.empty() ? 0 : parse_time(until, now);
    Context context(globals);
    Interrupts& interrupts = context.interrupts();
    Stream stream(context, std::move(services), json);
    if (!since.empty()) stream.past(from, to ? to : now);
    if (to && to <= now) return 0;
    std::stop_source end;
    std::stop_callback interrupted(interrupts.token(), [&] { end.request_stop(); });
    std::jthread timer;
    if (to)
        timer = std::jthread([&](const std::stop_token& gone) {
            std::mutex mutex;
            std::condition_variable_any changed;
            std::unique_lock lock(mutex);
            changed.wait_for(lock, gone, std::chrono::nanoseconds(to - now), [] { return false; });
            end.request_stop();
        });
    stream.follow(end.get_token(), now);
    return interrupts.requested() ? 130 : 0;
}

} // namespace davit::cli
