// Reading JSON that somebody else has written without the stack running out. For .cpp files only.
#pragma once

#include <cstddef>
#include <nlohmann/json.hpp>
#include <string_view>

namespace davit {

// So deep that copying or printing it would use up the stack.
inline bool is_nested_too_deep(std::string_view text) {
    constexpr int deepest = 200;
    int depth = 0;
    bool quoted = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (quoted && c == '\\') ++i;
        else if (c == '"') quoted = !quoted;
        else if (!quoted && (c == '[' || c == '{') && ++depth > deepest) return true;
        else if (!quoted && (c == ']' || c == '}')) --depth;
    }
    return false;
}

// Discarded when it is no JSON, or nested too deep. Document: nlohmann::ordered_json, where the order is kept.
template <typename Document>
Document parse_untrusted_as(std::string_view text) {
    if (is_nested_too_deep(text)) return Document(Document::value_t::discarded);
    return Document::parse(text, nullptr, false);
}

} // namespace davit
