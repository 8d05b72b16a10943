#include "registry/url.hpp"

#include <algorithm>

namespace davit::registry {

std::optional<Url> parse_url(std::string_view text) {
    auto colon = text.find("://");
    if (colon == std::string_view::npos) return std::nullopt;
    Url out;
    out.scheme = text.substr(0, colon);
    for (char& c : out.scheme) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    if (out.scheme != "http" && out.scheme != "https") return std::nullopt;
    text.remove_prefix(colon + 3);
    auto end = text.find_first_of("/?#");
    out.host = text.substr(0, end);
    if (out.host.empty() || out.host.find('@') != std::string::npos) return std::nullopt; // no user names in URLs
    out.path = end == std::string_view::npos ? "/" : text.substr(end);
    if (out.path.front() != '/') out.path.insert(0, "/");
    return out;
}

std::optional<Url> resolve_url(const Url& base, std::string_view location) {
    if (location.starts_with("//")) return parse_url(base.scheme + ":" + std::string(location));
    if (location.find("://") != std::string_view::npos && location.find("://") < location.find_first_of("/?"))
        return parse_url(location);
    Url out = base;
    if (location.starts_with('/')) {
        out.path = location;
    } else {
        auto query = out.path.find('?');
        out.path.resize(out.path.rfind('/', query) + 1);
        out.path += location;
    }
    return out;
}

namespace {

std::string host_with_port(const Url& url) {
    const auto colon = url.host.rfind(':');
    const bool has_port = colon != std::string::npos && url.host.find(']', colon) == std::string::npos;
    return has_port ? url.host : url.host + (url.scheme == "https" ? ":443" : ":80");
}

} // namespace

bool same_origin(const Url& a, const Url& b) { return a.scheme == b.scheme && host_with_port(a) == host_with_port(b); }

bool is_loopback(std::string_view host) {
    if (host.starts_with("[::1]")) return true;
    host = host.substr(0, host.find(':'));
    if (host == "localhost") return true;
    return host.starts_with("127.") &&
           std::all_of(host.begin(), host.end(), [](char c) { return (c >= '0' && c <= '9') || c == '.'; });
}

} // namespace davit::registry
