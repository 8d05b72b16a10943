// The JSON documents of images: OCI manifest, index and configuration, and Docker's schema 2 forms.
// Pure; every text comes from somebody else and is checked.
#pragma once

#include "davit/image.hpp"
#include "registry/descriptor.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace davit::image {

struct Manifest {
    std::string media_type;
    registry::Descriptor config;
    std::vector<registry::Descriptor> layers; // lowest first
    std::map<std::string, std::string> annotations = {};
};

// What a manifest says of the image that another one of an index lists: `subject` is that one's digest.
struct Attestation {
    std::string subject;
    std::vector<registry::Descriptor> blobs; // its configuration and its statements
};
inline constexpr const char* attestation_type = "application/vnd.docker.attestation.manifest.v1+json";
inline constexpr const char* attested_digest = "vnd.docker.reference.digest"; // annotation of its entry
// nullopt: it is none.
std::optional<Attestation> parse_attestation(std::string_view json);
// subject, config and statements are in the store already, or will be.
std::string write_attestation(const registry::Descriptor& subject, const registry::Descriptor& config,
                              const std::vector<registry::Descriptor>& statements);

enum class DocumentKind { manifest, index };

// By shape, since mediaType may be missing. Errc::unsupported: schema 1, artifacts; Errc::failed:
// neither, or both at once (CVE-2021-41190).
DocumentKind kind_of_document(std::string_view json);
Manifest parse_manifest(std::string_view json);
std::vector<registry::Descriptor> parse_index(std::string_view json);

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

// An index of these manifests, in that order; each has its platform. media_type: OCI's, or Docker's list.
std::string write_index(const std::vector<registry::Descriptor>& manifests,
                        const std::map<std::string, std::string>& annotations = {},
                        const std::string& media_type = registry::media::oci_index);
// The index with other manifests in the place of those of these digests, and without the rest; all else as it stands.
// The same bytes where that changes nothing.
std::string rewrite_index(const std::string& json, const std::map<std::string, registry::Descriptor>& manifests);

// ChainID of the first n layers (image-spec config.md).
std::string chain_id(const std::vector<std::string>& diff_ids, std::size_t n);

} // namespace davit::image
