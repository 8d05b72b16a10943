// The stages of container_spec(), each in a file of its own. All throw as it does.
#pragma once

#include "davit/container_flags.hpp"
#include "davit/service_spec.hpp"

#include <string>
#include <vector>

namespace davit::docker {

// networks.cpp
void take_networks(const ContainerFlags& flags, ContainerSpec& to);
void take_ports(const ContainerFlags& flags, Service& to);
// The network that HostConfig names: the first one.
std::string network_mode(const ContainerFlags& flags);
std::vector<Port> published_ports(const ContainerFlags& flags); // as they were asked for

// storage.cpp
void take_mounts(const ContainerFlags& flags, const ContainerFlagSurroundings& around, ContainerSpec& to);
// -v with a source, as HostConfig.Binds has it, and the targets of the others.
struct Binds {
    std::vector<std::string> binds, anonymous;
};
Binds binds_of(const ContainerFlags& flags, const ContainerFlagSurroundings& around);
std::vector<swarm::Mount> mounts_of(const ContainerFlags& flags, const ContainerFlagSurroundings& around);

// limits.cpp
void take_limits(const ContainerFlags& flags, ContainerSpec& to);
void take_devices(const ContainerFlags& flags, Service& to);

// asked.cpp
std::string asked_of(const ContainerFlags& flags, const ContainerFlagSurroundings& around, const ContainerSpec& spec,
                     const std::vector<std::string>& environment, bool detached);

} // namespace davit::docker
