#include "dockerfile/sources.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace davit::dockerfile {

namespace {

// user@host:path, which is no URL.
bool is_scp_like(std::string_view source) {
    auto at = source.find('@'), colon = source.find(':');
    const std::string_view user = source.substr(0, at);
    return at != std::string_view::npos && colon != std::string_view::npos && at != 0 && colon > at + 1 &&
           colon + 1 < source.size() && source.find("://") == std::string_view::npos &&
           user.find('/') == std::string_view::npos &&
           source.substr(at, colon - at).find('/') == std::string_view::npos;
}

bool take_any(std::string_view& text, std::string_view characters) {
    const auto before = text.size();
    while (!text.empty() && characters.find(text.front()) != std::string_view::npos) text.remove_prefix(1);
    return text.size() != before;
}

} // namespace

SourceKind kind_of_source(std::string_view source) {
    if (source.starts_with("git://") || source.starts_with("ssh://") || is_scp_like(source)) return SourceKind::git;
    if (!source.starts_with("http://") && !source.starts_with("https://")) return SourceKind::path;
    const std::string_view path = source.substr(0, source.find_first_of("?#"));
    return path.ends_with(".git") ? SourceKind::git : SourceKind::http;
}

bool is_digest(std::string_view text) {
    constexpr std::pair<std::string_view, std::size_t> algorithms[] = {
        {"sha256:", 64}, {"sha384:", 96}, {"sha512:", 128}};
    return std::any_of(std::begin(algorithms), std::end(algorithms), [&](const auto& algorithm) {
        const auto& [name, digits] = algorithm;
        return text.starts_with(name) && text.size() == name.size() + digits &&
               text.find_first_not_of("0123456789abcdef", name.size()) == std::string_view::npos;
    });
}

bool is_mode(std::string_view text) {
    if (!text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos) {
        text.remove_prefix(std::min(text.find_first_not_of('0'), text.size()));
        return text.size() <= 4 && text.find_first_of("89") == std::string_view::npos;
    }
    while (true) {
        take_any(text, "ugoa");
        if (text.empty() || std::string_view("+-=").find(text.front()) == std::string_view::npos) return false;
        while (!text.empty() && std::string_view("+-=").find(text.front()) != std::string_view::npos) {
            text.remove_prefix(1);
            take_any(text, "rwxXstugo");
        }
        if (text.empty()) return true;
        if (text.front() != ',') return false;
        text.remove_prefix(1);
    }
}

} // namespace davit::dockerfile
