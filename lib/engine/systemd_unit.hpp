// The texts of systemd: units that it reads, and what systemctl prints. Pure.
#pragma once

#include "davit/boot.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace davit {

inline constexpr const char* boot_unit_name = "davit.service";

struct BootUnit {
    std::string program;
    std::string state_dir, run_dir;
    bool own_dirs = false; // not those that davit takes by itself
    bool packaged = false; // no 'davit system install' has written it
};
std::string unit_text(const BootUnit& unit);

// "1min 30s" → 90 s; empty: no limit, or not a time span.
std::optional<std::chrono::nanoseconds> time_span(std::string_view text);
// `systemctl show -p TimeoutStopUSec UNIT` and `systemctl list-jobs --no-legend`.
UnitStop unit_stop_from(std::string_view shown, std::string_view jobs, std::string_view unit);

} // namespace davit
