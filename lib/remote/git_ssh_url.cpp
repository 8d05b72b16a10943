#include "remote/git_ssh_url.hpp"

#include "base/text_code.hpp"

#include <algorithm>

namespace davit::remote {

namespace {

bool contains(std::string_view text, std::string_view word) { return text.find(word) != std::string_view::npos; }

// For the shell at the other end.
std::string quoted(const std::string& text) {
    std::string out = "'";
    for (const char c : text) {
        if (c == '\'') out += "'\\''";
        else out += c;
    }
    return out + "'";
}

// ssh hands user and host on to a shell where its configuration has a ProxyCommand or a Match exec with %r or %h.
bool is_for_shells(char c) {
    return static_cast<unsigned char>(c) <= ' ' || c == '\x7f' || contains("'`\"$\\;&<>|(){}!*?", {&c, 1});
}

bool is_safe(const SshPlace& place) {
    const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
    for (const std::string* one : {&place.user, &place.host, &place.path})
        if (one->starts_with('-') || one->find('\0') != std::string::npos) return false;
    if (std::any_of(place.user.begin(), place.user.end(), is_for_shells) ||
        std::any_of(place.host.begin(), place.host.end(), is_for_shells))
        return false;
    return !place.host.empty() && !place.path.empty() && std::all_of(place.port.begin(), place.port.end(), is_digit);
}

void take_user(std::string_view& authority, SshPlace& out) {
    const auto at = authority.rfind('@');
    if (at == std::string_view::npos) return;
    std::string_view user = authority.substr(0, at);
    out.user = percent_decode(user.substr(0, user.find(':'))); // ssh takes no password
    authority.remove_prefix(at + 1);
}

} // namespace

std::optional<SshPlace> parse_ssh_place(std::string_view url) {
    SshPlace out;
    constexpr std::string_view scheme = "ssh://";
    if (url.starts_with(scheme)) {
        url.remove_prefix(scheme.size());
        const auto slash = url.find('/');
        if (slash == std::string_view::npos) return std::nullopt;
        std::string_view authority = url.substr(0, slash);
        out.path = percent_decode(url.substr(slash));
        if (out.path.starts_with("/~")) out.path.erase(0, 1); // of the user's home
        take_user(authority, out);
        const auto bracket = authority.find(']');
        const auto colon = authority.find(':', bracket == std::string_view::npos ? 0 : bracket);
        if (colon != std::string_view::npos) out.port = authority.substr(colon + 1);
        out.host = authority.substr(0, colon);
        if (out.host.starts_with('[') && out.host.ends_with(']')) out.host = out.host.substr(1, out.host.size() - 2);
    } else {
        const auto colon = url.find(':');
        if (colon == std::string_view::npos || contains(url, "://") || contains(url.substr(0, colon), "/"))
            return std::nullopt;
        std::string_view authority = url.substr(0, colon);
        take_user(authority, out);
        out.host = authority;
        out.path = url.substr(colon + 1);
    }
    if (!is_safe(out)) return std::nullopt;
    return out;
}

std::vector<std::string> ssh_command(const SshPlace& place) {
    std::vector<std::string> out{"ssh", "-x", "-o", "BatchMode=yes", "-o", "ConnectTimeout=30"};
    if (!place.port.empty()) out.insert(out.end(), {"-p", place.port});
    out.insert(out.end(), {"--", place.user.empty() ? place.host : place.user + "@" + place.host,
                           "git-upload-pack " + quoted(place.path)});
    return out;
}

SshTrouble trouble_of(std::string_view said) {
    if (contains(said, "IDENTIFICATION HAS CHANGED")) return SshTrouble::changed_host;
    if (contains(said, "Host key verification failed")) return SshTrouble::unknown_host;
    if (contains(said, "Permission denied") || contains(said, "Too many authentication failures"))
        return SshTrouble::refused;
    for (const char* words : {"Could not resolve hostname", "Connection refused", "Connection timed out",
                              "No route to host", "Network is unreachable", "Connection closed", "Connection reset",
                              "Unable to negotiate", "Operation timed out"})
        if (contains(said, words)) return SshTrouble::unreachable;
    for (const char* words : {"does not appear to be a git repository", "not found", "does not exist"})
        if (contains(said, words)) return SshTrouble::no_repository;
    return SshTrouble::other;
}

} // namespace davit::remote
