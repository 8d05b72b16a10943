// Dockerfile instructions that change an image's configuration. For .cpp files: brings the JSON header.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

namespace davit::rootfs {

// config: the "config" object of an image configuration. CMD, ENTRYPOINT, ENV, EXPOSE, HEALTHCHECK, LABEL, ONBUILD,
// STOPSIGNAL, USER, VOLUME and WORKDIR, as a Dockerfile that begins with this image has them: variables of its
// environment are known. Anything else throws Error(usage).
void apply_changes(nlohmann::json& config, const std::vector<std::string>& instructions);

} // namespace davit::rootfs
