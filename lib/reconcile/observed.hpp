// What is there: the records on disk and the kernel's truth about them, as one snapshot that the
// planner reads. The snapshot itself is plain data, so that plans are pure functions of it.
#pragma once

#include "davit/project.hpp"
#include "project/record.hpp"

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace davit {

struct ObservedContainer {
    ContainerRecord record;
    ContainerStatus status;
    bool active() const { // has a process, or will have one again by its restart policy
        return status.state == ContainerState::running || status.state == ContainerState::paused ||
               status.state == ContainerState::restarting;
    }
};

struct ObservedState {
    std::string project;
    std::vector<ObservedContainer> containers;     // of the project, one-offs too, by service and number
    std::map<std::string, NetworkRecord> networks; // of the whole machine, by name
    std::map<std::string, VolumeRecord> volumes;
    std::map<std::string, std::string> images; // reference as the file has it → id; absent: not on this machine
    std::map<std::string, ObservedContainer> foreign;      // of other projects, by the name that the project uses
    std::set<std::string> networks_in_use, volumes_in_use; // by containers of other projects

    const ObservedContainer* find(const std::string& id) const;
    std::set<std::string> ids() const;
    std::vector<const ObservedContainer*> of_service(const std::string& service) const; // without one-offs
};

// Names in network_mode, ipc, pid, volumes_from ("container:X") and external_links.
std::vector<std::string> foreign_containers(const Project& project);

} // namespace davit
