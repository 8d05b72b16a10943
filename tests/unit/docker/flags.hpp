// Flags as they stand on a command line → what container_flags.hpp makes of them.
#pragma once

#include "davit/container_flags.hpp"
#include "davit/error.hpp"

#include <algorithm>
#include <span>
#include <string>
#include <vector>

// "--name=x" or "--init"; values stand behind the equals sign.
inline davit::ContainerFlags given(const std::vector<std::string>& flags,
                                   std::span<const davit::ContainerFlag> table = davit::container_flags()) {
    davit::ContainerFlags out;
    out.image = "busybox";
    for (const std::string& flag : flags) {
        const std::size_t equals = flag.find('=');
        const std::string name = flag.substr(2, equals == std::string::npos ? equals : equals - 2);
        const auto found = std::find_if(table.begin(), table.end(), [&](const auto& f) { return name == f.name; });
        if (found == table.end()) throw davit::Error(davit::Errc::usage, "unknown flag: --" + name);
        out.add(*found, equals == std::string::npos ? "true" : flag.substr(equals + 1));
    }
    return out;
}

inline davit::ContainerFlagSurroundings here() { return {"/here", {{"FROMHOST", "yes"}}}; }

inline davit::ContainerSpec spec(const std::vector<std::string>& flags, const std::vector<std::string>& args = {}) {
    davit::ContainerFlags f = given(flags);
    f.args = args;
    return davit::container_spec(f, here());
}

// The message; empty: nothing was wrong.
inline std::string mistake(const std::vector<std::string>& flags, davit::Errc* kind = nullptr) {
    try {
        spec(flags);
        return {};
    } catch (const davit::Error& e) {
        if (kind) *kind = e.kind();
        return e.what();
    }
}
