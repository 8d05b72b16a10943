// Dockerfile instructions that change an image's configuration. For .cpp files: brings the JSON header.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

namespace davit::rootfs {

// config: the "config" object of an image configuration. CMD, ENTRYPOINT, ENV, EXPOSE, LABEL, ONBUILD,
// STOPSIGNAL, USER, VOLUME and WORKDIR; anything else throws Error(usage).
void apply_change(nlohmann::json& config, const std::string& instruction);

} // namespace davit::rootfs
