// Services that another program provides: `provider:` of the Compose specification, and the protocol that
// Docker Compose documents for its extensions.
#pragma once

#include "davit/event.hpp"
#include "davit/project.hpp"

#include <functional>
#include <map>
#include <stop_token>
#include <string>
#include <vector>

namespace davit {

struct Provided {
    Service service;
    std::vector<std::string> dependents; // services that depend on it
};
// Takes the services with a provider out of the project, and out of what others depend on. In the order in
// which they need each other.
std::vector<Provided> take_providers(Project& project);

// One line of a provider's standard output. Plain text counts as a message.
struct ProviderMessage {
    enum class Kind { info, debug, error, setenv, rawsetenv } kind = Kind::info;
    std::string text; // setenv, rawsetenv: NAME=VALUE
};
ProviderMessage parse_provider_message(std::string_view line);

// `compose --project-name=NAME COMMAND --OPTION=VALUE… SERVICE`. metadata: what `PROGRAM compose metadata`
// printed; when it names the parameters of the command, only those are passed, and the required ones must be there.
std::vector<std::string> provider_arguments(const std::string& project, const Service& service,
                                            const std::string& command, std::string_view metadata);

// Runs a provider and gives the variables that the services which depend on it get. Blocks until it has ended;
// `stop` ends it (SIGTERM). Throws not_found when there is no such program, and failed with what it said.
std::map<std::string, std::string> run_provider(const Project& project, const Service& service,
                                                const std::string& command,
                                                const std::function<void(const std::string&)>& said,
                                                std::stop_token stop);

} // namespace davit
