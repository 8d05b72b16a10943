// The JSON documents of images: OCI manifest, index and configuration, and Docker's schema 2 forms.
// Pure; every text comes from somebody else and is checked.
#pragma once

#include "davit/image.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace davit::image {

namespace media {
inline constexpr const char* oci_manifest = "application/vnd.oci.image.manifest.v1+json";
inline constexpr const char* oci_index = "application/vnd.oci.image.index.v1+json";
inline constexpr const char* oci_config = "application/vnd.oci.image.config.v1+json";
inline constexpr const char* oci_layer = "application/vnd.oci.image.layer.v1.tar";
inline constexpr const char* docker_manifest = "application/vnd.docker.distribution.manifest.v2+json";
inline constexpr const char* docker_list = "application/vnd.docker.distribution.manifest.list.v2+json";
} // namespace media

struct Descriptor {
    std::string media_type;
    std::string digest;
    std::uint64_t size = 0;
    std::optional<Platform> platform;
    std::map<std::string, std::string> annotations;
    std::vector<std::string> urls = {}; // where else the blob is, if the registry does not have it
};

struct Manifest {
    std::string media_type;
    Descriptor config;
    std::vector<Descriptor> layers; // lowest first
};

enum class DocumentKind { manifest, index };

// By shape, since mediaType may be missing. Errc::unsupported: schema 1, artifacts; Errc::failed:
// neither, or both at once (CVE-2021-41190).
DocumentKind kind_of_document(std::string_view json);
Manifest parse_manifest(std::string_view json);
std::vector<Descriptor> parse_index(std::string_view json);

struct ImageConfiguration {
    Config config;
    Platform platform;
    std::string created, author;
    std::vector<HistoryEntry> history;
    std::vector<std::string> diff_ids;
};
ImageConfiguration parse_configuration(std::string_view json);

// A manifest for what came without one (docker-archive).
std::string write_manifest(const Manifest& manifest);

// ChainID of the first n layers (image-spec config.md).
std::string chain_id(const std::vector<std::string>& diff_ids, std::size_t n);

} // namespace davit::image
