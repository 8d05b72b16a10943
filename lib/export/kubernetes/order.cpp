// The order within a pod: what compose's conditions between services of one network become.
#include "export/kubernetes/cluster.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace davit::exports {

namespace {

const Service* member_of(const std::vector<const Service*>& members, const std::string& name) {
    const auto it = std::find_if(members.begin(), members.end(), [&](const Service* s) { return s->name == name; });
    return it == members.end() ? nullptr : *it;
}

bool is_checked(const Service& service) {
    return service.healthcheck && !service.healthcheck->disable && !service.healthcheck->test.empty() &&
           service.healthcheck->test[0] != "NONE";
}

void visit(const std::vector<const Service*>& members, const Service* service, std::set<std::string>& seen,
           std::vector<const Service*>& out) {
    if (!seen.insert(service->name).second) return;
    for (const auto& [other, how] : service->depends_on)
        if (const Service* s = member_of(members, other)) visit(members, s, seen, out);
    out.push_back(service);
}

void note(const Cluster& cluster, const Service& service, const std::string& other, const Dependency& how,
          Place place) {
    const std::string path = fmt::format("services.{}.depends_on.{}", service.name, other);
    if (how.restart)
        cluster.report().dropped(path + ".restart", "containers are not restarted with others of their pod");
    switch (place) {
    case Place::runs_first:
        return cluster.report().adjusted(path, "an init container", "it ends before the others of the pod begin");
    case Place::begins_first:
        return cluster.report().adjusted(path, "an init container that runs on",
                                         "the next begins when its startup probe is met (Kubernetes 1.29)");
    case Place::begins_at_once:
        if (how.condition == DependencyCondition::healthy)
            return cluster.report().dropped(
                path, other + " has no healthcheck in the file, so nobody knows when it is healthy",
                "healthcheck.test at " + other + ": it becomes a probe that is waited for");
        return cluster.report().adjusted(path, std::string(left_out), "containers of a pod begin one after the other");
    }
}

} // namespace

std::vector<const Service*> in_order(const std::vector<const Service*>& members) {
    std::vector<const Service*> out;
    std::set<std::string> seen;
    for (const Service* s : members) visit(members, s, seen, out);
    return out;
}

std::map<std::string, Place> places_in_pod(const Cluster& cluster, const std::vector<const Service*>& members) {
    std::map<std::string, Place> out;
    for (const Service* s : members) out[s->name] = Place::begins_at_once;
    if (members.size() < 2) return out;
    for (const Service* s : members)
        for (const auto& [other, how] : s->depends_on) {
            const Service* on = how.inferred ? nullptr : member_of(members, other); // the network is there before all
            if (!on) continue;
            if (wants_end(how.condition)) out[other] = Place::runs_first;
            else if (how.condition == DependencyCondition::healthy && is_checked(*on) &&
                     out[other] != Place::runs_first)
                out[other] = Place::begins_first;
        }
    // What begins first needs before it what it depends on itself.
    const auto order = in_order(members);
    for (auto it = order.rbegin(); it != order.rend(); ++it)
        for (const auto& [other, how] : (*it)->depends_on)
            if (!how.inferred && member_of(members, other) && out[(*it)->name] != Place::begins_at_once &&
                out[other] == Place::begins_at_once)
                out[other] = Place::begins_first;
    for (const Service* s : members)
        for (const auto& [other, how] : s->depends_on)
            if (!how.inferred && member_of(members, other)) note(cluster, *s, other, how, out[other]);
    return out;
}

} // namespace davit::exports
