// A compose project in a registry, as `docker compose publish` stores it, becomes local files.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace davit::remote {

struct ProjectLayer {
    enum class Kind { compose, extended, env_file };
    Kind kind = Kind::compose;
    std::string file; // of extended and env_file: a plain relative path
    std::string media_type, digest;
    std::uint64_t size = 0;
};

// The files a manifest names. Throws Error(unsupported) if it is no compose project, Error(failed)
// for names that lead outside.
std::vector<ProjectLayer> parse_project_manifest(std::string_view json, const std::string& shown);

// reference: what follows "oci://". Returns the path of compose.yaml. Blocks on the network.
std::string fetch_from_registry(const std::string& reference, const std::string& cache);

} // namespace davit::remote
