#include "davit/events.hpp"
#include "base/error.hpp"
#include "base/printable.hpp"
#include "base/sys.hpp"
#include "cli/cmd/verbs.hpp"
#include "cli/context.hpp"
#include "cli/format/json_text.hpp"
#include "cli/format/time.hpp"
#include "cli/options.hpp"
#include "davit/labels.hpp"

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <map>
#include <nlohmann/json.hpp>

namespace davit::cli {

namespace {

std::string attribute(const MachineEvent& e, const char* name) {
    const auto found = e.attributes.find(name);
    return found == e.attributes.end() ? std::string() : found->second;
}

// Without the labels that compose itself gives.
std::map<std::string, std::string> told_attributes(const MachineEvent& e) {
    std::map<std::string, std::string> out = e.attributes;
    std::erase_if(out, [](const auto& one) { return one.first.starts_with(label::of_compose); });
    return out;
}

void print_json(const MachineEvent& e) {
    const nlohmann::ordered_json line = {{"action", e.action},
                                         {"attributes", told_attributes(e)},
                                         {"id", e.id},
                                         {"service", attribute(e, label::service)},
                                         {"time", rfc3339_nano(e.time_ns)},
                                         {"type", "container"}};
    std::printf("%s\n", json_text(line).c_str());
}

void print_plain(const MachineEvent& e) {
    const std::time_t seconds = static_cast<std::time_t>(e.time_ns / 1'000'000'000);
    std::tm t{};
    ::localtime_r(&seconds, &t);
    char text[32];
    std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &t);
    std::string attributes;
    for (const auto& [key, value] : told_attributes(e))
        attributes += (attributes.empty() ? "" : ", ") + key + "=" + value;
    // The empty line belongs to docker compose's format.
    std::printf("%s.%06d container %s %s (%s)\n\n", text, static_cast<int>(e.time_ns % 1'000'000'000 / 1000),
                printable(e.action).c_str(), e.id.c_str(), printable(attributes).c_str());
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
    follow_machine_events(
        context.engine(), range, {{"type", "container"}},
        [&](const MachineEvent& e) {
            if (e.project != project || attribute(e, label::oneoff) == "True") return true;
            const std::string service = attribute(e, label::service);
            if (!services.empty() && std::find(services.begin(), services.end(), service) == services.end())
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
