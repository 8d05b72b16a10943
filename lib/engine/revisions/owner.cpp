#include "engine/revisions/owner.hpp"

#include "davit/swarm.hpp"
#include "project/store.hpp"
#include "swarm/store.hpp"

#include <algorithm>
#include <string_view>

namespace davit {

namespace {
constexpr std::string_view stack_prefix = swarm::stack_project_prefix, service_prefix = swarm::service_history_prefix;
}

HistoryOwner HistoryOwner::of(const std::string& owner) {
    if (owner.starts_with(stack_prefix)) return {Kind::stack, owner.substr(stack_prefix.size())};
    if (owner.starts_with(service_prefix)) return {Kind::service, owner.substr(service_prefix.size())};
    return {Kind::project, owner};
}

std::string HistoryOwner::title() const {
    const char* noun = kind == Kind::stack ? "stack " : kind == Kind::service ? "service " : "project ";
    return noun + name;
}

bool is_there(const Roots& roots, const std::string& owner) {
    const HistoryOwner whose = HistoryOwner::of(owner);
    if (whose.kind == HistoryOwner::Kind::project) return !RecordStore(roots).containers(owner).empty();
    const auto services = swarm::Store(roots).services();
    return std::any_of(services.begin(), services.end(), [&](const swarm::Service& s) {
        return whose.kind == HistoryOwner::Kind::stack
                   ? s.project == owner
                   : s.project == swarm::services_project && s.spec.name == whose.name;
    });
}

} // namespace davit
