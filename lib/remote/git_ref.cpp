#include "remote/git_ref.hpp"

#include "base/error.hpp"

#include <algorithm>

namespace davit::remote {

namespace {

bool starts_with_any(std::string_view text, std::initializer_list<std::string_view> prefixes) {
    return std::any_of(prefixes.begin(), prefixes.end(), [&](std::string_view p) { return text.starts_with(p); });
}

// user@host:path, the way ssh and scp write it.
bool is_scp_style(std::string_view text) {
    const std::size_t at = text.find('@'), colon = text.find(':');
    if (at == std::string_view::npos || colon == std::string_view::npos || at == 0 || colon < at + 2 ||
        colon + 1 == text.size())
        return false;
    const std::string_view user = text.substr(0, at), host = text.substr(at + 1, colon - at - 1);
    auto plain = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
               c == '.';
    };
    return std::all_of(user.begin(), user.end(), plain) && std::all_of(host.begin(), host.end(), plain);
}

std::string checked_subdirectory(std::string_view text, std::string_view whole) {
    while (text.starts_with('/')) text.remove_prefix(1);
    for (std::string_view rest = text; !rest.empty();) {
        const std::size_t slash = rest.find('/');
        if (rest.substr(0, slash) == "..")
            throw error(Errc::usage, "the subdirectory of '{}' leads out of the repository", whole);
        rest = slash == std::string_view::npos ? std::string_view() : rest.substr(slash + 1);
    }
    return std::string(text);
}

} // namespace

std::optional<GitRef> parse_git_ref(std::string_view text) {
    const std::size_t hash = text.find('#');
    const std::string_view place = text.substr(0, hash);
    GitRef out;
    if (place.starts_with("github.com/")) out.url = "https://" + std::string(place);
    else if (starts_with_any(place, {"http://", "https://"})) {
        if (!place.ends_with(".git")) return std::nullopt;
        out.url = place;
    } else if (starts_with_any(place, {"git://", "ssh://"}) || is_scp_style(place)) out.url = place;
    else return std::nullopt;
    if (hash == std::string_view::npos) return out;
    const std::string_view fragment = text.substr(hash + 1);
    const std::size_t colon = fragment.find(':');
    out.ref = fragment.substr(0, colon);
    if (colon != std::string_view::npos) out.subdirectory = checked_subdirectory(fragment.substr(colon + 1), text);
    return out;
}

std::optional<WebPlace> web_place(std::string_view url) {
    const auto odd = [](char c) { return static_cast<unsigned char>(c) <= ' ' || c == '\x7f' || c == '\\'; };
    if (std::any_of(url.begin(), url.end(), odd)) return std::nullopt;
    WebPlace out;
    const std::size_t colon = url.find("://");
    out.scheme = url.substr(0, colon);
    if (colon == std::string_view::npos || (out.scheme != "http" && out.scheme != "https")) return std::nullopt;
    url.remove_prefix(colon + 3);
    std::string_view authority = url.substr(0, url.find_first_of("/?#"));
    const std::size_t at = authority.find('@');
    if (at != std::string_view::npos) authority.remove_prefix(at + 1);
    const auto plain = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               std::string_view("-._:[]").find(c) != std::string_view::npos;
    };
    if (authority.empty() || !std::all_of(authority.begin(), authority.end(), plain)) return std::nullopt;
    out.host = authority;
    return out;
}

} // namespace davit::remote
