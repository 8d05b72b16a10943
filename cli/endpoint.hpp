// Which engine docker's flags, variables and contexts ask for. davit has the one on this machine; to act here for who
// meant another machine would be the worst of all answers, so that is an error.
#pragma once

#include "davit/error.hpp"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace davit::cli {

// The kept ones stand in contexts/meta/*/meta.json of docker's directory of configuration; "default" is the first.
struct DockerContext {
    std::string name = "default";
    std::string description;
    std::string host;     // "unix:///var/run/docker.sock"
    std::string metadata; // the document, as it stands there; empty: default's
    std::string problem;  // it cannot be read
};
std::vector<DockerContext> docker_contexts();

// Error(usage) with the file in which it would stand, as docker's client says it.
Error no_such_context(const std::string& name);

// $DOCKER_CONFIG, else ~/.docker; empty: there is no home.
std::string docker_config_directory();
// What config.json there calls currentContext; empty: nothing.
std::string configured_context();
// Throws Error(usage) for a context that there is not.
void configure_context(const std::string& name);

// Another text at its top; empty: none.
std::string client_setting(const std::string& key);
// Its proxies for this machine's engine: {"httpProxy": "http://…"}.
std::map<std::string, std::string> client_proxies();

// What is asked for: a flag's value hides both variables, DOCKER_HOST hides DOCKER_CONTEXT, which hides config.json.
struct EndpointChoice {
    std::string host;    // DOCKER_HOST
    std::string context; // DOCKER_CONTEXT; empty: default
    std::string said_by; // "DOCKER_HOST"; empty: nothing was said
};
EndpointChoice endpoint_choice();
// The context's name that `docker context show` prints.
std::string current_context();

// Whether this address is what a docker command on this machine would take by itself.
bool is_here(const std::string& host);

// What flags say goes to the environment: it is of this process alone. Throws Error(usage) for both.
void take_endpoint_flags(const std::optional<std::string>& host, const std::optional<std::string>& context);
// config.json's context counts too: for who calls davit docker or docker compose.
void take_configured_context();

// Throws Error(unsupported) when another engine than this machine's is asked for, not_found for a context that there
// is not.
void require_here();

} // namespace davit::cli
