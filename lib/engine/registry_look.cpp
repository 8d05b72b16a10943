#include "davit/registry.hpp"

#include "base/error.hpp"
#include "registry/client.hpp"
#include "registry/reference.hpp"
#include "registry/remote_image.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <utility>

namespace davit {

namespace {

registry::RegistryOptions look_options(std::stop_token stop) {
    registry::RegistryOptions out;
    registry::read_daemon_config(out);
    out.stop = std::move(stop);
    return out;
}

// What the term begins with, if that is a registry's name; it is taken off.
std::string take_registry(std::string& term) {
    const std::size_t slash = term.find('/');
    if (slash == std::string::npos) return "docker.io";
    const std::string first = term.substr(0, slash);
    if (first.find_first_of(".:") == std::string::npos && first != "localhost") return "docker.io";
    term.erase(0, slash + 1);
    return registry_name(first);
}

std::string in_query(const std::string& text) {
    std::string out;
    for (const unsigned char c : text) {
        const bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
                           c == '_' || c == '.' || c == '~';
        out += plain ? std::string(1, static_cast<char>(c)) : fmt::format("%{:02X}", c);
    }
    return out;
}

std::string answer_to(const registry::RegistryEndpoint& endpoint, const std::string& path,
                      const registry::RegistryOptions& options) {
    constexpr std::size_t longest = 8 << 20;
    registry::RegistryClient client(endpoint, "", options, registry::Purpose::login);
    registry::RegistryClient::Request request;
    request.at = registry::Url{endpoint.base.scheme, endpoint.base.host, path};
    auto exchange = client.send(request);
    return exchange.body(longest);
}

// Registries of this machine speak plain HTTP as a rule.
std::string answer_of(const std::string& domain, const std::string& path, const registry::RegistryOptions& options) {
    registry::RegistryEndpoint endpoint = registry::registry_endpoint(domain, options.insecure_registries);
    if (domain == "docker.io") endpoint.base.host = "index.docker.io";
    const bool plain_too = std::exchange(endpoint.insecure, false);
    try {
        return answer_to(endpoint, path, options);
    } catch (const Error& e) {
        if (!plain_too || e.kind() != Errc::unavailable) throw;
    }
    endpoint.insecure = true;
    endpoint.base.scheme = "http";
    return answer_to(endpoint, path, options);
}

std::vector<FoundRepository> found_in(const std::string& answer, const std::string& domain) {
    std::vector<FoundRepository> out;
    try {
        const nlohmann::json document = nlohmann::json::parse(answer);
        for (const auto& one : document.at("results"))
            out.push_back(
                {one.at("name").get<std::string>(),
                 one.contains("description") && one["description"].is_string() ? one["description"].get<std::string>()
                                                                               : "",
                 one.value("star_count", 0), one.value("is_official", false), one.value("is_automated", false)});
    } catch (const nlohmann::json::exception&) {
        throw error(Errc::unavailable, "what {} answers to a search cannot be read", domain);
    }
    return out;
}

} // namespace

RemoteManifest remote_manifest(const std::string& image, bool insecure, std::stop_token stop) {
    const auto reference = registry::Reference::parse(image);
    registry::RegistryOptions options = look_options(std::move(stop));
    if (insecure) options.insecure_registries.push_back(reference.domain());
    const auto found = registry::RemoteImage(reference, options).manifest();
    return {found.bytes, found.digest, found.media_type};
}

std::vector<FoundRepository> search_repositories(const std::string& text, int limit, std::stop_token stop) {
    if (text.empty()) throw error(Errc::usage, "there is nothing to search for");
    std::string term = text;
    const std::string domain = take_registry(term);
    const std::string path = fmt::format("/v1/search?q={}&n={}", in_query(term), limit);
    return found_in(answer_of(domain, path, look_options(std::move(stop))), domain);
}

} // namespace davit
