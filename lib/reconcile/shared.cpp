#include "reconcile/reconciler.hpp"

#include "base/error.hpp"
#include "model/image_reference.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace davit {

namespace {

// One thing that a container has of another one.
struct Sharing {
    const char* what; // for people
    const char* noun; // as Docker Compose has it
    SharedWith of;    // by the service
    std::string had;  // the id of the container it was made with; "": of none, or unknown
};

std::string after_prefix(const std::string& text, std::string_view prefix) {
    return text.compare(0, prefix.size(), prefix) == 0 ? text.substr(prefix.size()) : std::string();
}

// The id in a mode of a record's, "" if there is none.
std::string id_in(const std::string& mode) {
    const SharedWith other = SharedWith::parse(mode);
    return other.is_container() ? std::string(other.name) : std::string();
}

std::vector<Sharing> sharings(const Service& service, const ContainerRecord& record) {
    std::vector<Sharing> out;
    auto mode = [&](const char* what, const char* noun, const std::string& wanted, const std::string& had) {
        const SharedWith of = SharedWith::parse(wanted);
        if (of.kind != SharedWith::Kind::nobody) out.push_back({what, noun, of, id_in(had)});
    };
    mode("network", "network namespace", service.network_mode, record.network_mode);
    mode("IPC namespace", "IPC namespace", service.ipc, record.ipc_mode);
    mode("process namespace", "PID namespace", service.pid, record.pid_mode);
    // Records of davit 0.1 do not tell whose volumes these are.
    const bool known = record.volumes_from.size() == service.volumes_from.size();
    for (std::size_t i = 0; i < service.volumes_from.size(); ++i)
        out.push_back({"volumes", "volume", VolumesFrom::parse(service.volumes_from[i]).of,
                       known ? record.volumes_from[i] : std::string()});
    return out;
}

// What a container has, whatever its service says.
std::vector<Sharing> sharings(const ContainerRecord& record) {
    std::vector<Sharing> out;
    auto mode = [&](const char* what, const std::string& had) {
        if (std::string id = id_in(had); !id.empty()) out.push_back({what, "", {}, id});
    };
    mode("network", record.network_mode);
    mode("IPC namespace", record.ipc_mode);
    mode("process namespace", record.pid_mode);
    for (const auto& id : record.volumes_from) out.push_back({"volumes", "", {}, id});
    return out;
}

// The service one of whose containers has this name, "" if none has.
std::string owner_of(const Project& project, const std::string& container) {
    for (const auto& [name, service] : project.services) {
        if (!service.container_name.empty()) {
            if (service.container_name == container) return name;
            continue;
        }
        const std::string number =
            after_prefix(container, project.name + name_separator(project) + name + name_separator(project));
        if (!number.empty() && std::all_of(number.begin(), number.end(), [](char c) { return c >= '0' && c <= '9'; }))
            return name;
    }
    return "";
}

} // namespace

void depend_on_named_containers(Project& project) {
    for (auto& [name, service] : project.services)
        for (const auto& sharing : sharings(service, {})) {
            if (!sharing.of.is_container()) continue;
            const std::string owner = owner_of(project, std::string(sharing.of.name));
            if (owner.empty() || owner == name || service.depends_on.count(owner)) continue;
            Dependency& dependency = service.depends_on[owner];
            dependency.restart = std::string_view(sharing.what) != "volumes";
            dependency.inferred = true;
            try {
                dependency_levels(project);
            } catch (const Error&) { // the other one waits for this one: it must stand already
                service.depends_on.erase(owner);
            }
        }
}

std::string Reconciler::parent_recreated(const Service& service) const {
    for (const auto& sharing : sharings(service, {})) {
        std::string parent(sharing.of.name);
        if (sharing.of.is_container()) parent = owner_of(project_, parent);
        auto it = services_.find(parent);
        if (it != services_.end() && it->second.recreated) return parent;
    }
    return "";
}

// The id of the container that would be shared now; "" if there is none yet.
std::string Reconciler::donor_now(const SharedWith& of) const {
    const std::string name(of.name);
    if (of.is_service()) {
        if (auto it = services_.find(name);
            it != services_.end()) // else none is left when the plan has been carried out
            return it->second.slots.empty() ? std::string() : it->second.slots.front().id;
        const auto there = observed_.of_service(name);
        return there.empty() ? std::string() : there.front()->record.id;
    }
    for (const auto& [unused, plan] : services_)
        for (const auto& slot : plan.slots)
            if (slot.name == name) return slot.id;
    auto it = observed_.foreign.find(name);
    return it == observed_.foreign.end() ? std::string() : it->second.record.id;
}

std::string Reconciler::donor_replaced(const Service& service, const ContainerRecord& record) const {
    for (const auto& sharing : sharings(service, record)) {
        if (sharing.had.empty() && std::string_view(sharing.what) == "volumes") continue;
        const std::string now = donor_now(sharing.of);
        if (!now.empty() && now != sharing.had) return fmt::format("'{}' is another container now", sharing.of.name);
    }
    return "";
}

void Reconciler::check_donors_of(const Service& service) const {
    for (const auto& sharing : sharings(service, {}))
        if (sharing.of.is_service() && donor_now(sharing.of).empty())
            throw error(Errc::not_found, "cannot share {} with service {}: container missing", sharing.noun,
                        sharing.of.name)
                .with_hint(fmt::format("davit up -d {}", sharing.of.name));
}

// A service that is not brought up as well (--no-deps), or that has no replicas. Whoever is kept whatever it is
// (--no-recreate) is not asked.
void Reconciler::check_donors() const {
    for (const auto& name : order_) {
        const auto& slots = services_.at(name).slots;
        const bool target = options_.targets.empty() || options_.targets.count(name) != 0;
        const bool kept = (target ? options_.recreate : options_.recreate_dependencies) == Recreate::never;
        const auto is_made = [&](const auto& slot) { return !kept || slot.fresh(); };
        if (std::any_of(slots.begin(), slots.end(), is_made)) check_donors_of(project_.services.at(name));
    }
    if (options_.oneoff) check_donors_of(options_.oneoff->service);
}

// Who shares something with a container that is replaced, and is not made anew itself, keeps what is left of it.
void Reconciler::warn_of_sharers() {
    std::map<std::string, std::string> replaced; // id → name
    for (const auto& [unused, plan] : services_)
        for (const auto& slot : plan.slots)
            if (slot.existing && slot.fresh()) replaced.emplace(slot.existing->record.id, slot.existing->record.name);
    if (replaced.empty()) return;
    for (const auto& c : observed_.containers) {
        if (!c.active() || (!c.record.oneoff && services_.count(c.record.service))) continue;
        for (const auto& sharing : sharings(c.record)) {
            auto it = replaced.find(sharing.had);
            if (it == replaced.end()) continue;
            out_.warnings.push_back(
                fmt::format("container {} shares the {} of {}, which is made anew: it keeps the old one's until it "
                            "is brought up as well (davit up -d {})",
                            c.record.name, sharing.what, it->second, c.record.service));
            break;
        }
    }
}

} // namespace davit
