// Prepares the containers of a service's tasks: services/<id>/templates/<n>, see swarm/task_template.hpp.
#pragma once

#include "container/container.hpp"
#include "davit/swarm.hpp"
#include "image/store.hpp"
#include "project/store.hpp"
#include "swarm/store.hpp"
#include "swarm/task_template.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace davit {

class TemplateStager {
public:
    TemplateStager(const RecordStore& store, const swarm::Store& objects, HostValues host);

    // Throws what keeps the service from being created: an expression in its specification that cannot be expanded.
    void check(const swarm::Service& service) const;
    // Prepares for service.spec; the number of the template. What only keeps its tasks from running (no image, a limit
    // that this machine has not) is written down as their rejection.
    std::uint64_t stage(const swarm::Service& service);
    void remove(const std::string& service_id, std::uint64_t version) const;

    const std::vector<std::string>& warnings() const { return warnings_; }

private:
    std::string make_directory(const std::string& service_id, std::uint64_t& version) const;
    std::string network_name(const std::string& target) const;
    void build(const swarm::Service& service, const std::string& directory, swarm::TaskTemplate& out);
    void files(const swarm::Service& service, const swarm::Holes& holes, BuiltContainer& built,
               swarm::TaskTemplate& out) const;
    std::string expanded_file(const swarm::Service& service, const swarm::Holes& holes,
                              const swarm::Config& file) const;

    const RecordStore& store_;
    const swarm::Store& objects_;
    HostValues host_;
    image::Store images_;
    std::vector<std::string> warnings_;
};

} // namespace davit
