// Swarm: what commands leave in the history.
#include "engine/swarm/swarm_impl.hpp"

#include "base/error.hpp"

namespace davit {

ServiceRevision Swarm::Impl::new_revision(const std::string& owner, const std::string& command) {
    return ServiceRevision(store, objects, owner, command,
                           [this, owner](const std::string& text) { warn(owner, text); });
}

std::string Swarm::history_of(const swarm::Service& service) { return history_owner(service); }

std::string Swarm::history_of_stack(const std::string& name) { return swarm::stack_project_prefix + name; }

void Swarm::begin_revision(const std::string& owner, const std::string& command,
                           const std::vector<swarm::ServiceSpec>& intended) {
    impl_->owners_supervisor.reset();
    impl_->making.reset();
    try {
        impl_->making.emplace(impl_->store, impl_->objects, owner, command,
                              [this, owner](const std::string& text) { impl_->warn(owner, text); });
    } catch (const Error&) {
        return; // nothing can be called so, which whoever makes it says
    }
    impl_->making->begin(intended);
}

int Swarm::end_revision(const std::string& failure) {
    impl_->owners_supervisor.reset();
    if (!impl_->making) return 0;
    const int number = impl_->making->end(failure);
    impl_->making.reset();
    return number;
}

void Swarm::forget_history(const std::string& owner) {
    std::optional<RevisionStore> history;
    try {
        history.emplace(impl_->store.roots(), owner);
    } catch (const Error&) {
        return; // nothing can be called so
    }
    if (!exists(history->directory())) return;
    const FileLock held = history->lock();
    history->remove_all();
}

} // namespace davit
