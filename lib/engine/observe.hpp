// The snapshot that the planner reads, taken of the records on disk.
#pragma once

#include "project/store.hpp"
#include "reconcile/observed.hpp"

#include <string>
#include <vector>

namespace davit {

struct ObserveWishes {
    std::vector<std::string> foreign; // names of containers of other projects: container:NAME, external_links
    bool in_use = false;              // networks_in_use, volumes_in_use: reads the containers of every project
};

// By service and number, with one-offs.
std::vector<ObservedContainer> observe_containers(const RecordStore& store, const std::string& project);
// Reads the disk; no lock is taken, records are replaced atomically. Images are filled in by the caller.
ObservedState observe(const RecordStore& store, const std::string& project, const ObserveWishes& wishes = {});

} // namespace davit
