#include "runtime/oci/json_text.hpp"

#include "base/error.hpp"
#include "base/json_text.hpp"

namespace davit::runtime::oci {
namespace {

constexpr int deepest = 64; // the specification's own documents have 9 levels

bool too_deep(std::string_view text) {
    int depth = 0;
    bool quoted = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (quoted) {
            if (c == '\\') ++i;
            else if (c == '"') quoted = false;
        } else if (c == '"') quoted = true;
        else if (c == '[' || c == '{') {
            if (++depth > deepest) return true;
        } else if (c == ']' || c == '}') --depth;
    }
    return false;
}

} // namespace

nlohmann::json parsed(const std::string& text) {
    if (too_deep(text)) throw error(Errc::failed, "more than {} levels of lists and objects", deepest);
    try {
        return davit::json::parse_text(text);
    } catch (const nlohmann::json::exception& e) {
        const std::string_view what = e.what(); // "[json.exception.parse_error.101] parse error at line 1, …"
        const std::size_t code = what.find("] ");
        throw error(Errc::failed, "{}", code == std::string_view::npos ? what : what.substr(code + 2));
    }
}

std::string escaped(std::string_view part) {
    std::string out;
    for (char c : part) c == '~' ? void(out += "~0") : c == '/' ? void(out += "~1") : out.push_back(c);
    return out;
}

} // namespace davit::runtime::oci
