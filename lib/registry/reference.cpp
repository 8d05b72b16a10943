#include "registry/reference.hpp"

#include "base/error.hpp"

#include <algorithm>

namespace davit::registry {

namespace {

bool is_lower_alnum(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }
bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
bool is_alnum(char c) { return is_lower_alnum(c) || is_upper(c); }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_hex(char c) { return is_digit(c) || (c >= 'a' && c <= 'f'); }

template <typename Pred>
bool all(std::string_view s, Pred pred) {
    return std::all_of(s.begin(), s.end(), pred);
}

template <typename Pred>
bool each_part(std::string_view s, char separator, Pred pred) {
    for (;;) {
        auto end = s.find(separator);
        if (!pred(s.substr(0, end))) return false;
        if (end == std::string_view::npos) return true;
        s.remove_prefix(end + 1);
    }
}

// [a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*
bool is_path_component(std::string_view s) {
    std::size_t i = 0;
    auto word = [&] {
        std::size_t begin = i;
        while (i < s.size() && is_lower_alnum(s[i])) ++i;
        return i > begin;
    };
    if (!word()) return false;
    while (i < s.size()) {
        std::size_t begin = i;
        while (i < s.size() && s[i] == s[begin] && (s[i] == '.' || s[i] == '_' || s[i] == '-')) ++i;
        std::size_t n = i - begin;
        if (n == 0 || (s[begin] == '.' && n > 1) || (s[begin] == '_' && n > 2)) return false;
        if (!word()) return false;
    }
    return true;
}

bool is_domain_name(std::string_view s) {
    return each_part(s, '.', [](std::string_view part) {
        return !part.empty() && is_alnum(part.front()) && is_alnum(part.back()) &&
               all(part, [](char c) { return is_alnum(c) || c == '-'; });
    });
}

bool is_domain(std::string_view s) {
    std::string_view port;
    if (s.starts_with('[')) {
        auto close = s.find(']');
        if (close == std::string_view::npos || close == 1) return false;
        if (!all(s.substr(1, close - 1), [](char c) { return is_hex(c) || (c >= 'A' && c <= 'F') || c == ':'; }))
            return false;
        port = s.substr(close + 1);
    } else {
        auto colon = s.find(':');
        if (!is_domain_name(s.substr(0, colon))) return false;
        if (colon != std::string_view::npos) port = s.substr(colon);
    }
    return port.empty() || (port.size() > 1 && port[0] == ':' && all(port.substr(1), is_digit));
}

bool is_tag(std::string_view s) {
    if (s.empty() || s.size() > 128 || s[0] == '.' || s[0] == '-') return false;
    return all(s, [](char c) { return is_alnum(c) || c == '_' || c == '.' || c == '-'; });
}

Error invalid(std::string_view text, std::string_view why) {
    return error(Errc::usage, "invalid reference format").with_hint(fmt::format("\"{}\": {}", text, why));
}

bool is_image_id(std::string_view s) { return s.size() == 64 && all(s, is_hex); }

// The first component is a registry only if it cannot be a path on Docker Hub.
bool names_a_domain(std::string_view first) {
    return first == "localhost" || first.find_first_of(".:[") != std::string_view::npos ||
           std::any_of(first.begin(), first.end(), is_upper);
}

} // namespace

bool is_digest(std::string_view text) {
    auto colon = text.find(':');
    if (colon == std::string_view::npos) return false;
    auto algorithm = text.substr(0, colon), hex = text.substr(colon + 1);
    std::size_t want = algorithm == "sha256" ? 64 : algorithm == "sha512" ? 128 : 0;
    return want && hex.size() == want && all(hex, is_hex);
}

Reference Reference::parse(std::string_view text) {
    Reference out;
    std::string_view rest = text;
    if (text.empty()) throw invalid(text, "it is empty");
    if (is_image_id(text)) throw invalid(text, "64 hexadecimal digits are an image id, not a name");
    if (auto at = rest.find('@'); at != std::string_view::npos) {
        out.digest_ = rest.substr(at + 1);
        rest = rest.substr(0, at);
        if (!is_digest(out.digest_)) throw invalid(text, "what follows '@' is no sha256 or sha512 digest");
    }
    out.domain_ = "docker.io";
    if (auto slash = rest.find('/'); slash != std::string_view::npos && names_a_domain(rest.substr(0, slash))) {
        out.domain_ = rest.substr(0, slash);
        rest = rest.substr(slash + 1);
        if (!is_domain(out.domain_)) throw invalid(text, fmt::format("'{}' is no registry host", out.domain_));
        if (out.domain_ == "index.docker.io") out.domain_ = "docker.io";
    }
    if (auto colon = rest.find(':'); colon != std::string_view::npos) {
        out.tag_ = rest.substr(colon + 1);
        rest = rest.substr(0, colon);
        if (!is_tag(out.tag_)) throw invalid(text, fmt::format("'{}' is no tag", out.tag_));
    }
    if (std::any_of(rest.begin(), rest.end(), is_upper))
        throw error(Errc::usage, "invalid reference format: repository name ({}{}) must be lowercase",
                    out.domain_ == "docker.io" && rest.find('/') == std::string_view::npos ? "library/" : "", rest);
    if (!each_part(rest, '/', is_path_component)) throw invalid(text, fmt::format("'{}' is no repository name", rest));
    out.path_ = rest;
    if (out.domain_ == "docker.io" && rest.find('/') == std::string_view::npos) out.path_ = "library/" + out.path_;
    if (out.name().size() > 255) throw invalid(text, "the name is longer than 255 characters");
    if (out.tag_.empty() && out.digest_.empty()) out.tag_ = "latest";
    return out;
}

std::optional<Reference> Reference::try_parse(std::string_view text) {
    try {
        return parse(text);
    } catch (const Error&) {
        return std::nullopt;
    }
}

std::string Reference::familiar_name() const {
    if (domain_ != "docker.io") return name();
    return path_.starts_with("library/") && path_.find('/', 8) == std::string::npos ? path_.substr(8) : path_;
}

namespace {
std::string with_suffix(std::string name, const std::string& tag, const std::string& digest) {
    if (!tag.empty()) name += ":" + tag;
    if (!digest.empty()) name += "@" + digest;
    return name;
}
} // namespace

std::string Reference::canonical() const { return with_suffix(name(), tag_, digest_); }
std::string Reference::familiar() const { return with_suffix(familiar_name(), tag_, digest_); }

Reference Reference::with_digest(std::string digest) const {
    if (!is_digest(digest)) throw invalid(digest, "it is no digest");
    Reference out = *this;
    out.tag_.clear();
    out.digest_ = std::move(digest);
    return out;
}

} // namespace davit::registry
