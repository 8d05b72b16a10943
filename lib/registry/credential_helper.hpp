// What reading and storing credentials share: docker-credential-* programs, and the keys of Docker's config.json.
#pragma once

#include <optional>
#include <stop_token>
#include <string>

namespace davit::registry {

inline constexpr const char* hub_key = "https://index.docker.io/v1/"; // what docker login writes for docker.io

bool is_hub(const std::string& host);
// Whether a key of config.json ("host", "https://host/v1/") means that registry.
bool same_registry(const std::string& key, const std::string& domain);
// How config.json and the helpers call it.
std::string key_of_registry(const std::string& domain);

// docker-credential-HELPER VERB, with the input on its stdin; nullopt: "credentials not found". Blocks. Errc::denied
// when it fails, not_found when there is no such program, interrupted; server: for messages.
std::optional<std::string> run_credential_helper(const std::string& helper, const std::string& verb,
                                                 const std::string& input, const std::string& server,
                                                 const std::stop_token& stop);

} // namespace davit::registry
