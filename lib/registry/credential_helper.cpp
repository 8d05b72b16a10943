#include "registry/credential_helper.hpp"

#include "base/error.hpp"
#include "base/process.hpp"

#include <cerrno>

namespace davit::registry {

namespace {

// "https://host/v1/" → "host", "host:5000/path" → "host:5000"
std::string host_of_key(std::string key) {
    if (auto scheme = key.find("://"); scheme != std::string::npos) key.erase(0, scheme + 3);
    return key.substr(0, key.find('/'));
}

// They say it on either stream, and end their lines.
std::string said(const Output& output) {
    std::string text = output.out.empty() ? output.err : output.out;
    while (text.ends_with('\n') || text.ends_with('\r')) text.pop_back();
    return text;
}

} // namespace

bool is_hub(const std::string& host) {
    return host == "docker.io" || host == "index.docker.io" || host == "registry-1.docker.io";
}

bool same_registry(const std::string& key, const std::string& domain) {
    const std::string host = host_of_key(key);
    return host == domain || (is_hub(host) && is_hub(domain));
}

std::string key_of_registry(const std::string& domain) { return is_hub(domain) ? hub_key : domain; }

std::optional<std::string> run_credential_helper(const std::string& helper, const std::string& verb,
                                                 const std::string& input, const std::string& server,
                                                 const std::stop_token& stop) {
    const std::string program = "docker-credential-" + helper;
    Output result;
    try {
        result = run({.argv = {program, verb}}, input, stop);
    } catch (Error& e) {
        e.with_context("asking the credential helper for " + server);
        if (e.os().value() == ENOENT) e.with_hint(program + " is named in Docker's config.json but is not in PATH");
        throw;
    }
    const bool not_found = (result.out + result.err).find("credentials not found") != std::string::npos;
    if (result.status.code == 0 && (result.status.known || !not_found)) return std::move(result.out);
    if (not_found) return std::nullopt;
    throw error(Errc::denied, "the credential helper {} failed to {} for {}: {}", program, verb, server, said(result));
}

} // namespace davit::registry
