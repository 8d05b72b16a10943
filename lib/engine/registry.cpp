#include "davit/registry.hpp"

#include "base/error.hpp"
#include "registry/credential_helper.hpp"
#include "registry/login.hpp"
#include "registry/reference.hpp"

namespace davit {

std::string registry_name(const std::string& text) {
    std::string host = text;
    if (const auto scheme = host.find("://"); scheme != std::string::npos) host.erase(0, scheme + 3);
    host = host.substr(0, host.find('/'));
    if (text.empty() || registry::is_hub(host)) return "docker.io";
    // A single word is no host where references are read, but here it can be nothing else.
    const bool single = host.find_first_of(".:") == std::string::npos && host != "localhost";
    const auto reference = registry::Reference::try_parse((single ? host + ".x" : host) + "/x");
    if (host.empty() || !reference || reference->path() != "x")
        throw error(Errc::usage, "'{}' is no registry", text).with_hint("HOST[:PORT], as in image names");
    return host;
}

namespace {

registry::RegistryOptions login_options(std::stop_token stop) {
    registry::RegistryOptions out;
    registry::read_daemon_config(out);
    out.stop = std::move(stop);
    return out;
}

} // namespace

KeptLogin login(const LoginRequest& request, std::stop_token stop) {
    const std::string domain = registry_name(request.registry);
    const registry::Credentials credentials{request.user, request.password, ""};
    registry::check_login(domain, credentials, login_options(stop));
    const auto kept = registry::keep_login(registry::docker_config_file(), domain, credentials, stop);
    return {kept.place, kept.plain_text};
}

std::optional<std::string> check_kept_login(const std::string& name, std::stop_token stop) {
    const std::string domain = registry_name(name);
    const auto kept = registry::default_credentials(domain, "", stop);
    if (!kept) return std::nullopt;
    registry::check_login(domain, *kept, login_options(std::move(stop)));
    return kept->username;
}

bool logout(const std::string& name, std::stop_token stop) {
    return registry::forget_login(registry::docker_config_file(), registry_name(name), stop);
}

} // namespace davit
