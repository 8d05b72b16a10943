#include "reconcile/reconcile.hpp"

#include "base/error.hpp"
#include "reconcile/labels.hpp"
#include "reconcile/reconciler.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace davit {

Reconciled reconcile(const Project& project, const Wanted& wanted, const ObservedState& observed,
                     const ReconcileOptions& options) {
    return Reconciler(project, wanted, observed, options).run();
}

const NewContainer& Reconciled::named(const std::string& id) const {
    return *std::find_if(containers.begin(), containers.end(), [&](const auto& c) { return c.id == id; });
}

std::vector<const ObservedContainer*> orphans_of(const Project& project, const ObservedState& observed) {
    std::vector<const ObservedContainer*> out;
    for (const auto& c : observed.containers) {
        const bool hook = c.record.labels.count(label::hook) != 0;
        const bool known = project.find(c.record.service) != nullptr;
        if (c.record.oneoff ? (!hook && !c.active() && c.status.state != ContainerState::created) : !known)
            out.push_back(&c);
    }
    return out;
}

std::string orphan_warning(const std::vector<const ObservedContainer*>& orphans) {
    std::vector<std::string> names;
    for (const auto* c : orphans) names.push_back(c->record.name);
    return fmt::format(
        "Found orphan containers ([{}]) for this project. If you removed or renamed this service in your "
        "compose file, you can run this command with the --remove-orphans flag to clean it up.",
        fmt::join(names, " "));
}

Reconciled Reconciler::run() {
    for (const auto& level : dependency_levels(project_)) order_.insert(order_.end(), level.begin(), level.end());
    networks();
    volumes();
    for (const auto& name : order_) decide(project_.services.at(name));
    check_names();
    check_donors();
    warn_of_sharers();
    emit_orphans();
    for (const auto& name : order_) emit(services_.at(name));
    if (options_.start)
        for (const auto& name : order_) start(services_.at(name));
    restart_others();
    if (options_.start && options_.wait)
        for (const auto& name : order_) wait(services_.at(name));
    if (options_.oneoff) emit_oneoff();
    for (const auto& name : order_)
        for (const auto& slot : services_.at(name).slots) out_.services[name].push_back(slot.id);
    out_.plan = plan_.take();
    return std::move(out_);
}

void Reconciler::emit_orphans() {
    // What a failed pre_start left behind is ours to clear away, asked or not.
    for (const auto& c : observed_.containers)
        if (c.record.labels.count(label::hook) && !c.active())
            plan_.add(OpKind::remove_container, c, "left by a failed pre_start hook").remove_volumes = true;
    const auto orphans = orphans_of(project_, observed_);
    if (orphans.empty()) return;
    if (!options_.ignore_orphans) {
        std::vector<const ObservedContainer*> named;
        std::copy_if(orphans.begin(), orphans.end(), std::back_inserter(named),
                     [&](const auto* c) { return !leaves_as_orphan(*c); });
        if (!named.empty()) out_.warnings.push_back(orphan_warning(named));
    }
    for (const auto* c : orphans) {
        if (!leaves_as_orphan(*c)) continue;
        int stopped = c->active() ? plan_.stop(*c, "orphan", {}, options_.timeout) : 0;
        plan_.add(OpKind::remove_container, *c, "orphan", {stopped});
    }
}

} // namespace davit
