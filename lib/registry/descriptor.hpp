// What a registry calls its documents, and how it points at one.
#pragma once

#include "base/hash.hpp"
#include "davit/image.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace davit::registry {

namespace media {
inline constexpr const char* oci_manifest = "application/vnd.oci.image.manifest.v1+json";
inline constexpr const char* oci_index = "application/vnd.oci.image.index.v1+json";
inline constexpr const char* oci_config = "application/vnd.oci.image.config.v1+json";
inline constexpr const char* oci_layer = "application/vnd.oci.image.layer.v1.tar";
inline constexpr const char* docker_manifest = "application/vnd.docker.distribution.manifest.v2+json";
inline constexpr const char* docker_config = "application/vnd.docker.container.image.v1+json";
inline constexpr const char* docker_list = "application/vnd.docker.distribution.manifest.list.v2+json";
} // namespace media

struct Descriptor {
    std::string media_type;
    std::string digest;
    std::uint64_t size = 0;
    std::optional<image::Platform> platform;
    std::map<std::string, std::string> annotations;
    std::vector<std::string> urls = {}; // where else the blob is, if the registry does not have it
};

std::string hex_of(const std::string& digest); // without "sha256:"
Hasher::Kind hash_kind(const std::string& digest);
// Throws Errc::failed unless these are the bytes that the descriptor promises.
void verify_bytes(const Descriptor& descriptor, std::string_view bytes);

} // namespace davit::registry
