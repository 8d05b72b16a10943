// What revisions of a stack, or of a service that no stack has, say: names in place of ids, so that they outlive what
// they name. In JSON: {"services": {NAME: specification as Docker's API has it}, "networks", "configs", "secrets"}.
// Pure.
#pragma once

#include "davit/revisions.hpp"
#include "davit/services.hpp"
#include "davit/swarm.hpp"

#include <functional>
#include <map>
#include <string>
#include <vector>

namespace davit {

struct SwarmModel {
    struct File { // without its data: that is a content of the revision
        swarm::Labels labels;
        std::string template_driver, driver;
        bool operator==(const File&) const = default;
    };
    std::map<std::string, swarm::ServiceSpec> services;
    std::map<std::string, SwarmNetwork> networks; // of the stack's own
    std::map<std::string, File> configs, secrets; // likewise

    std::map<std::string, File>& files(swarm::FileKind kind) {
        return kind == swarm::FileKind::config ? configs : secrets;
    }
    const std::map<std::string, File>& files(swarm::FileKind kind) const {
        return kind == swarm::FileKind::config ? configs : secrets;
    }
};

std::string to_json(const SwarmModel& model);
// Throws failed for what is no such text.
SwarmModel swarm_model_from_json(const std::string& text);

// A specification for a model: without ids, and without how often it was forced anew.
swarm::ServiceSpec plain_spec(swarm::ServiceSpec spec,
                              const std::function<std::string(const std::string& target)>& network_name);

// "web: create", "web: update (Image, Env MODE)", "network x_front: remove": what one revision changes of another.
std::vector<std::string> change_lines(const Revision& before, const Revision& now);

} // namespace davit
