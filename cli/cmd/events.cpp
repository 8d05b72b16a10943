#include "davit/events.hpp"
#include "base/error.hpp"
#include "base/printable.hpp"
#include "base/sys.hpp"
#include "cli/cmd/verbs.hpp"
#include "cli/context.hpp"
#include "cli/format/json_text.hpp"
#include "cli/format/time.hpp"
#include "cli/options.hpp"

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <nlohmann/json.hpp>

namespace davit::cli {

namespace {

void print_json(const ContainerEvent& e) {
    const nlohmann::ordered_json line = {{"time", rfc3339_nano(e.time_ns)},
                                         {"type", "container"},
                                         {"service", e.service},
                                         {"id", e.id},
                                         {"action", e.action},
                                         {"attributes", {{"image", e.image}, {"name", e.name}}}};
    std::printf("%s\n", json_text(line).c_str());
}

void print_plain(const ContainerEvent& e) {
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
    EventRange range;
    if (!since.empty()) range.since = parse_time(since, now);
    if (!until.empty()) range.until = parse_time(until, now);
    Context context(globals);
    Interrupts& interrupts = context.interrupts();
    const std::string project = context.project_name();
    follow_events(
        context.engine(), project, range,
        [&](const ContainerEvent& e) {
            if (!services.empty() && std::find(services.begin(), services.end(), e.service) == services.end())
                return true;
            json ? print_json(e) : print_plain(e);
            std::fflush(stdout);
            return true;
        },
        interrupts.token());
    if (range.until && *range.until <= now) return 0;
    return interrupts.requested() ? 130 : 0;
}

} // namespace davit::cli
