#include "davit/events.hpp"

#include "base/error.hpp"
#include "base/sys.hpp"
#include "davit/labels.hpp"
#include "engine/events/journal_reader.hpp"
#include "engine/roots.hpp"
#include "project/store.hpp"
#include "supervisor/client/protocol.hpp"

#include <algorithm>
#include <string_view>

namespace davit {

namespace {

MachineEvent event_of(std::string journal, JournalLine line) {
    MachineEvent e;
    e.time_ns = line.time_ns;
    e.type = std::move(line.type);
    e.action = std::move(line.action);
    e.id = std::move(line.id);
    e.attributes = std::move(line.attributes);
    if (journal != objects_journal) e.project = std::move(journal);
    return e;
}

std::string attribute(const MachineEvent& event, const std::string& key) {
    const auto it = event.attributes.find(key);
    return it == event.attributes.end() ? "" : it->second;
}

// Of those that compose tells of.
std::string compose_action(const std::string& action) {
    constexpr std::string_view told[] = {"create", "start",   "die",    "kill",   "stop", "restart",      "destroy",
                                         "pause",  "unpause", "rename", "update", "oom",  "health_status"};
    const std::string word = action.substr(0, action.find(':'));
    return std::find(std::begin(told), std::end(told), word) == std::end(told) ? "" : word;
}

} // namespace

namespace {

// Whoever waits for events needs somebody who sees them happen: where supervisor and shims were killed, the next
// supervisor is started here.
void have_supervisors(const Roots& roots, const std::vector<std::string>& projects) {
    for (const std::string& project : projects) {
        try {
            SupervisorClient::look_after(roots, project);
        } catch (const Error& e) {
            if (e.kind() != Errc::unavailable) throw; // of the others there is still something to tell
        }
    }
}

void follow(const Roots& roots, const std::vector<std::string>& projects, const EventRange& range,
            const std::function<bool(const MachineEvent&)>& sink, std::stop_token stop) {
    // With an end and no beginning: everything that is known, as docker has it.
    JournalReader reader(roots, range.until && !range.since ? std::optional<std::int64_t>(0) : range.since);
    if (!range.until || *range.until > sys::realtime_ns()) have_supervisors(roots, projects);
    while (!stop.stop_requested()) {
        const std::int64_t now = sys::realtime_ns();
        for (auto& [journal, line] : reader.take()) {
            if (range.until && line.time_ns > *range.until) continue;
            if (!sink(event_of(std::move(journal), std::move(line)))) return;
        }
        std::optional<std::chrono::nanoseconds> left;
        if (range.until) {
            if (*range.until <= now) return;
            left = std::chrono::nanoseconds(*range.until - now);
        }
        reader.wait(left, stop);
    }
}

} // namespace

void follow_machine_events(Engine& engine, const EventRange& range, const EventFilters& filters,
                           const std::function<bool(const MachineEvent&)>& sink, std::stop_token stop) {
    const Roots roots = roots_of(engine);
    std::vector<std::string> projects{machine_project};
    for (const ProjectRecord& record : RecordStore(roots).projects()) projects.push_back(record.name);
    follow(
        roots, projects, range, [&](const MachineEvent& event) { return !passes(event, filters) || sink(event); },
        std::move(stop));
}

void follow_events(Engine& engine, const std::string& project, const EventRange& range,
                   const std::function<bool(const ContainerEvent&)>& sink, std::stop_token stop) {
    follow(
        roots_of(engine), {project}, range,
        [&](const MachineEvent& event) {
            const bool ours = event.project == project && event.type == "container";
            const std::string action = ours ? compose_action(event.action) : "";
            if (action.empty()) return true;
            return sink({event.time_ns, action, attribute(event, label::service), event.id, attribute(event, "name"),
                         attribute(event, "image")});
        },
        std::move(stop));
}

} // namespace davit
