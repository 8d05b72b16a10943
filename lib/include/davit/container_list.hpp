// Which containers there are, by docker's filters. Nothing here blocks but on the disk, or takes a lock; several
// threads may call at once.
#pragma once

#include "davit/container.hpp"
#include "davit/engine.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#pragma GCC visibility push(default)
namespace davit {

struct ListContainersOptions {
    bool all = false; // those that do not run too
    int last = -1;    // so many of the last that were made, whether they run or not; -1: no limit
    // KEY=VALUE with docker's keys: ancestor, before, exited, expose, health, id, is-task, isolation, label, name,
    // network, publish, since, status, volume. Several values of one key: any of them, of label all.
    std::vector<std::string> filters;
};
// The newest first. Errors: usage ("invalid filter 'x'"), not_found (a container that before or since names).
std::vector<ContainerInfo> list_containers(Engine& engine, const ListContainersOptions& options);

// Of `container prune`, `system prune`: label=K[=V], label!=K[=V], until=TIME. time: the ns since the epoch that a text
// means; may throw. Errors: usage.
std::function<bool(const ContainerInfo&)> prune_filter(const std::vector<std::string>& filters,
                                                       const std::function<std::int64_t(const std::string&)>& time);

struct ContainerSizes {
    std::uint64_t written = 0; // what it wrote into its own layer, as it takes room on the disk
    std::uint64_t whole = 0;   // with its image
};
// Blocks on the disk: looks at 200000 files at most.
ContainerSizes container_sizes(Engine& engine, const ContainerInfo& container);

} // namespace davit
#pragma GCC visibility pop
