#include "registry/credentials.hpp"

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/json_read.hpp"
#include "base/text_code.hpp"
#include "registry/credential_helper.hpp"

#include <cstdlib>
#include <unistd.h>
#include <vector>

namespace davit::registry {

namespace {

std::string environment(const char* name) {
    const char* value = std::getenv(name);
    return value ? value : "";
}

std::optional<Credentials> read_entry(const Json& entry) {
    Credentials out;
    out.identity_token = text_of(entry, "identitytoken");
    out.username = text_of(entry, "username");
    out.password = text_of(entry, "password");
    if (std::string auth = text_of(entry, "auth"); !auth.empty()) {
        auto plain = base64_decode(auth);
        auto colon = plain ? plain->find(':') : std::string::npos;
        if (colon == std::string::npos) return std::nullopt;
        out.username = plain->substr(0, colon);
        out.password = plain->substr(colon + 1);
        while (out.password.ends_with('\0')) out.password.pop_back();
    }
    if (out.username.empty() && out.identity_token.empty()) return std::nullopt;
    return out;
}

// git-credential's cousin: the host on stdin, JSON on stdout.
std::optional<Credentials> ask_helper(const std::string& helper, const std::string& domain,
                                      const std::stop_token& stop) {
    const auto answer = run_credential_helper(helper, "get", key_of_registry(domain), domain, stop);
    if (!answer) return std::nullopt;
    Json json = parse_untrusted(*answer);
    if (!json.is_object())
        throw error(Errc::denied, "the credential helper docker-credential-{} answered no JSON object", helper);
    Credentials out{text_of(json, "Username"), text_of(json, "Secret"), ""};
    if (out.username == "<token>") out = {"", "", out.password};
    if (out.username.empty() && out.identity_token.empty()) return std::nullopt;
    return out;
}

std::optional<Credentials> from_auths(const Json& json, const std::string& domain) {
    const Json* auths = object_of(json, "auths");
    if (!auths) return std::nullopt;
    for (const auto& [key, entry] : auths->items())
        if (key == domain && entry.is_object())
            if (auto found = read_entry(entry)) return found;
    for (const auto& [key, entry] : auths->items())
        if (same_registry(key, domain) && entry.is_object())
            if (auto found = read_entry(entry)) return found;
    return std::nullopt;
}

std::optional<Credentials> from_docker_config(const Json& json, const std::string& domain,
                                              const std::stop_token& stop) {
    if (const Json* helpers = object_of(json, "credHelpers"))
        for (const auto& [key, helper] : helpers->items())
            if (same_registry(key, domain) && helper.is_string())
                return ask_helper(helper.get<std::string>(), domain, stop);
    if (std::string store = text_of(json, "credsStore"); !store.empty())
        if (auto found = ask_helper(store, domain, stop)) return found;
    return from_auths(json, domain);
}

// podman's keys may name a namespace: "host/team", "host/team/app"; the longest that fits wins.
std::optional<Credentials> from_podman_config(const Json& json, const std::string& domain, const std::string& path,
                                              const std::stop_token& stop) {
    const Json* auths = object_of(json, "auths");
    for (std::string key = domain + "/" + path; auths;) {
        auto it = auths->find(key);
        if (it != auths->end() && it->is_object())
            if (auto found = read_entry(*it)) return found;
        auto slash = key.find_last_of('/');
        if (slash == std::string::npos) break;
        key.resize(slash);
    }
    return from_docker_config(json, domain, stop);
}

std::optional<Json> read_config(const std::string& path) {
    auto text = read_file_if_exists(path);
    if (!text) return std::nullopt;
    Json json = parse_untrusted(*text);
    if (!json.is_object())
        throw error(Errc::denied, "{} is no JSON object", path).with_hint("log in again, or remove the file");
    return json;
}

} // namespace

std::optional<Credentials> default_credentials(const std::string& domain, const std::string& path,
                                               const std::stop_token& stop) {
    const std::string home = environment("HOME");
    if (std::string text = environment("DOCKER_AUTH_CONFIG"); !text.empty()) {
        Json json = parse_untrusted(text);
        if (!json.is_object()) throw error(Errc::denied, "DOCKER_AUTH_CONFIG is no JSON object");
        if (auto found = from_auths(json, domain)) return found;
    }
    std::string docker = environment("DOCKER_CONFIG");
    if (docker.empty() && !home.empty()) docker = home + "/.docker";
    if (!docker.empty())
        if (auto json = read_config(docker + "/config.json"))
            if (auto found = from_docker_config(*json, domain, stop)) return found;
    std::vector<std::string> podman;
    if (std::string file = environment("REGISTRY_AUTH_FILE"); !file.empty()) podman.push_back(file);
    if (std::string dir = environment("XDG_RUNTIME_DIR"); !dir.empty()) podman.push_back(dir + "/containers/auth.json");
    podman.push_back("/run/containers/" + std::to_string(::getuid()) + "/auth.json");
    if (!home.empty()) podman.push_back(home + "/.config/containers/auth.json");
    for (const auto& file : podman)
        if (auto json = read_config(file))
            if (auto found = from_podman_config(*json, domain, path, stop)) return found;
    return std::nullopt;
}

} // namespace davit::registry
