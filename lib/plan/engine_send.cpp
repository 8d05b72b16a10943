// Engine: a plan on its way to the supervisor.
#include "plan/engine_impl.hpp"

#include "base/error.hpp"

#include <utility>

namespace davit {

// It starts beside the staging of containers, which needs nothing of it.
Engine::Impl::Supervisor Engine::Impl::start_supervisor(const std::string& project, bool needed) {
    if (!needed) return {};
    return std::async(std::launch::async, [this, project] { return SupervisorClient::connect_or_start(store.roots(), project); });
}

void Engine::Impl::send(Plan plan, std::stop_token stop, Supervisor started) {
    if (plan.empty()) return SupervisorClient::look_after(store.roots(), plan.project);
    auto supervisor = started.valid() ? started.get() : SupervisorClient::connect_or_start(store.roots(), plan.project);
    const auto nothing_of_ours = [](const Operation& op, const SupervisorClient::ClientDone& done) {
        const Error missing = error(Errc::failed, "{} cannot be done here: the plan came from elsewhere", op.resource);
        done(op.id, &missing);
    };
    supervisor.apply(plan, nothing_of_ours, sink(), std::move(stop));
}

void Engine::apply(const Plan& plan, std::stop_token stop) {
    if (!impl_->approved(plan)) return;
    const FileLock held = impl_->lock(plan.project, stop);
    impl_->send(plan, std::move(stop));
}

} // namespace davit
