// The WWW-Authenticate header (RFC 9110 §11.6.1).
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace davit::registry {

struct Challenge {
    std::string scheme;                            // lower case: "bearer", "basic"
    std::map<std::string, std::string> parameters; // names in lower case: realm, service, scope, error
    std::string get(const std::string& name) const {
        auto it = parameters.find(name);
        return it == parameters.end() ? std::string() : it->second;
    }
};

// One header may hold several challenges; quoted strings may hold commas. What cannot be read is left out.
std::vector<Challenge> parse_challenges(std::string_view header);

// Adds what a challenge asks for ("repository:a/b:pull,push"; several between spaces) to scopes; the actions of one
// resource are joined.
void merge_scopes(std::vector<std::string>& scopes, std::string_view asked);

} // namespace davit::registry
