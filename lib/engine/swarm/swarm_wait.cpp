// Swarm: waiting until a service is what it should be.
#include "engine/swarm/converge.hpp"
#include "engine/swarm/project_changes.hpp"
#include "engine/swarm/swarm_impl.hpp"

#include "base/error.hpp"
#include "supervisor/client/protocol.hpp"

#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>

namespace davit {

using namespace std::chrono_literals;

void Swarm::wait_converged(const std::string& service_id, const std::function<void(const ConvergeProgress&)>& progress,
                           std::stop_token stop) {
    const swarm::Service first = impl_->service(service_id);
    ProjectChanges changes(impl_->store.roots(), first.project);
    std::chrono::steady_clock::time_point since{}; // all run since then
    bool all_run = false;
    for (;;) {
        ConvergeProgress now = converge_progress(impl_->service(service_id), impl_->objects.tasks(service_id));
        const Verdict verdict = update_verdict(now.service);
        if (!verdict.failure.empty()) {
            if (progress) progress(now);
            throw error(Errc::failed, "{}", verdict.failure);
        }
        std::optional<std::chrono::nanoseconds> left;
        if (!now.converged || verdict.under_way) all_run = false;
        else {
            if (!std::exchange(all_run, true)) since = std::chrono::steady_clock::now();
            left = std::max<std::chrono::nanoseconds>(0ns, monitor_time(now.service) -
                                                               (std::chrono::steady_clock::now() - since));
            if (now.service.spec.mode.job()) left = 0ns;
        }
        now.verify_left = left;
        now.converged = (left && *left == 0ns) || (verdict.over && now.converged);
        if (progress) progress(now);
        if (now.converged) return;
        changes.wait(left ? std::min<std::chrono::nanoseconds>(*left, 1s) : left, stop);
        if (stop.stop_requested())
            throw error(Errc::interrupted, "interrupted while service {} converges", first.spec.name);
    }
}

void Swarm::subscribe(const std::string& project, const std::function<bool(const Event&)>& sink, std::stop_token stop) {
    if (auto client = SupervisorClient::connect(impl_->store.roots(), project))
        client->subscribe(sink, std::move(stop));
}

} // namespace davit
