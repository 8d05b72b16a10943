// Swarm: waiting until a service is what it should be.
#include "engine/swarm/converge.hpp"
#include "engine/swarm/swarm_impl.hpp"

#include "base/error.hpp"
#include "base/log.hpp"
#include "base/sys.hpp"
#include "supervisor/client/protocol.hpp"

#include <condition_variable>
#include <mutex>
#include <thread>
#include <utility>

namespace davit {

namespace {

using namespace std::chrono_literals;
constexpr auto look_again = 500ms; // while nobody tells of changes

// Whether something of the project has changed since one looked.
class Changes {
public:
    Changes(const Roots& roots, const std::string& project) {
        auto client = SupervisorClient::connect(roots, project);
        if (!client) return;
        told_ = true;
        listener_ = std::jthread([this, client = std::move(client)](std::stop_token stop) {
            const auto ring = [this](const Event&) {
                const std::lock_guard hold(mutex_);
                changed_ = true;
                woken_.notify_all();
                return true;
            };
            try {
                client->subscribe(ring, stop);
            } catch (const std::exception& e) { // it is looked at without being told then
                log::debug("listening to a supervisor: {}", e.what());
            }
            const std::lock_guard hold(mutex_);
            told_ = false;
            woken_.notify_all();
        });
    }
    // Until something has changed, or the limit.
    void wait(std::optional<std::chrono::nanoseconds> limit, std::stop_token stop) {
        std::unique_lock hold(mutex_);
        auto woken = [this] { return changed_; };
        if (!told_) limit = std::min<std::chrono::nanoseconds>(limit.value_or(look_again), look_again);
        if (limit) woken_.wait_for(hold, stop, *limit, woken);
        else woken_.wait(hold, stop, [this] { return changed_ || !told_; });
        changed_ = false;
    }

private:
    std::mutex mutex_;
    std::condition_variable_any woken_;
    bool changed_ = false, told_ = false;
    std::jthread listener_;
};

} // namespace

void Swarm::wait_converged(const std::string& service_id, const std::function<void(const ConvergeProgress&)>& progress,
                           std::stop_token stop) {
    const swarm::Service first = impl_->service(service_id);
    Changes changes(impl_->store.roots(), first.project);
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
