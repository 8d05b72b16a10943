#include "cli/display/step.hpp"

#include "base/printable.hpp"

#include <utility>

namespace davit::cli {

namespace {

struct Words {
    const char* doing;
    const char* done;
};

// What is shown of an operation; empty: nothing (it only prepares the next).
Words words_of(OpKind op) {
    switch (op) {
    case OpKind::pull_image: return {"Pulling", "Pulled"};
    case OpKind::build_image: return {"Building", "Built"};
    case OpKind::push_image: return {"Pushing", "Pushed"};
    case OpKind::create_network:
    case OpKind::create_volume:
    case OpKind::create_container: return {"Creating", "Created"};
    case OpKind::remove_network:
    case OpKind::remove_volume:
    case OpKind::remove_container: return {"Removing", "Removed"};
    case OpKind::start_container: return {"Starting", "Started"};
    case OpKind::stop_container: return {"Stopping", "Stopped"};
    case OpKind::restart_container: return {"Restarting", "Started"};
    case OpKind::kill_container: return {"Killing", "Killed"};
    case OpKind::pause_container: return {"Pausing", "Paused"};
    case OpKind::unpause_container: return {"Unpausing", "Unpaused"};
    case OpKind::wait_container: return {"Waiting", "Ready"};
    case OpKind::hand_over_container: return {"Taking over", "Took over"};
    case OpKind::stage_container:
    case OpKind::rename_container:
    case OpKind::update_container:
    case OpKind::connect_network:
    case OpKind::disconnect_network: return {nullptr, nullptr};
    }
    return {nullptr, nullptr};
}

const char* noun_of(const Event& event) {
    if (event.resource.rfind("provider:", 0) == 0) return "Service ";
    if (event.op == OpKind::pull_image && event.resource.find(':') == std::string::npos)
        return ""; // one without an image
    switch (event.op) {
    case OpKind::pull_image:
    case OpKind::build_image:
    case OpKind::push_image: return "Image ";
    case OpKind::create_network:
    case OpKind::remove_network: return "Network ";
    case OpKind::create_volume:
    case OpKind::remove_volume: return "Volume ";
    case OpKind::wait_container: return "Service "; // several containers; a single one is named
    default: return "Container ";
    }
}

bool is_of_image(const Event& event) { return event.op == OpKind::pull_image || event.op == OpKind::push_image; }

// The name a container gets whose predecessor still has its own: "0123456789ab_shop-web-1".
std::optional<std::string> replaces(const std::string& name) {
    constexpr std::size_t id = 12;
    if (name.size() <= id + 1 || name[id] != '_' || name.find_first_not_of("0123456789abcdef") != id)
        return std::nullopt;
    return name.substr(id + 1);
}

// The network of `network_mode: bridge`, which a project has for itself: with Docker it is always there.
bool is_default_bridge(const Event& event) {
    return (event.op == OpKind::create_network || event.op == OpKind::remove_network) &&
           event.resource == "network:" + event.project + ".bridge";
}

std::string name_of(const Event& event) {
    if (!event.container_name.empty()) return event.container_name;
    const std::size_t colon = event.resource.find(':');
    return colon == std::string::npos ? event.resource : event.resource.substr(colon + 1);
}

} // namespace

void make_printable(Step& step) {
    step.id = printable(step.id);
    step.text = printable(step.text, "\n\t");
    step.details = printable(step.details, "\n\t");
}

std::optional<Step> StepReader::read(const Event& event) {
    if (event.kind == EventKind::warning) return Step{event.resource, Step::State::warning, event.text, {}, 0, 0};
    const Words words = words_of(event.op);
    Step step;
    switch (event.kind) {
    case EventKind::operation_started:
        step = {{}, Step::State::working, words.doing ? words.doing : "", {}, 0, 0};
        break;
    case EventKind::operation_progress:
        step = {{}, Step::State::working, words.doing ? words.doing : "", event.text, event.current, event.total};
        break;
    case EventKind::operation_done:
        step = {{}, Step::State::done, event.text.empty() && words.done ? words.done : event.text, {}, 0, 0};
        break;
    case EventKind::operation_skipped: // of an image it is as it was asked for; of others something before it failed
        step = {{}, is_of_image(event) ? Step::State::done : Step::State::warning, "Skipped", event.text, 0, 0};
        break;
    case EventKind::operation_failed: step = {{}, Step::State::error, "Error", event.text, 0, 0}; break;
    default: return std::nullopt;
    }
    if (event.kind != EventKind::operation_failed && is_default_bridge(event)) return std::nullopt;
    // What only prepares is seen when it fails.
    if (!words.doing && event.kind != EventKind::operation_failed) return std::nullopt;
    step.id = (event.container_name.empty() ? noun_of(event) : "Container ") + name_of(event);
    // Several may wait for the same container, one for each that depends on it.
    if (event.op == OpKind::wait_container && std::exchange(waits_[step.id], step.text) == step.text)
        return std::nullopt;
    // It would have been created and started and waited for: told once.
    if (event.kind == EventKind::operation_skipped && !skipped_.insert(step.id).second) return std::nullopt;
    return read_recreation(event, std::move(step));
}

// A container is made anew beside the old one, which is then stopped and removed: one matter for who looks on.
std::optional<Step> StepReader::read_recreation(const Event& event, Step step) {
    if (event.kind == EventKind::operation_failed || event.kind == EventKind::operation_skipped) return step;
    const bool done = event.kind == EventKind::operation_done;
    if (event.op == OpKind::create_container) {
        const auto name = replaces(event.container_name);
        if (!name) return step;
        recreated_.insert(*name);
        if (done) return std::nullopt;
        return Step{"Container " + *name, Step::State::working, "Recreate", {}, 0, 0};
    }
    if (!recreated_.count(event.container_name)) return step;
    if (event.op == OpKind::stop_container && done) return std::nullopt;
    if (event.op != OpKind::remove_container) return step;
    if (!done) return std::nullopt;
    recreated_.erase(event.container_name);
    step.text = "Recreated";
    return step;
}

} // namespace davit::cli
