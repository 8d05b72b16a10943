// What the parts of Swarm share: swarm.cpp (services), swarm_networks.cpp, swarm_wait.cpp.
#pragma once

#include "davit/services.hpp"
#include "engine/swarm/service_history.hpp"
#include "project/store.hpp"
#include "supervisor/client/protocol.hpp"
#include "swarm/store.hpp"

#include <functional>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <vector>

namespace davit {

struct Swarm::Impl {
    explicit Impl(EngineOptions with);

    EngineOptions config;
    Engine engine;
    Engine silent; // for what nobody has asked for by name: its events are nobody's
    RecordStore store;
    swarm::Store objects;

    void warn(const std::string& project, const std::string& text) const;
    // Makes this machine a swarm where it is none, and says so.
    void ensure_swarm();
    swarm::Service service(const std::string& id) const; // throws not_found

    // --- references in a specification: names become ids
    void resolve(swarm::ServiceSpec& spec) const;
    // Whose tasks are on no network of their own: they share their project's bridge, which is there as long.
    void provide_bridge(const swarm::ServiceSpec& spec, const std::string& project);
    void release_bridge(const std::string& project);
    bool make_network(const struct NetworkRecord& record);
    bool make_network(const SwarmNetwork& network, const std::string& project);
    // The image on this machine, and pinned to its digest where a registry gave one; a warning where it cannot be had.
    void provide_image(swarm::ServiceSpec& spec, const std::string& project, const ServiceOptions& options,
                       std::vector<std::string>& warnings, std::stop_token stop);
    void pull_image(const std::string& image, const std::string& service, const std::string& project, PullMode mode,
                    bool quiet, std::stop_token stop);
    // One line for what a single node cannot give.
    void warn_of_cluster(const swarm::ServiceSpec& spec, std::vector<std::string>& warnings) const;
    // Throws not_found with what the previous specification names and this machine lacks.
    void check_previous(const swarm::Service& service) const;

    // --- history
    std::optional<ServiceRevision> making;             // begin_revision()
    std::set<std::string> asked;                       // images whose registry has told the digest
    std::optional<SupervisorClient> owners_supervisor; // of `making`, from its first service on
    bool tidied = false;                               // what killed clients have left of services
    ServiceRevision new_revision(const std::string& owner, const std::string& command);
    void with_supervisor(const std::string& project, const std::function<void(SupervisorClient&)>& act);
    // act() sends the service to its supervisor; what follows from that stands in the history.
    template <typename Act>
    void recorded(const swarm::Service& service, const std::string& command, Act&& act);
    // Makes what the revision's services need and is the stack's own.
    void provide_objects(const Revision& revision, const SwarmModel& model,
                         const std::function<void(const std::string&)>& progress);
    // The revision's specification for a service that is `now`; nothing: it is that already.
    std::optional<swarm::ServiceSpec> restored(const Revision& revision, const SwarmModel& model,
                                               const std::string& name, const swarm::Service* now) const;
    std::string image_of(const swarm::Service& service) const { return image_id_of_template(objects, service); }
    // With Swarm's lock: the ports as they are given. Throws conflict.
    std::vector<swarm::PortConfig> claim_ports(const swarm::ServiceSpec& spec, const std::string& service_id,
                                               const std::vector<swarm::PortConfig>& before) const;
    void claim_name(const std::string& name) const;
};

template <typename Act>
void Swarm::Impl::recorded(const swarm::Service& service, const std::string& command, Act&& act) {
    const std::string owner = history_owner(service);
    if (making && making->owner() == owner) {
        act();
        making->put(service);
        return;
    }
    ServiceRevision own = new_revision(owner, command);
    own.put(service);
    own.begin();
    try {
        act();
    } catch (...) {
        own.drop();
        throw;
    }
    own.confirm();
}

} // namespace davit
