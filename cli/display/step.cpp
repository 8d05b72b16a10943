#include "cli/display/step.hpp"

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
    case OpKind::stage_container:
    case OpKind::rename_container: return {nullptr, nullptr};
    }
    return {nullptr, nullptr};
}

const char* noun_of(OpKind op) {
    switch (op) {
    case OpKind::pull_image:
    case OpKind::build_image: return "Image ";
    case OpKind::create_network:
    case OpKind::remove_network: return "Network ";
    case OpKind::create_volume:
    case OpKind::remove_volume: return "Volume ";
    default: return "Container ";
    }
}

std::string name_of(const Event& event) {
    if (!event.container_name.empty()) return event.container_name;
    const std::size_t colon = event.resource.find(':');
    return colon == std::string::npos ? event.resource : event.resource.substr(colon + 1);
}

} // namespace

std::optional<Step> step_of(const Event& event) {
    if (event.kind == EventKind::warning) return Step{event.resource, Step::State::warning, event.text, {}, 0, 0};
    const Words words = words_of(event.op);
    Step step;
    switch (event.kind) {
    case EventKind::operation_started: step = {{}, Step::State::working, words.doing ? words.doing : "", {}, 0, 0}; break;
    case EventKind::operation_progress:
        step = {{}, Step::State::working, words.doing ? words.doing : "", event.text, event.current, event.total};
        break;
    case EventKind::operation_done: step = {{}, Step::State::done, words.done ? words.done : "", {}, 0, 0}; break;
    case EventKind::operation_skipped: step = {{}, Step::State::warning, "Skipped", event.text, 0, 0}; break;
    case EventKind::operation_failed: step = {{}, Step::State::error, "Error", event.text, 0, 0}; break;
    default: return std::nullopt;
    }
    // What only prepares is seen when it fails.
    if (!words.doing && event.kind != EventKind::operation_failed) return std::nullopt;
    step.id = noun_of(event.op) + name_of(event);
    return step;
}

} // namespace davit::cli
