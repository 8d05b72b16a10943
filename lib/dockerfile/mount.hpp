// RUN --mount=key=value,…
#pragma once

#include "dockerfile/steps.hpp"

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace davit::dockerfile {

// Fields of a CSV record: "…" around one that holds commas or quotes. Throws at the place.
std::vector<std::string> comma_fields(std::string_view text, const Place& place);
// 1, t, true, 0, f, false, as Go spells booleans.
std::optional<bool> go_boolean(std::string_view text);

// What can be said before variables are known: the fields can be read, and from= holds none.
void check_mount_syntax(std::string_view text, const Place& place);
// The value of from=, which makes the stage depend on it; empty: none.
std::string from_of_mount(std::string_view text, const Place& place);

struct WrittenMount {
    RunMount mount; // all but from
    std::string from;
};

// expand: of one word. working_dir: what a relative target is below. ssh_sockets: how many ssh mounts stand before it.
// Throws Errc::invalid_project at the place: keys that do not exist, or not for the type, values that cannot be read.
WrittenMount read_mount(std::string_view text, const std::function<std::string(std::string_view)>& expand,
                        std::string_view working_dir, int ssh_sockets, const Place& place);

} // namespace davit::dockerfile
