// What docker compose calls the parts of a project in a registry.
#pragma once

namespace davit::remote {

namespace media {
inline constexpr const char* project = "application/vnd.docker.compose.project";
inline constexpr const char* empty_config = "application/vnd.docker.compose.config.empty.v1+json";
inline constexpr const char* compose_file = "application/vnd.docker.compose.file+yaml";
inline constexpr const char* env_file = "application/vnd.docker.compose.envfile";
inline constexpr const char* empty_json = "application/vnd.oci.empty.v1+json";
inline constexpr const char* manifest = "application/vnd.oci.image.manifest.v1+json";
} // namespace media

namespace annotation {
inline constexpr const char* version = "com.docker.compose.version";
inline constexpr const char* file = "com.docker.compose.file";
inline constexpr const char* env_file = "com.docker.compose.envfile";
inline constexpr const char* extends = "com.docker.compose.extends";
// Followed by ".REGISTRY"; its value is the repository there. As containerd has it.
inline constexpr const char* source = "containerd.io/distribution.source";
} // namespace annotation

} // namespace davit::remote
