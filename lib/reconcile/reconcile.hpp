// Project × what is there → plan. Pure: reads neither disk nor clock; ids come from the caller.
#pragma once

#include "davit/engine.hpp"
#include "davit/plan.hpp"
#include "davit/project.hpp"
#include "reconcile/observed.hpp"

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace davit {

// What the project comes to, computed once for all of its containers.
struct Wanted {
    std::map<std::string, std::string> hashes;                        // service → configuration hash
    std::map<std::string, std::string> content_hashes;                // service → of its inline configs and secrets
    std::map<std::string, std::string> network_hashes, volume_hashes; // key →
    std::map<std::string, std::string> images;                        // service → reference
    std::map<std::string, std::string> image_volumes; // service → label::image_volumes_text(), where all are here
    std::set<std::string> healthchecks;               // services that have one, of their own or of the image
};

struct OneOff {      // `run`
    Service service; // with what the command line says
    std::string name;
    bool auto_remove = false;
    bool use_aliases = false;
    bool hold_for_attach = false;
    std::set<std::string> overridden;  // attributes of the service that the command line wins over
    std::set<std::string> own_volumes; // named on the command line and by no compose file: made if missing
    std::string slug;                  // 64 hexadecimal digits: of a name that is not given the end, in part
};

struct ReconcileOptions {
    std::set<std::string> targets; // named by the user; empty: all
    Recreate recreate = Recreate::diverged;
    Recreate recreate_dependencies = Recreate::diverged;
    std::map<std::string, int> scale;
    bool renew_anonymous_volumes = false;
    bool recreate_volumes = false;
    bool remove_orphans = false;
    bool ignore_orphans = false;
    std::set<std::string> retired; // services without a place in the project: their containers go in any case
    bool contents_count = false;   // another content of an inline config or secret makes a new container
    bool start = true;
    bool rolling = false; // what is recreated is replaced while the old one runs, whatever the file says
    bool wait = false;    // until running and healthy, or completed where a dependent asks for that
    std::chrono::seconds wait_timeout{0};
    Timeout timeout;
    std::shared_ptr<const OneOff> oneoff;
    std::function<std::string()> new_id; // 64 hex digits
    // Who has a container of that name in another project: "project shop", or nothing.
    std::function<std::string(const std::string&)> name_owner;
    // Attributes that changed since the container was made: "image, environment"; may be empty.
    std::function<std::string(const ObservedContainer&)> changes;
};

struct NewContainer {
    std::string id;
    std::string name;       // the final one
    std::string created_as; // the one it is created with: differs while the replaced one still has its name
    std::string service;    // key of the project's services
    int number = 1;
    const ObservedContainer* replaces = nullptr; // gives its anonymous volumes
    std::string takes_over;                      // id of the one that runs until this one has proved itself
    std::shared_ptr<const OneOff> oneoff;
    int pre_start = -1;                           // index of the hook this is the container of
    std::string donor;                            // pre_start: the container whose volumes it shares
    bool auto_remove = false, stdin_once = false; // of the machine's project; a one-off says it itself
    // Of the machine\'s project: ContainerSpec.
    std::string asked, cpuset_mems;
};

struct Reconciled {
    Plan plan;
    std::vector<NewContainer> containers;                     // to stage, in the order of the plan
    std::vector<std::string> networks;                        // keys, to record before the plan is sent
    std::vector<std::string> volumes;                         // keys, to make before the plan is sent
    std::map<std::string, std::vector<std::string>> services; // service → ids of its containers afterwards, by number
    std::vector<std::string> warnings;
    const NewContainer& named(const std::string& id) const; // of containers
};

// Throws invalid_project (container_name with several replicas), not_found (external network or volume, container of
// another project, a service that something is shared with and that has no container), conflict (container_name taken).
Reconciled reconcile(const Project& project, const Wanted& wanted, const ObservedState& observed,
                     const ReconcileOptions& options);

// `container:NAME` of a container that one of the project's own services has: it comes first, as with `service:`.
void depend_on_named_containers(Project& project);

// Containers of the project that no service stands for: neither enabled nor disabled; ended one-offs.
std::vector<const ObservedContainer*> orphans_of(const Project& project, const ObservedState& observed);
std::string orphan_warning(const std::vector<const ObservedContainer*>& orphans);

} // namespace davit
