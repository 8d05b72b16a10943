#include "base/error.hpp"
#include "base/json_read.hpp"
#include "registry/client.hpp"

namespace davit::registry {

std::string registry_message(const HttpResponse& response, const std::string& body) {
    std::string out;
    Json json = parse_untrusted(body);
    if (json.is_object() && json.contains("errors") && json["errors"].is_array())
        for (const Json& e : json["errors"]) {
            if (!e.is_object()) continue;
            std::string text = text_of(e, "message");
            if (text.empty()) text = text_of(e, "code");
            if (!text.empty()) out += (out.empty() ? "" : ", ") + text;
        }
    if (out.empty() && json.is_object()) out = text_of(json, "details");
    if (out.empty()) out = fmt::format("HTTP status {}", response.status);
    for (char& c : out)
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' '; // it goes to a terminal
    return out;
}

namespace {

Error unreachable(const RegistryEndpoint& endpoint, const HttpResponse& r) {
    const std::string& host = endpoint.base.host;
    switch (r.failure) {
    case HttpFailure::resolve:
        return error(Errc::unavailable, "the registry {} cannot be found: {}", host, r.failure_text)
            .with_hint("check the name, and this machine's DNS");
    case HttpFailure::connect:
        return error(Errc::unavailable, "the registry {} does not answer: {}", host, r.failure_text);
    case HttpFailure::tls:
        return error(Errc::unavailable, "no safe connection to the registry {}: {}", host, r.failure_text)
            .with_hint(fmt::format("put its CA into /etc/docker/certs.d/{}/ca.crt, or list it under "
                                   "insecure-registries in /etc/docker/daemon.json",
                                   host));
    default: return error(Errc::unavailable, "the connection to the registry {} broke: {}", host, r.failure_text);
    }
}

} // namespace

Error registry_error(const RegistryEndpoint& endpoint, const std::string& repository, const std::string& path,
                     const HttpResponse& r, const std::string& body, bool had_credentials) {
    if (r.status == 0 || r.failure != HttpFailure::none) return unreachable(endpoint, r);
    const std::string name = endpoint.domain + "/" + repository;
    const std::string said = registry_message(r, body);
    if (r.status == 401) {
        if (had_credentials)
            return error(Errc::denied, "the registry {} refuses the credentials: {}", endpoint.domain, said)
                .with_hint("docker login or podman login stores others");
        return error(Errc::denied, "pull access denied for {}: the repository does not exist or needs a login ({})",
                     name, said);
    }
    if (r.status == 403) return error(Errc::denied, "the registry {} forbids {}: {}", endpoint.domain, name, said);
    if (r.status == 404 && path.starts_with("manifests/"))
        return error(Errc::not_found, "the image {}{}{} is not in its registry: {}", name,
                     path.find(':') == std::string::npos ? ":" : "@", path.substr(10), said);
    if (r.status == 404)
        return error(Errc::not_found, "the registry {} has lost {} of {}: {}", endpoint.domain, path, name, said);
    if (r.status == 429)
        return error(Errc::unavailable, "the registry {} limits the number of pulls: {}", endpoint.domain, said)
            .with_hint("log in for a higher limit, or wait");
    return error(Errc::unavailable, "the registry {} failed: {}", endpoint.domain, said);
}

} // namespace davit::registry
