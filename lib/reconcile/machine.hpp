// A container outside of compose files: what `docker run` was told → the project of one service that the container is
// built from, and its plan. Pure.
#pragma once

#include "davit/containers.hpp"
#include "davit/image.hpp"
#include "reconcile/reconcile.hpp"

#include <map>
#include <string>

namespace davit {

struct MachineContainer {
    std::string id, name;
    bool start = false;
};

// Of networks by name: the one with that name, that id, or the only one whose id begins so; null: none.
const NetworkRecord* find_network(const std::map<std::string, NetworkRecord>& networks, const std::string& name_or_id);

// The project `.machine` with one service, which has the container's name. observed: the networks and volumes that the
// container names, as far as there are any. image: what the container is made of.
// Errors: not_found (network), denied (one of a stack that is not attachable), conflict (networks and a mode).
Project machine_project_of(const ContainerSpec& spec, const std::string& name, const ObservedState& observed,
                           const image::Config& image);
Reconciled plan_container(const Project& project, const ContainerSpec& spec, const MachineContainer& container);

} // namespace davit
