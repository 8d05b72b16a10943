// fmt.Sprintf for the values that templates have: texts, numbers, truth, lists and maps.
#include "base/printable.hpp"
#include "cli/format/go_structures.hpp"
#include "cli/format/template_functions.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <optional>

namespace davit::cli {

using Json = nlohmann::ordered_json;

namespace {

constexpr int widest = 1'000'000; // Go's limit

struct FormatVerb {
    bool minus = false, plus = false, space = false, zero = false, sharp = false;
    std::optional<int> width, precision;
    char letter = 0;
};

// Sets are maps to nothing: {"80/tcp": {}}.
bool is_set(const Json& value) {
    return value.is_object() && !value.empty() && std::all_of(value.begin(), value.end(), [](const Json& member) {
               return member.is_object() && member.empty();
           });
}

std::string type_of(const Json& v);

std::string type_of_members(const Json& v) {
    if (is_set(v)) return "struct {}";
    if (v.empty()) return v.is_array() ? "string" : "interface {}";
    const std::string first = type_of(*v.begin());
    const bool same = std::all_of(v.begin(), v.end(), [&](const Json& member) { return type_of(member) == first; });
    return same ? first : "interface {}";
}

std::string type_of(const Json& v) {
    if (v.is_string()) return "string";
    if (v.is_boolean()) return "bool";
    if (v.is_number_integer()) return "int";
    if (v.is_number_float()) return "float64";
    if (v.is_array()) return "[]" + type_of_members(v);
    if (v.is_binary()) return "[]uint8";
    if (!v.is_object()) return "<nil>";
    if (const GoStructure* structure = go_structure(v)) return (structure->pointer ? "*" : "") + structure->type;
    return "map[string]" + type_of_members(v);
}

std::size_t characters(const std::string& text) {
    return static_cast<std::size_t>(
        std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

std::string padded(std::string text, const FormatVerb& verb, bool number) {
    const std::size_t width = static_cast<std::size_t>(verb.width.value_or(0)), has = characters(text);
    if (has >= width) return text;
    const std::size_t missing = width - has;
    if (verb.minus) return text + std::string(missing, ' ');
    if (!verb.zero || !number) return std::string(missing, ' ') + text;
    const bool sign = !text.empty() && (text[0] == '-' || text[0] == '+' || text[0] == ' ');
    return text.insert(sign ? 1 : 0, missing, '0');
}

std::string cut(const std::string& text, const std::optional<int>& most) {
    if (!most) return text;
    int left = *most;
    for (std::size_t i = 0; i < text.size(); ++i)
        if ((static_cast<unsigned char>(text[i]) & 0xc0) != 0x80 && left-- == 0) return text.substr(0, i);
    return text;
}

std::string whole(std::int64_t n, const FormatVerb& verb) {
    const auto size = n < 0 ? 0 - static_cast<std::uint64_t>(n) : static_cast<std::uint64_t>(n);
    std::string digits;
    switch (verb.letter) {
    case 'x': digits = fmt::format("{}{:x}", verb.sharp ? "0x" : "", size); break;
    case 'X': digits = fmt::format("{}{:X}", verb.sharp ? "0X" : "", size); break;
    case 'o': digits = fmt::format("{}{:o}", verb.sharp ? "0" : "", size); break;
    case 'O': digits = fmt::format("0o{:o}", size); break;
    case 'b': digits = fmt::format("{}{:b}", verb.sharp ? "0b" : "", size); break;
    default: digits = fmt::format("{}", size);
    }
    if (verb.precision && digits.size() < static_cast<std::size_t>(*verb.precision))
        digits.insert(0, static_cast<std::size_t>(*verb.precision) - digits.size(), '0');
    FormatVerb shown = verb;
    shown.zero = verb.zero && !verb.precision;
    const bool signed_too = verb.plus && verb.letter != 'v'; // %+v is of structures
    return padded((n < 0 ? "-" : signed_too ? "+" : verb.space ? " " : "") + digits, shown, true);
}

// The fewest digits that give the same number back; with an exponent below -4 and from 6 on.
std::string shortest(double n) {
    if (std::isnan(n)) return "NaN";
    if (std::isinf(n)) return n < 0 ? "-Inf" : "+Inf";
    char text[64];
    const std::string scientific(text, std::to_chars(text, text + sizeof text, n, std::chars_format::scientific).ptr);
    int exponent = 0;
    const std::size_t e = scientific.find('e');
    std::from_chars(scientific.data() + e + (scientific[e + 1] == '+' ? 2 : 1), scientific.data() + scientific.size(),
                    exponent);
    if (exponent < -4 || exponent >= 6) return scientific;
    return {text, std::to_chars(text, text + sizeof text, n, std::chars_format::fixed).ptr};
}

std::string real(double n, const FormatVerb& verb) {
    std::string out;
    switch (verb.letter) {
    case 'e': out = fmt::format("{:.{}e}", n, verb.precision.value_or(6)); break;
    case 'E': out = fmt::format("{:.{}E}", n, verb.precision.value_or(6)); break;
    case 'f':
    case 'F': out = fmt::format("{:.{}f}", n, verb.precision.value_or(6)); break;
    default: out = verb.precision ? fmt::format("{:.{}g}", n, *verb.precision) : shortest(n);
    }
    if (verb.plus && verb.letter != 'v' && out[0] != '-' && out[0] != '+') out.insert(0, "+");
    else if (verb.space && out[0] != '-') out.insert(0, " ");
    return padded(out, verb, true);
}

std::string hex(const std::string& text, bool upper) {
    std::string out;
    for (const char c : text)
        out += upper ? fmt::format("{:02X}", static_cast<unsigned char>(c))
                     : fmt::format("{:02x}", static_cast<unsigned char>(c));
    return out;
}

std::string one(const Json& value, const FormatVerb& verb, int depth = 0);

bool in_source_form(const FormatVerb& verb) { return verb.letter == 'v' && verb.sharp; }

// What stands for nothing in a list or a map; a port that is not published has an empty list.
std::string member_text(const std::string& key, const Json& member, const FormatVerb& verb, bool of_set, int depth) {
    if (of_set) return "{}";
    const bool port = key.ends_with("/tcp") || key.ends_with("/udp") || key.ends_with("/sctp");
    if (member.is_null() && port) return "[]";
    return one(member, verb, depth + 1);
}

std::string list_text(const Json& value, const FormatVerb& verb, int depth) {
    const bool source = in_source_form(verb);
    std::vector<std::string> parts;
    for (const Json& member : value) parts.push_back(member_text({}, member, verb, false, depth));
    if (source) return type_of(value) + "{" + fmt::format("{}", fmt::join(parts, ", ")) + "}";
    return "[" + fmt::format("{}", fmt::join(parts, " ")) + "]";
}

std::string map_text(const Json& value, const FormatVerb& verb, int depth) {
    const bool source = in_source_form(verb), set = is_set(value);
    std::vector<std::string> keys, parts;
    for (const auto& [key, member] : value.items()) keys.push_back(key);
    std::sort(keys.begin(), keys.end());
    for (const std::string& key : keys)
        parts.push_back((verb.letter == 'v' && !source ? key : one(Json(key), verb, depth + 1)) + ":" +
                        member_text(key, value.at(key), verb, set, depth));
    if (source) return type_of(value) + "{" + fmt::format("{}", fmt::join(parts, ", ")) + "}";
    return "map[" + fmt::format("{}", fmt::join(parts, " ")) + "]";
}

// Its fields in Go's order, those too that JSON leaves out.
std::string structure_text(const GoStructure& structure, const Json& value, const FormatVerb& verb, int depth) {
    const bool source = in_source_form(verb), named = source || (verb.letter == 'v' && verb.plus);
    std::vector<std::string> parts;
    for (const GoField& field : structure.fields) {
        const auto found = value.find(field.key);
        Json member = found == value.end() ? zero_of(field) : *found;
        if (const GoStructure* known = structure_of(field); known && member.is_object() && member.empty())
            member = zero_of(*known);
        const std::string text = member.is_null() ? nil_text(field) : one(go_value(field, member), verb, depth + 1);
        parts.push_back(named ? field.name + ":" + text : text);
    }
    const std::string body = "{" + fmt::format("{}", fmt::join(parts, source ? ", " : " ")) + "}";
    return (structure.pointer && depth == 0 ? "&" : "") + (source ? structure.type + body : body);
}

// A ulimit has a text of its own.
bool is_ulimit(const Json& value) {
    return value.is_object() && value.size() == 3 && value.contains("Name") && value.contains("Hard") &&
           value.contains("Soft");
}

std::string composite(const Json& value, const FormatVerb& verb, int depth) {
    if (value.is_array()) return list_text(value, verb, depth);
    if (is_ulimit(value) && !in_source_form(verb))
        return fmt::format("{}={}:{}", value["Name"].get<std::string>(), value["Soft"].dump(), value["Hard"].dump());
    const GoStructure* structure = go_structure(value);
    return structure ? structure_text(*structure, value, verb, depth) : map_text(value, verb, depth);
}

std::string mismatch(const Json& value, char letter) {
    if (value.is_null()) return fmt::format("%!{}(<nil>)", letter);
    return fmt::format("%!{}({}={})", letter, type_of(value), go_text(value));
}

std::string one(const Json& value, const FormatVerb& verb, int depth) {
    const char c = verb.letter;
    const bool plain = c == 'v' || c == 's';
    if (c == 'T') return padded(type_of(value), verb, false);
    if (c == 'v' && verb.sharp && value.is_string()) return padded(go_quoted(value.get<std::string>()), verb, false);
    if (value.is_null()) return c == 'v' ? padded("<nil>", verb, false) : mismatch(value, c);
    if (value.is_binary()) {
        const auto& bytes = value.get_binary();
        const bool as_text = c == 's' || c == 'q' || c == 'x' || c == 'X';
        return one(as_text ? Json(std::string(bytes.begin(), bytes.end()))
                           : Json(Json::array_t(bytes.begin(), bytes.end())),
                   verb, depth);
    }
    if (value.is_structured()) return composite(value, verb, depth);
    if (value.is_string()) {
        const std::string& text = value.get_ref<const std::string&>();
        if (plain) return padded(cut(text, verb.precision), verb, false);
        if (c == 'q') return padded(go_quoted(cut(text, verb.precision)), verb, false);
        if (c == 'x' || c == 'X') return padded(hex(text, c == 'X'), verb, false);
        return mismatch(value, c);
    }
    if (value.is_boolean())
        return c == 'v' || c == 't' ? padded(value.get<bool>() ? "true" : "false", verb, false) : mismatch(value, c);
    if (value.is_number_integer()) {
        const std::int64_t n = value.get<std::int64_t>();
        if (std::string_view("vdxXobO").find(c) != std::string_view::npos) return whole(n, verb);
        if (c == 'c' || c == 'q') {
            const std::string text = n >= 0 && n < 0x80 ? std::string(1, static_cast<char>(n)) : "\xef\xbf\xbd";
            return padded(c == 'c' ? text : "'" + text + "'", verb, false);
        }
        if (c == 'U') return padded(fmt::format("U+{:04X}", n), verb, false);
        return mismatch(value, c);
    }
    if (std::string_view("vgGeEfF").find(c) != std::string_view::npos) return real(value.get<double>(), verb);
    return mismatch(value, c);
}

class Printf {
public:
    Printf(const std::string& format, const std::vector<Json>& values) : format_(format), values_(values) {}

    std::string run() {
        while (at_ < format_.size()) {
            const std::size_t percent = std::min(format_.find('%', at_), format_.size());
            out_ += format_.substr(at_, percent - at_);
            at_ = percent + 1;
            if (percent < format_.size()) verb();
        }
        if (next_ < values_.size()) extra();
        return std::move(out_);
    }

private:
    void verb() {
        FormatVerb verb;
        for (bool more = true; more && at_ < format_.size();) {
            switch (format_[at_]) {
            case '-': verb.minus = true; break;
            case '+': verb.plus = true; break;
            case ' ': verb.space = true; break;
            case '0': verb.zero = true; break;
            case '#': verb.sharp = true; break;
            default: more = false; continue;
            }
            ++at_;
        }
        verb.width = number("%!(BADWIDTH)");
        if (verb.width && *verb.width < 0) {
            verb.minus = true;
            verb.width = -*verb.width;
        }
        if (at_ < format_.size() && format_[at_] == '.') {
            ++at_;
            verb.precision = number("%!(BADPREC)");
            if (!verb.precision || *verb.precision < 0) verb.precision = 0;
        }
        if (at_ >= format_.size()) {
            out_ += "%!(NOVERB)";
            return;
        }
        verb.letter = format_[at_++];
        if (verb.letter == '%') out_ += '%';
        else if (next_ >= values_.size()) out_ += fmt::format("%!{}(MISSING)", verb.letter);
        else out_ += one(values_[next_++], verb);
    }

    // Digits, or "*" for a value.
    std::optional<int> number(const char* wrong) {
        if (at_ < format_.size() && format_[at_] == '*') {
            ++at_;
            const bool right = next_ < values_.size() && values_[next_].is_number_integer() &&
                               std::abs(values_[next_].get<double>()) <= widest;
            if (!right) out_ += wrong;
            const std::optional<int> value = right ? std::optional(values_[next_].get<int>()) : std::nullopt;
            ++next_;
            return value;
        }
        std::optional<int> value;
        for (; at_ < format_.size() && format_[at_] >= '0' && format_[at_] <= '9'; ++at_)
            value = std::min(value.value_or(0) * 10 + (format_[at_] - '0'), widest);
        return value;
    }

    void extra() {
        out_ += "%!(EXTRA ";
        for (std::size_t i = next_; i < values_.size(); ++i)
            out_ +=
                (i > next_ ? ", " : "") + type_of(values_[i]) + (values_[i].is_null() ? "" : "=" + go_text(values_[i]));
        out_ += ")";
    }

    const std::string& format_;
    const std::vector<Json>& values_;
    std::size_t at_ = 0, next_ = 0;
    std::string out_;
};

} // namespace

std::string go_printf(const std::string& format, const std::vector<Json>& values) {
    return Printf(format, values).run();
}

std::string go_quoted(const std::string& text) {
    std::string out;
    for (const char c : text) {
        if (c == '"' || c == '\\') out += '\\';
        out += c;
    }
    return "\"" + printable(out) + "\"";
}

} // namespace davit::cli
