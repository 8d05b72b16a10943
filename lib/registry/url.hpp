// The little of URLs that a registry client needs.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace davit::registry {

struct Url {
    std::string scheme; // "http", "https"
    std::string host;   // with port: "localhost:5000", "[::1]:5000"
    std::string path;   // with query; begins with '/'
    std::string text() const { return scheme + "://" + host + path; }
};

std::optional<Url> parse_url(std::string_view text);
// location as a Location header has it: absolute, "//host/…", "/path" or relative.
std::optional<Url> resolve_url(const Url& base, std::string_view location);
bool same_origin(const Url& a, const Url& b); // a scheme's own port may be left out
bool is_loopback(std::string_view host);

} // namespace davit::registry
