// What the containers that keep a project from being up wrote last, for the person who waits for it.
#pragma once

#include "davit/engine.hpp"

#include <mutex>
#include <set>
#include <string>

namespace davit::cli {

// The last lines of each container that is unhealthy or ended with an error, to stderr: of these, by name or
// service ("service:db"), or of all when there are none. Of the services in `read` the output is on the screen
// already: only the last healthcheck is told.
void print_last_words(Engine& engine, const std::string& project, const std::set<std::string>& of = {},
                      const std::set<std::string>& read = {});

// The conditions of dependencies that a command waits for: after a failure, who did not meet them speaks.
class UnmetConditions {
public:
    void see(const Event& event);
    void tell(Engine& engine, const std::string& project, const std::set<std::string>& read = {});

private:
    std::mutex mutex_;
    std::set<std::string> who_;
};

} // namespace davit::cli
