// The services of the project: the orchestrator decides, this performs what it asks for on containers and tells it what
// became of them. Everything is written down before what it permits happens, so that a successor goes on from there.
#pragma once

#include "base/event_loop.hpp"
#include "davit/event.hpp"
#include "supervisor/client/protocol.hpp"
#include "supervisor/container/containers.hpp"
#include "supervisor/tasks/task_maker.hpp"
#include "supervisor/world.hpp"
#include "swarm/orchestrator/orchestrator.hpp"
#include "swarm/store.hpp"

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace davit::supervisor {

class TaskRunner {
public:
    using Done = Container::Done;

    // idle: called when there may be nothing to do any more.
    TaskRunner(World& world, Containers& containers, std::string project, std::function<void()> idle);

    // What the records say; after the containers have been adopted.
    void load();

    // --- what clients ask for; these throw what is wrong with it
    void set_service(const ServiceChange& change);
    void remove_service(const std::string& id);
    void node_changed();

    // The machine goes down no more: what was held back is done, and what has ended meanwhile is followed by others.
    void go_on();

    // State or health of a container of the project.
    void container_changed(const std::string& container_id);
    // Something of theirs happens, or will without a client's word.
    bool needs_supervisor() const;
    // A service is there, whatever it does.
    bool any_service() const { return !orchestrator_.services().empty(); }

private:
    // What is under way for a task.
    struct Life {
        std::string service_id, container_id;
        bool making = false, starting = false;
        bool stopping = false;  // asked for: the end is a shutdown
        bool unhealthy = false; // stopped because of that: the end is a failure
        bool removing = false;
        bool ready = false; // takes connections of its service
    };

    swarm::NodeFacts node_facts() const;
    swarm::Taken taken_elsewhere() const;
    swarm::Node node() const;

    // task_resume.cpp
    void resume(const swarm::Service& service, const swarm::Task& task);
    void remove_strays();
    void adopt_container(const swarm::Task& task, Container& container);

    // task_actions.cpp
    void perform(const swarm::Action& action);
    bool held_back(const swarm::Action& action);
    void save_service(const std::string& id);
    void save_task(const std::string& service_id, const std::string& id);
    void prepare(const std::string& service_id, const std::string& id);
    void start(const std::string& service_id, const std::string& id);
    void started(const std::string& id, const Error* error);
    void stop(const std::string& id);
    void remove_task(const std::string& service_id, const std::string& id);
    void end_service(const std::string& id);
    void mark_removed(const std::string& id);
    void end_unhealthy(const std::string& id);
    void report_end(const std::string& id, const Container& container);
    void remove_templates(const std::string& service_id);

    // task_addresses.cpp
    ServiceEndpoint endpoint_of(const swarm::Service& service) const;
    void set_addresses(const swarm::Service& service);
    void addresses_failed(const std::string& id, const Error& e);
    void take_addresses(const std::string& id, const ServiceGiven& given);
    void remove_addresses(const std::string& id);
    void set_ready(const std::string& task_id, bool ready);
    void drain_and_stop(const std::string& task_id, Container::Done done);

    Container* container_of(const std::string& task_id) const;
    void report(const std::string& task_id, swarm::Report report);
    void advance_soon();
    void advance();
    void set_timer();
    void write_again();
    void emit(EventKind kind, const std::string& resource, const std::string& service, const std::string& container,
              const std::string& text) const;

    World& world_;
    Containers& containers_;
    std::string project_;
    std::function<void()> idle_;
    swarm::Store store_;
    TaskMaker maker_;
    swarm::Orchestrator orchestrator_;
    std::map<std::string, EventLoop::Watch> settling_;        // by container: from the maps to the signal
    std::map<std::string, Life> lives_;                       // by task
    std::map<std::string, std::string> of_container_;         // task by container
    std::map<std::string, ServiceEndpoint> endpoints_;        // as asked for, by service
    std::vector<swarm::Action> held_;                         // until the machine goes down no more
    std::set<std::string> ending_;                            // services that wait for the last containers
    std::set<std::pair<std::string, std::string>> unwritten_; // service and task (empty: the service's own record)
    bool advance_posted_ = false;
    EventLoop::Watch timer_, write_timer_;
};

} // namespace davit::supervisor
