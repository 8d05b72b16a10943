#include "base/text_code.hpp"

#include <cstdint>

namespace davit {

namespace {
constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

int hex_value(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}
} // namespace

std::optional<std::string> base64_decode(std::string_view text) {
    while (text.ends_with('=')) text.remove_suffix(1);
    std::string out;
    std::uint32_t bits = 0;
    int have = 0;
    for (char c : text) {
        if (c == '\n' || c == '\r') continue;
        if (c == '-') c = '+';
        if (c == '_') c = '/';
        auto at = alphabet.find(c);
        if (at == std::string_view::npos) return std::nullopt;
        bits = bits << 6 | static_cast<std::uint32_t>(at);
        have += 6;
        if (have >= 8) {
            have -= 8;
            out += static_cast<char>(bits >> have & 0xff);
        }
    }
    if (have == 6) return std::nullopt; // one lone character
    return out;
}

std::string base64_encode(std::string_view bytes) {
    std::string out;
    std::uint32_t bits = 0;
    int have = 0;
    for (char c : bytes) {
        bits = bits << 8 | static_cast<unsigned char>(c);
        for (have += 8; have >= 6; have -= 6) out += alphabet[bits >> (have - 6) & 63];
    }
    if (have > 0) out += alphabet[bits << (6 - have) & 63];
    while (out.size() % 4) out += '=';
    return out;
}

std::string percent_decode(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '%' && i + 2 < text.size() && hex_value(text[i + 1]) >= 0 && hex_value(text[i + 2]) >= 0) {
            out += static_cast<char>(hex_value(text[i + 1]) * 16 + hex_value(text[i + 2]));
            i += 2;
        } else {
            out += text[i];
        }
    }
    return out;
}

std::string percent_encode(std::string_view text) {
    static const char digits[] = "0123456789ABCDEF";
    std::string out;
    for (char c : text) {
        auto byte = static_cast<unsigned char>(c);
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
                     c == '.' || c == '_' || c == '~';
        if (plain) out += c;
        else out.append({'%', digits[byte >> 4], digits[byte & 15]});
    }
    return out;
}

std::string hide_userinfo(std::string_view text) {
    constexpr std::string_view mark = "://", hidden = "xxxxx";
    std::string out;
    for (std::size_t at = text.find(mark); at != std::string_view::npos; at = text.find(mark)) {
        out += text.substr(0, at + mark.size());
        text.remove_prefix(at + mark.size());
        const std::string_view host = text.substr(0, text.find_first_of("/?#\\\"'<> \t\r\n"));
        const std::size_t end = host.rfind('@');
        if (end == std::string_view::npos) continue;
        const std::string_view user = host.substr(0, end);
        const std::size_t colon = user.find(':');
        if (colon != 0 && end != 0) out += hidden;
        if (colon != std::string_view::npos) (out += ':') += hidden;
        text.remove_prefix(end);
    }
    return out += text;
}

} // namespace davit
