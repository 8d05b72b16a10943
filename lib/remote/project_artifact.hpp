// A compose project as registries keep it: a manifest whose layers are the project's files. What oci_project.hpp reads.
#pragma once

#include "davit/publish.hpp"

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

} // namespace davit::remote
