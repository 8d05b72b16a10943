// `build:` of a service → what the builder is asked for.
#pragma once

#include "davit/build.hpp"
#include "davit/project.hpp"

#include <functional>
#include <string>
#include <vector>

namespace davit {

// What the command line says of all services of one build.
struct BuildWishes {
    bool pull = false, no_cache = false;
    std::vector<std::pair<std::string, std::optional<std::string>>> args; // win over the file's
    std::vector<BuildSsh> ssh;
    bool check_only = false;
    std::vector<std::pair<std::string, std::optional<std::string>>> defaults = {}; // of args that nobody has given
};

// image_of: the id of what another service's build has made (additional_contexts: service:NAME).
// named: false leaves the image without a name, for those that are only others' contexts.
// Errc::invalid_project, at its place: a provenance that is none.
BuildRequest build_request(const Project& project, const Service& service, const BuildWishes& wishes,
                           const std::function<std::string(const std::string& service)>& image_of, bool named);

// The services whose builds this one needs first (service:NAME), as written.
std::vector<std::string> build_dependencies(const Service& service);

// What of `build:` has no effect here, for a warning: "sbom", "cache_to type=gha".
std::vector<std::string> unacted_build_keys(const Service& service);

} // namespace davit
