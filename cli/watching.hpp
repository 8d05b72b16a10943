// What `watch` and `up --watch` share.
#pragma once

#include "cli/context.hpp"
#include "davit/watch.hpp"

#include <functional>
#include <stop_token>
#include <string>
#include <vector>

namespace davit::cli {

// As docker compose: what is watched and can be built is built when it is brought up.
Project built_when_watched(Project project);

// In docker compose's words; empty: nothing is said. Ends with a newline.
std::string watch_text(const WatchEvent& event);

struct Watching {
    std::vector<std::string> services;
    bool prune = true;
    std::optional<UpOptions> up;                 // when the configuration has changed
    std::function<void(const WatchEvent&)> seen; // before it is printed; may be empty
};
// Blocks until stop is requested; print gets each text, and whether it is about a failure, never twice at once. Throws
// as davit::watch().
void watch_files(Context& context, const Project& project, const Watching& what,
                 const std::function<void(const std::string& text, bool failure)>& print, std::stop_token stop);

} // namespace davit::cli
