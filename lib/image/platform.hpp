// Which of an index's images runs on a machine.
#pragma once

#include "image/manifest.hpp"

#include <optional>
#include <string_view>
#include <vector>

namespace davit::image {

// "linux/arm64/v8", "linux", "arm64"; what is missing is this machine's. Errc::usage on nonsense.
Platform parse_platform(std::string_view text);
std::string to_string(const Platform& platform); // "linux/arm64"; the default variant is left out
Platform host_platform();
// x86_64 → amd64, aarch64 → arm64/v8, armhf → arm/v7 …
Platform normalized(Platform platform);

// Lower is better; nullopt: wanted cannot run it. A machine runs its own variant and those below
// (arm v8 → v7 → v6 → v5, amd64 v3 → v2 → v1), arm64 also 32-bit arm.
std::optional<int> distance(const Platform& wanted, const Platform& offered);
// Best first; entries without platform come last. Attestations and unknown platforms are left out.
std::vector<registry::Descriptor> choose_platform(const std::vector<registry::Descriptor>& manifests,
                                                  const Platform& wanted);

} // namespace davit::image
