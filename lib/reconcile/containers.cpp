#include "reconcile/reconciler.hpp"

#include "base/error.hpp"
#include "compose/place.hpp"
#include "model/image_reference.hpp"
#include "reconcile/labels.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace davit {

namespace {

bool has_volume_at(const ContainerRecord& record, const std::string& volume, const std::string& target) {
    return std::any_of(record.mounts.begin(), record.mounts.end(),
                       [&](const auto& m) { return m.type == "volume" && m.name == volume && m.target == target; });
}

} // namespace

Error Reconciler::put_at(Error e, const std::string& path, const SourcePos& otherwise) const {
    SourcePos at = compose::place_of(project_, path);
    return e.with_at(at.line ? std::move(at) : otherwise);
}

int Reconciler::scale_of(const Service& service) const {
    auto it = options_.scale.find(service.name);
    const int count = it == options_.scale.end() ? replicas(service) : it->second;
    if (count > 1 && !service.container_name.empty())
        throw put_at(error(Errc::invalid_project,
                           "The \"{}\" service is using the custom container name \"{}\". Every container must have a "
                           "unique name. "
                           "Remove the custom name to scale the service",
                           service.name, service.container_name),
                     "services." + service.name + ".container_name", service.origin.pos);
    return count;
}

void Reconciler::decide(const Service& service) {
    ServicePlan& plan = services_[service.name];
    plan.service = &service;
    const auto want = static_cast<std::size_t>(std::max(0, scale_of(service)));

    struct Candidate {
        const ObservedContainer* container;
        std::string cause;
    };
    std::vector<Candidate> candidates;
    int highest = 0;
    for (const auto* c : observed_.of_service(service.name)) {
        highest = std::max(highest, c->record.number);
        if (!c->record.takes_over.empty()) {
            plan.surplus.emplace_back(c, "it was to replace another one and did not come to it");
            continue;
        }
        candidates.push_back({c, recreate_cause(service, *c)});
    }
    // Kept first: those that are up to date, then the low numbers.
    std::stable_sort(candidates.begin(), candidates.end(),
                     [](const auto& a, const auto& b) { return a.cause.empty() && !b.cause.empty(); });
    while (candidates.size() > want) {
        plan.surplus.emplace_back(candidates.back().container, fmt::format("scale is {}", want));
        candidates.pop_back();
    }
    std::sort(candidates.begin(), candidates.end(),
              [](const auto& a, const auto& b) { return a.container->record.number < b.container->record.number; });
    auto name_of = [&](int number) {
        if (!service.container_name.empty()) return service.container_name;
        return fmt::format("{1}{0}{2}{0}{3}", name_separator(project_), project_.name, service.name, number);
    };
    for (auto& [container, cause] : candidates) {
        Slot& slot = plan.slots.emplace_back();
        slot.existing = container;
        slot.number = container->record.number;
        slot.recreate_cause = cause;
        plan.recreated = plan.recreated || !cause.empty();
        slot.id = cause.empty() ? container->record.id : options_.new_id();
        if (cause.empty()) check_content(service, *container);
        slot.name = cause.empty() ? container->record.name : name_of(slot.number);
    }
    while (plan.slots.size() < want) {
        Slot& slot = plan.slots.emplace_back();
        slot.number = ++highest;
        slot.id = options_.new_id();
        slot.name = name_of(slot.number);
    }
    decide_rolling(plan);
}

bool Reconciler::another_content(const Service& service, const ContainerRecord& record) const {
    auto wanted = wanted_.content_hashes.find(service.name);
    return wanted != wanted_.content_hashes.end() && wanted->second != record.content_hash;
}

void Reconciler::check_content(const Service& service, const ObservedContainer& container) {
    if (!another_content(service, container.record)) return;
    out_.warnings.push_back(
        fmt::format("the content of a config or secret of service \"{}\" has changed; container {} keeps the old "
                    "one until it is made anew (--force-recreate)",
                    service.name, container.record.name));
}

std::string Reconciler::recreate_cause(const Service& service, const ObservedContainer& container) const {
    if (auto it = forced_.find(container.record.id); it != forced_.end()) return it->second;
    const bool target = options_.targets.empty() || options_.targets.count(service.name) != 0;
    switch (target ? options_.recreate : options_.recreate_dependencies) {
    case Recreate::never: return "";
    case Recreate::always: return "forced";
    case Recreate::diverged: break;
    }
    if (container.status.state == ContainerState::dead) return "container is dead";
    if (std::string parent = parent_recreated(service); !parent.empty())
        return fmt::format("'{}' is recreated", parent);
    return divergence(service, container);
}

std::string Reconciler::divergence(const Service& service, const ObservedContainer& container) const {
    const ContainerRecord& record = container.record;
    if (record.config_hash != wanted_.hashes.at(service.name)) {
        std::string what = options_.changes ? options_.changes(container) : std::string();
        return what.empty() ? "configuration changed" : "configuration changed: " + what;
    }
    auto image = observed_.images.find(wanted_.images.at(service.name));
    if (image != observed_.images.end() && image->second != record.image_id) return "image changed";
    if (const auto now = wanted_.image_volumes.find(service.name); now != wanted_.image_volumes.end()) {
        const auto had = record.labels.find(label::image_volumes); // davit's before 0.2 do not tell
        if (had != record.labels.end() && had->second != now->second) return "the image of a volume changed";
    }
    if (options_.contents_count && another_content(service, record)) return "content of a config or secret changed";
    if (std::string cause = donor_replaced(service, record); !cause.empty()) return cause;
    for (const auto& [key, unused] : service.networks) {
        auto it = project_.networks.find(key);
        if (service.network_mode.empty() && it != project_.networks.end() && !attached(record, it->second.name))
            return fmt::format("network '{}' is another one now", key);
    }
    for (const auto& mount : service.volumes) {
        auto it = project_.volumes.find(mount.source);
        if (mount.type == MountType::volume && it != project_.volumes.end() &&
            !has_volume_at(record, it->second.name, mount.target))
            return fmt::format("volume '{}' is another one now", mount.source);
    }
    return "";
}

void Reconciler::check_abroad(const std::string& name) const {
    const std::string owner = options_.name_owner ? options_.name_owner(name) : std::string();
    if (!owner.empty())
        throw error(Errc::conflict, "The container name \"{}\" is already in use by {}", name, owner)
            .with_hint("remove (or rename) that container to be able to reuse the name");
}

void Reconciler::check_names() const {
    std::map<std::string, const ObservedContainer*> taken;
    for (const auto& c : observed_.containers) taken.emplace(c.record.name, &c);
    auto leaves = [&](const ObservedContainer& c) {
        if (leaves_as_orphan(c) && !project_.find(c.record.service)) return true;
        auto it = services_.find(c.record.service);
        if (it == services_.end()) return false;
        for (const auto& [surplus, unused] : it->second.surplus)
            if (surplus == &c) return true;
        return false;
    };
    for (const auto& [service, plan] : services_)
        for (const auto& slot : plan.slots) {
            if (!slot.fresh()) continue;
            try {
                check_container_name(slot.name);
            } catch (Error& e) {
                throw put_at(e, "services." + service + ".container_name", plan.service->origin.pos);
            }
            auto it = taken.find(slot.name);
            if (it == taken.end()) check_abroad(slot.name);
            if (it == taken.end() || it->second == slot.existing || leaves(*it->second)) continue;
            throw error(Errc::conflict, "The container name \"{}\" is already in use by container {} of service \"{}\"",
                        slot.name, it->second->record.id.substr(0, 12), it->second->record.service)
                .with_hint("remove that container, or use --remove-orphans if its service is gone");
        }
}

// As with Compose no container is made before all networks and volumes are: where one of them fails,
// nothing stands half-made.
std::set<int> Reconciler::resources() const {
    std::set<int> after;
    for (const auto* ops : {&network_ops_, &volume_ops_})
        for (const auto& [unused, op] : *ops) after.insert(op);
    return after;
}

void Reconciler::emit(ServicePlan& service) {
    emit_surplus(service);
    for (auto& slot : service.slots) {
        slot.starts = slot.fresh() || !slot.existing->active() || restarting_.count(slot.existing->record.id) != 0;
        if (!slot.existing) emit_new(service, slot);
        else if (slot.rolling) emit_rolling(service, slot);
        else if (slot.fresh()) emit_recreate(service, slot);
        else slot.ready = plan_.stop_of(slot.id); // stopped to be started again
    }
}

void Reconciler::emit_surplus(const ServicePlan& service) {
    for (const auto& [container, cause] : service.surplus) {
        int stopped = container->active() ? plan_.stop(*container, cause, {}, options_.timeout) : 0;
        plan_.add(OpKind::remove_container, *container, cause, {stopped});
    }
}

Operation& Reconciler::create(const Service& service, const Slot& slot, const std::string& cause,
                              const std::string& name) {
    const std::string resource = fmt::format("service:{}:{}", service.name, slot.number);
    auto describe = [&](Operation& op) -> Operation& {
        op.container_id = slot.id;
        op.container_name = name;
        return op;
    };
    std::set<int> after = resources();
    after.insert(describe(plan_.add(OpKind::stage_container, resource, cause, {image(service.name)})).id);
    return describe(plan_.add(OpKind::create_container, resource, cause, after));
}

void Reconciler::emit_new(ServicePlan& service, Slot& slot) {
    slot.ready = create(*service.service, slot, "no existing container", slot.name).id;
    NewContainer& made = out_.containers.emplace_back();
    made.id = slot.id;
    made.name = made.created_as = slot.name;
    made.service = service.service->name;
    made.number = slot.number;
}

// As Compose does it: the new one stands beside the old one until that is gone, so that a failure
// before the stop changes nothing.
void Reconciler::emit_recreate(ServicePlan& service, Slot& slot) {
    const ObservedContainer& old = *slot.existing;
    emit_replacement(service, slot, old.record.id.substr(0, 12) + "_" + slot.name);
    const int created = slot.ready;
    std::set<int> before_stop = stop_dependents(service.service->name);
    before_stop.insert(created);
    std::set<int> before_remove{created};
    if (old.active()) before_remove.insert(plan_.stop(old, slot.recreate_cause, before_stop, options_.timeout));
    slot.ready = emit_removal_of_old(slot, std::move(before_remove));
}

NewContainer& Reconciler::emit_replacement(ServicePlan& service, Slot& slot, const std::string& name) {
    slot.ready = create(*service.service, slot, slot.recreate_cause, name).id;
    NewContainer& made = out_.containers.emplace_back();
    made.id = slot.id;
    made.name = slot.name;
    made.created_as = name;
    made.service = service.service->name;
    made.number = slot.number;
    made.replaces = options_.renew_anonymous_volumes ? nullptr : slot.existing;
    return made;
}

// The new one gets its name then.
int Reconciler::emit_removal_of_old(Slot& slot, std::set<int> after) {
    const ObservedContainer& old = *slot.existing;
    const std::string name = out_.named(slot.id).created_as;
    Operation& removal = plan_.add(OpKind::remove_container, old, slot.recreate_cause, std::move(after));
    removal.remove_volumes = options_.renew_anonymous_volumes;
    const int removed = removal.id;
    Operation& rename = plan_.add(OpKind::rename_container, resource_of(old.record), slot.recreate_cause, {removed});
    rename.container_id = slot.id;
    rename.container_name = name;
    rename.new_name = slot.name;
    return rename.id;
}

// Containers that ask to be restarted with this service (depends_on.restart, shared namespaces).
std::set<int> Reconciler::stop_dependents(const std::string& name) {
    std::set<int> stops;
    if (!options_.start) return stops;
    for (auto& [other, plan] : services_) {
        auto it = plan.service->depends_on.find(name);
        if (it == plan.service->depends_on.end() || !it->second.restart) continue;
        for (const auto& slot : plan.slots) {
            if (!slot.existing || !slot.existing->active()) continue;
            stops.insert(plan_.stop(*slot.existing, fmt::format("'{}' is recreated", name), {}, options_.timeout));
            restarting_.insert(slot.existing->record.id);
        }
    }
    return stops;
}

void Reconciler::emit_oneoff() {
    const OneOff& run = *options_.oneoff;
    check_abroad(run.name);
    NewContainer& made = out_.containers.emplace_back();
    made.id = options_.new_id();
    made.name = made.created_as = run.name;
    made.service = run.service.name;
    made.oneoff = options_.oneoff;
    const std::string resource = fmt::format("run:{}:{}", run.service.name, run.name);
    std::set<int> after = resources();
    auto describe = [&](Operation& op) -> Operation& {
        op.container_id = made.id;
        op.container_name = run.name;
        return op;
    };
    after.insert(
        describe(plan_.add(OpKind::stage_container, resource, "one-off command", {image(run.service.name)})).id);
    // Made when it may start, as in Compose: where what it depends on fails, or is not waited for to the end, it never
    // was.
    after.merge(gates(run.service));
    const int created = describe(plan_.add(OpKind::create_container, resource, "one-off command", after)).id;
    describe(plan_.add(OpKind::start_container, resource, "one-off command", {created})).hold_for_attach =
        run.hold_for_attach;
}

} // namespace davit
