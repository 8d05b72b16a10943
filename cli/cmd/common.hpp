// Options that several verbs share.
#pragma once

#include "cli/environment.hpp"
#include "cli/options.hpp"
#include "davit/engine.hpp"

#include <map>
#include <optional>
#include <string>

namespace davit::cli {

Timeout timeout_of(const std::optional<int>& seconds);

// --pull always|missing|never|policy; "" and "policy": each service's own.
PullMode pull_mode(const std::string& value);

// --scale SERVICE=NUM
void add_scale(std::map<std::string, int>& scale, const std::string& text);

// up and create
struct CreateFlags {
    CreateOptions options;
    std::string pull;
    std::optional<int> timeout;
    bool build = false, force_recreate = false, no_recreate = false, always_recreate_deps = false;
    bool assume_yes = false, quiet_build = false;

    void add_to(Options& options);
    // After parsing; throws Error(usage) for flags that exclude each other.
    void check_and_apply();
};

} // namespace davit::cli
