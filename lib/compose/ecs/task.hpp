// A task definition as it is read: what its containers need to know of it. Internal to this folder.
#pragma once

#include "compose/ecs/object.hpp"
#include "compose/template.hpp"

#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

namespace davit::compose::ecs {

// How a volume of the task is mounted here.
struct TaskVolume {
    std::string source;  // a path of the host, or a key of the project's volumes
    bool bind = false;   // the former
    bool shared = false; // one for all copies of the task
};

// One of `desiredCount` copies of the task.
struct Copy {
    std::string suffix; // of the names of its services and volumes: "", "-2" …
    int number = 1;
};

struct Task {
    std::string family;
    int revision = 0;
    std::string mode; // awsvpc, bridge, host, none
    double cpus = 0;
    std::int64_t memory = 0; // MiB
    std::string pid, ipc;    // host, task, none
    std::string platform;
    std::string holder; // the service that holds the network namespace
    std::map<std::string, TaskVolume> volumes;
    std::vector<std::string> names;  // of its containers
    std::set<std::string> essential; // those that the task ends with

    bool one_network() const { return mode == "awsvpc"; }
    bool metadata() const { return mode == "awsvpc" || mode == "bridge"; }
};

// What the conversion works with.
struct Context {
    Tree& tree;
    Diagnostics& diag;
    const Environment& environment;
    std::string directory;  // where files of variables are
    bool values = true;     // files and secrets have to be there
    bool elsewhere = false; // as in LoadOptions
    ForAws for_aws{{}, {}};

    Node* text(std::string_view value, Pos at = {}) const { return tree.string(value, at); }
    void set(Node& map, std::string_view key, Node* value) const { tree.set(map, tree.copy(key), value); }
    // The map below a key, the list below a key: made where there is none.
    Node& map_in(Node& map, std::string_view key, Pos at) const;
    Node& list_in(Node& map, std::string_view key, Pos at) const;
};

// container.cpp: a service for the definition. What belongs to the namespace that all share goes to `holder`, which is
// the service itself where each has its own.
void add_container(Context&, const Task&, const Copy&, Object definition, Node& services);
// network.cpp
void add_network(Context&, const Task&, const Copy&, Object& definition, Node& service, Node& holder);
// limits.cpp
void add_limits(Context&, const Task&, Object& definition, Node& service);
void add_linux_parameters(Context&, Object& definition, Node& service);
// volumes.cpp: the task's `volumes`, which become those of the project.
void read_volumes(Context&, Task&, Object& definition, const std::vector<Copy>&, Node& volumes);
void add_mounts(Context&, const Task&, const Copy&, Object& definition, Node& service);

// service.cpp
struct ServicePart {
    int tasks = 1;
    std::vector<std::string> aliases; // of the task on the network
};
ServicePart read_service(Context&, const Task&, Object& service);
// kept.cpp: the keys that say something, in a map of that name.
using Kept = std::span<const std::string_view>;
extern const Kept kept_of_task, kept_of_container, kept_of_service;
void keep(Context&, const Node& from, Kept keys, Node& to, std::string_view below);

} // namespace davit::compose::ecs
