// A compose project as registries keep it: a manifest whose layers are the project's files. What oci_project.hpp reads.
#pragma once

#include "davit/publish.hpp"
#include "registry/descriptor.hpp"

#include <string>
#include <vector>

namespace davit::remote {

struct ArtifactBlob {
    std::string media_type, digest, bytes;
};

struct ProjectArtifact {
    std::string manifest;            // its JSON
    std::vector<ArtifactBlob> blobs; // to be there before it: the configuration, then the files
};

// version: "1.1", or "1.0" for registries that know no artifact types. created: RFC 3339.
ProjectArtifact project_artifact(const std::vector<PublishedFile>& files, const std::string& version,
                                 const std::string& created);

struct CopiedImage {
    std::string domain, path; // where it came from
    registry::Descriptor manifest;
};

// The index of a project's images; its subject is the project's manifest. artifact_type: of that manifest, or empty.
std::string images_index(const std::vector<CopiedImage>& images, const registry::Descriptor& project,
                         const std::string& artifact_type);

// A list of referrers with one more, made anew where there was none or what was there is no index.
std::string with_referrer(const std::string& before, const registry::Descriptor& referrer);

} // namespace davit::remote
