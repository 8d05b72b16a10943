#include "engine/swarm/project_changes.hpp"

#include "base/log.hpp"
#include "supervisor/client/protocol.hpp"

#include <utility>

namespace davit {

namespace {
using namespace std::chrono_literals;
constexpr auto look_without_supervisor = 500ms;
} // namespace

ProjectChanges::ProjectChanges(Roots roots, std::string project)
    : roots_(std::move(roots)), project_(std::move(project)),
      listener_([this](std::stop_token stop) { listen(std::move(stop)); }) {}

bool ProjectChanges::ring() {
    const std::lock_guard hold(mutex_);
    changed_ = true;
    woken_.notify_all();
    return true;
}

void ProjectChanges::listen(std::stop_token stop) {
    std::mutex mutex;
    std::condition_variable_any pause;
    while (!stop.stop_requested()) {
        try {
            // Also when the subscription begins: what happened before it, nobody tells.
            if (auto supervisor = SupervisorClient::connect(roots_, project_))
                supervisor->subscribe([this](const Event&) { return ring(); }, stop, [this] { return ring(); });
        } catch (const std::exception& e) {
            log::debug("listening to the supervisor of project {}: {}", project_, e.what());
        }
        std::unique_lock hold(mutex);
        pause.wait_for(hold, stop, look_without_supervisor, [] { return false; });
        ring();
    }
}

bool ProjectChanges::wait(std::optional<std::chrono::nanoseconds> limit, std::stop_token stop) {
    std::unique_lock hold(mutex_);
    auto changed = [this] { return changed_; };
    if (limit) woken_.wait_for(hold, stop, *limit, changed);
    else woken_.wait(hold, stop, changed);
    return std::exchange(changed_, false);
}

} // namespace davit
