// Swarm: what of a service's placement only a cluster could meet.
#include "engine/swarm/swarm_impl.hpp"

#include "swarm/orchestrator/constraints.hpp"
#include "swarm/orchestrator/orchestrator.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/utsname.h>

namespace davit {

namespace {

swarm::NodeFacts this_node(const swarm::Store& objects) {
    swarm::NodeFacts facts;
    if (auto node = objects.node()) facts.node = std::move(*node);
    utsname machine{};
    ::uname(&machine);
    facts.hostname = machine.nodename;
    facts.architecture = machine.machine;
    facts.address = "127.0.0.1";
    return facts;
}

} // namespace

void Swarm::Impl::warn_of_cluster(const swarm::ServiceSpec& spec, std::vector<std::string>& warnings) const {
    if (!spec.task.placement) return;
    constexpr const char* hand_off =
        "in a cluster (docker swarm init, join) the same service or file is placed unchanged";
    const swarm::NodeFacts node = this_node(objects);
    std::vector<std::string> unmet;
    for (const auto& constraint : spec.task.placement->constraints)
        if (!swarm::meets(node, std::vector{constraint})) unmet.push_back(constraint);
    if (!unmet.empty())
        warnings.push_back(
            fmt::format("service {}: its tasks wait for a node with {}, which this one, the only one, is "
                        "not; {}",
                        spec.name, fmt::join(unmet, " and "), hand_off));
    if (!spec.task.placement->preferences.empty())
        warnings.push_back(
            fmt::format("service {}: there is one node to spread its tasks over; {}", spec.name, hand_off));
}

} // namespace davit
