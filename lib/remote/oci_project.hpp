// A compose project in a registry, as `docker compose publish` stores it, becomes local files.
#pragma once

#include <stop_token>
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

// The digest of the project among what an index lists, as applications with their images may be kept; empty where the
// document is no index. Throws Error(unsupported) if the index has none.
std::string project_in_index(std::string_view json, const std::string& shown);

// reference: what follows "oci://". insecure: registries where plain HTTP will do. Returns the path of compose.yaml.
// Blocks on the network.
std::string fetch_from_registry(const std::string& reference, const std::string& cache,
                                const std::vector<std::string>& insecure = {}, std::stop_token stop = {});

} // namespace davit::remote
