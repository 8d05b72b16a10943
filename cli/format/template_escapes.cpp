#include "cli/format/template_escapes.hpp"

#include <fmt/format.h>

namespace davit::cli {

std::string html_safe(const std::string& json) {
    std::string out;
    for (const char c : json) {
        if (c == '<') out += "\\u003c";
        else if (c == '>') out += "\\u003e";
        else if (c == '&') out += "\\u0026";
        else out += c;
    }
    return out;
}

std::string html_escaped(const std::string& text) {
    std::string out;
    for (const char c : text) switch (c) {
        case '\0': out += "\xef\xbf\xbd"; break;
        case '"': out += "&#34;"; break;
        case '\'': out += "&#39;"; break;
        case '&': out += "&amp;"; break;
        case '<': out += "&lt;"; break;
        case '>': out += "&gt;"; break;
        default: out += c;
        }
    return out;
}

std::string js_escaped(const std::string& text) {
    std::string out;
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (c == '\\' || c == '\'' || c == '"') out += std::string("\\") + c;
        else if (byte < 0x20 || c == '<' || c == '>' || c == '&' || c == '=') out += fmt::format("\\u{:04X}", byte);
        else out += c;
    }
    return out;
}

std::string query_escaped(const std::string& text) {
    std::string out;
    for (const char c : text) {
        const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
                           c == '_' || c == '.' || c == '~';
        if (plain) out += c;
        else if (c == ' ') out += '+';
        else out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
    return out;
}

} // namespace davit::cli
