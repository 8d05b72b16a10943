// What a build says of itself: a statement of in-toto with SLSA's provenance, in the fields that BuildKit's has. Pure.
#pragma once

#include "build/outputs.hpp"

#include <cstdint>
#include <set>
#include <string>
#include <vector>

namespace davit::build {

// An image that the build has taken.
struct Material {
    std::string reference, platform, digest; // of its manifest
    std::set<std::string> targets;           // the platforms of the images that are made of it
    bool operator==(const Material&) const = default;
};

struct BuildFacts {
    std::string machine; // its platform
    std::string context; // as it was named, without a password
    std::string dockerfile_name, dockerfile;
    std::vector<Material> materials; // of all platforms
    std::int64_t started_ns = 0, finished_ns = 0;
    std::string invocation;
};

inline constexpr const char* statement_type = "application/vnd.in-toto+json";
std::string predicate_type(const BuildProvenance& wanted);
// names: of the image, each with its manifest's digest a subject; empty: the statement is of no image.
std::string provenance_statement(const BuildProvenance& wanted, const BuildRequest& request, const BuildFacts& facts,
                                 const Built& built, const std::vector<std::string>& names,
                                 const std::string& manifest_digest);

} // namespace davit::build
