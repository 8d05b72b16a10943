// What becomes of what was built: an image of the store, files, an archive.
#pragma once

#include "build/solver.hpp"

#include <string>
#include <vector>

namespace davit::build {

struct Built {
    std::string platform; // that was asked for
    dockerfile::Evaluated file;
    StageState state;
};

// Before anything is done. Errc::usage: an output that cannot be.
void check_outputs(const BuildRequest& request);
// built: one for each platform.
BuildResult deliver(Session& session, const std::vector<Built>& built);
// DIRECTORY[:TAG][@DIGEST] of oci-layout://. What follows the last ':' is a tag where it looks like one, unless that
// directory is there.
struct LayoutName {
    std::string directory, tag, digest;
    bool operator==(const LayoutName&) const = default;
};
LayoutName parse_layout(const std::string& text);
// An OCI layout directory as a named context: its image, by id.
std::string load_layout(Session& session, const std::string& name);

} // namespace davit::build
