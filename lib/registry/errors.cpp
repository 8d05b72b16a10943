#include "base/error.hpp"
#include "base/json_read.hpp"
#include "registry/client.hpp"
#include "registry/reference.hpp"

#include <algorithm>
#include <optional>

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

// How Go's client, and so every tool of Docker's, tells of a port at which nobody listens: scripts look for that.
std::string connection_text(const std::string& url, bool head, const HttpResponse& r) {
    if (!r.refused) return r.failure_text;
    return fmt::format("failed to do request: {} \"{}\": dial tcp {}: connect: connection refused",
                       head ? "Head" : "Get", url, r.address);
}

Error unreachable(const RegistryEndpoint& endpoint, const std::string& url, bool head, const HttpResponse& r) {
    const std::string& host = endpoint.base.host;
    switch (r.failure) {
    case HttpFailure::resolve:
        return error(Errc::unavailable, "the registry {} cannot be found: {}", host, r.failure_text)
            .with_hint("check the name, and this machine's DNS");
    case HttpFailure::connect:
        return error(Errc::unavailable, "the registry {} does not answer: {}", host, connection_text(url, head, r));
    case HttpFailure::tls:
        return error(Errc::unavailable, "no safe connection to the registry {}: {}", host, r.failure_text)
            .with_hint(fmt::format("put its CA into /etc/docker/certs.d/{}/ca.crt, or list it under "
                                   "insecure-registries in /etc/docker/daemon.json",
                                   host));
    default: return error(Errc::unavailable, "the connection to the registry {} broke: {}", host, r.failure_text);
    }
}

} // namespace

Error refused_credentials(const std::string& domain, const std::string& user, const std::string& said,
                          Purpose purpose) {
    auto out = error(Errc::denied, "the registry {} refuses the credentials{}: {}", domain,
                     user.empty() ? "" : " of user '" + user + "'", said);
    if (purpose != Purpose::login) out.with_hint(fmt::format("'davit login {}' stores others", domain));
    return out;
}

Error needs_login(const std::string& domain, const std::string& name, const std::string& said, Purpose purpose) {
    const std::string hint = fmt::format("'davit login {}' stores a user name and a password", domain);
    if (purpose == Purpose::login)
        return error(Errc::denied, "the registry {} refuses the login{}", domain,
                     said.empty() ? "" : " (" + said + ")");
    // The words of Docker's engine, whole, for scripts look for them.
    if (purpose == Purpose::push)
        return error(Errc::denied, "push access denied, repository does not exist or may require authorization: "
                                   "authorization failed: no basic auth credentials")
            .with_hint(hint);
    const auto repository = Reference::try_parse(name);
    return error(Errc::denied, "pull access denied for {}, repository does not exist or may require 'docker login'{}",
                 repository ? repository->familiar_name() : name, said.empty() ? "" : ": " + said)
        .with_hint(hint);
}

namespace {

// The login is good, but not for this.
bool lacks_right(const HttpResponse& r) {
    auto [begin, end] = r.headers.equal_range("www-authenticate");
    return std::any_of(
        begin, end, [](const auto& header) { return header.second.find("insufficient_scope") != std::string::npos; });
}

// Answers that mean something else when something is sent.
std::optional<Error> refused_push(const RegistryEndpoint& endpoint, const std::string& name, const HttpResponse& r,
                                  const std::string& said, const std::string& body, bool had_credentials) {
    if (r.status == 403) {
        auto out = error(Errc::denied, "the registry {} forbids to push to {}: {}", endpoint.domain, name, said);
        return out.with_hint(had_credentials ? "the user may not write there; 'davit login' stores another"
                                             : fmt::format("'davit login {}' first", endpoint.domain));
    }
    if (r.status == 405 || r.status == 501 || body.find("\"UNSUPPORTED\"") != std::string::npos)
        return error(Errc::unsupported, "the registry {} takes no pushes to {}: {}", endpoint.domain, name, said);
    if (r.status == 404)
        return error(Errc::not_found, "the registry {} knows no repository {}: {}", endpoint.domain, name, said)
            .with_hint("some registries want a repository to be made before the first push");
    if (r.status == 413)
        return error(Errc::failed, "the registry {}, or a proxy before it, takes no bodies of this size: {}",
                     endpoint.domain, said);
    if (r.status == 429)
        return error(Errc::unavailable, "the registry {} limits the number of requests: {}", endpoint.domain, said)
            .with_hint("wait, then push again: what is there already is not sent again");
    if (r.status >= 400 && r.status < 500)
        return error(Errc::failed, "the registry {} refuses what is pushed to {}: {}", endpoint.domain, name, said);
    return std::nullopt;
}

} // namespace

Error registry_error(const RegistryEndpoint& endpoint, const std::string& repository, const std::string& path,
                     const HttpResponse& r, const std::string& body, bool had_credentials, Purpose purpose) {
    if (r.status == 0 || r.failure != HttpFailure::none) {
        const bool head = path.starts_with("manifests/");
        const std::string rest = purpose == Purpose::login ? "" : repository + "/" + path;
        return unreachable(endpoint, endpoint.base.text() + "v2/" + rest, head, r);
    }
    const std::string name = endpoint.domain + "/" + repository;
    const std::string said = registry_message(r, body);
    if (purpose == Purpose::login && r.status == 404)
        return error(Errc::not_found, "{} is no registry: it has no /v2/ ({})", endpoint.domain, said);
    if (purpose == Purpose::login && r.status == 403) return needs_login(endpoint.domain, name, said, purpose);
    if (r.status == 401 && purpose == Purpose::push && had_credentials && lacks_right(r))
        return error(Errc::denied, "push access denied, repository does not exist or may require authorization: "
                                   "server message: insufficient_scope: authorization failed")
            .with_hint(fmt::format("the user has no right to write to {} ({}); 'davit login {}' stores another", name,
                                   said, endpoint.domain));
    if (r.status == 401)
        return had_credentials ? refused_credentials(endpoint.domain, "", said, purpose)
                               : needs_login(endpoint.domain, name, said, purpose);
    if (purpose == Purpose::push)
        if (auto refused = refused_push(endpoint, name, r, said, body, had_credentials)) return std::move(*refused);
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
