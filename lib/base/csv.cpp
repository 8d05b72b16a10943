#include "base/csv.hpp"

#include "base/error.hpp"

namespace davit {

namespace {

[[noreturn]] void bad_csv(std::size_t at, const char* why) {
    throw error(Errc::usage, "parse error on line 1, column {}: {}", at + 1, why);
}

// The field in quotes that begins at `at`, which is then behind its comma, or past the end.
std::string quoted_field(std::string_view text, std::size_t& at) {
    std::string out;
    ++at;
    for (;;) {
        const std::size_t quote = text.find('"', at);
        if (quote == std::string_view::npos) bad_csv(at, "extraneous or missing \" in quoted-field");
        out += text.substr(at, quote - at);
        at = quote + 1;
        if (at == text.size()) {
            ++at;
            return out;
        }
        if (text[at] == '"') out += text[at++];
        else if (text[at++] == ',') return out;
        else bad_csv(quote, "extraneous or missing \" in quoted-field");
    }
}

} // namespace

std::vector<std::string> csv_fields(std::string_view text) {
    if (text.ends_with("\r\n")) text.remove_suffix(2);
    else if (text.ends_with('\n')) text.remove_suffix(1);
    if (text.empty()) throw error(Errc::usage, "EOF");
    std::vector<std::string> out;
    for (std::size_t at = 0; at <= text.size();) {
        if (at < text.size() && text[at] == '"') {
            out.push_back(quoted_field(text, at));
            continue;
        }
        const std::size_t end = std::min(text.find(',', at), text.size());
        const std::string_view field = text.substr(at, end - at);
        if (const std::size_t quote = field.find('"'); quote != std::string_view::npos)
            bad_csv(at + quote, "bare \" in non-quoted-field");
        out.emplace_back(field);
        at = end + 1;
    }
    return out;
}

std::string csv_field(const std::string& field) {
    if (field.find_first_of(",\"") == std::string::npos) return field;
    std::string out = "\"";
    for (const char c : field) out += c == '"' ? std::string("\"\"") : std::string(1, c);
    return out + "\"";
}

} // namespace davit
