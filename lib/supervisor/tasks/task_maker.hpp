// Containers of tasks, made from what a client has prepared (swarm/task_template.hpp), without that client.
#pragma once

#include "davit/error.hpp"
#include "supervisor/container/containers.hpp"
#include "supervisor/world.hpp"
#include "swarm/store.hpp"
#include "swarm/task_template.hpp"

#include <functional>
#include <string>

namespace davit::supervisor {

class TaskMaker {
public:
    // The id of the container, or why the task is rejected. Never from inside the call that takes it.
    using Done = std::function<void(const Error* error, const std::string& container_id)>;

    TaskMaker(World& world, Containers& containers, const swarm::Store& store);

    // Volumes that are missing are made and filled first.
    void make(const swarm::Service& service, const swarm::Task& task, const swarm::Node& node, Done done);
    // Its configs and secrets, before each start: they stand in memory, and go with the machine. Throws not_found for
    // one that the store has not any more.
    void write_files(const swarm::Service& service, const swarm::Task& task, const swarm::Node& node,
                     const std::string& container_id) const;

private:
    struct Making {
        std::string directory; // of the template
        swarm::TaskTemplate prepared;
        swarm::HoleValues values;
        std::string filled(const std::string& text) const;
    };
    Making read(const swarm::Service& service, const swarm::Task& task, const swarm::Node& node) const;
    void check_binds(const Making& making) const;
    void volumes(const Making& making, std::function<void(const Error*)> done);
    void stage(const Making& making) const;
    void own_layer(const Making& making, const std::string& directory) const;

    World& world_;
    Containers& containers_;
    const swarm::Store& store_;
};

} // namespace davit::supervisor
