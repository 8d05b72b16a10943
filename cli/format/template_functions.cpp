#include "cli/format/template_functions.hpp"

#include "base/printable.hpp"
#include "base/text_code.hpp"
#include "cli/format/json_text.hpp"
#include "cli/format/template_escapes.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <optional>
#include <string_view>
#include <vector>

namespace davit::cli {

using Json = nlohmann::ordered_json;
using Arguments = std::vector<Json>;

namespace {

constexpr std::int64_t most_padding = 1'000'000;

[[noreturn]] void wrong(const std::string& what) { throw TemplateFault{what}; }

[[noreturn]] void wrong_type(const Arguments& a, std::size_t i, const char* expected) {
    const std::string what = a[i].is_null()
                                 ? fmt::format("invalid value; expected {}", expected)
                                 : fmt::format("wrong type for value; expected {}; got {}", expected, go_type(a[i]));
    throw TemplateFault{what, static_cast<int>(i)};
}

const std::string& text_argument(const Arguments& a, std::size_t i) {
    if (!a[i].is_string()) wrong_type(a, i, "string");
    return a[i].get_ref<const std::string&>();
}
std::int64_t number_argument(const Arguments& a, std::size_t i) {
    if (!a[i].is_number_integer()) wrong_type(a, i, "int");
    return a[i].get<std::int64_t>();
}

std::string changed(std::string text, int (*change)(int)) {
    for (char& c : text)
        c = static_cast<char>(static_cast<unsigned char>(c) < 0x80 ? change(static_cast<unsigned char>(c)) : c);
    return text;
}

// strings.Title: what follows neither a letter nor a digit nor "_".
std::string title(std::string text) {
    bool start = true;
    for (char& c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (start && byte < 0x80) c = static_cast<char>(std::toupper(byte));
        start = byte < 0x80 && !std::isalnum(byte) && c != '_';
    }
    return text;
}

Json split(const Arguments& a) {
    const std::string &text = text_argument(a, 0), &by = text_argument(a, 1);
    Json parts = Json::array();
    std::size_t from = 0;
    if (by.empty()) { // into characters
        for (std::size_t i = 0; i < text.size(); i = from) {
            for (from = i + 1; from < text.size() && (static_cast<unsigned char>(text[from]) & 0xc0) == 0x80;) ++from;
            parts.push_back(text.substr(i, from - i));
        }
        return parts;
    }
    for (std::size_t at; (at = text.find(by, from)) != std::string::npos; from = at + by.size())
        parts.push_back(text.substr(from, at - from));
    parts.push_back(text.substr(from));
    return parts;
}

Json join(const Arguments& a) {
    const std::string& between = text_argument(a, 1);
    if (!a[0].is_structured() && !a[0].is_null()) wrong("expected slice, got " + go_type(a[0]));
    std::vector<std::string> parts;
    for (const Json& part : a[0]) parts.push_back(go_text(part));
    if (a[0].is_object()) std::sort(parts.begin(), parts.end()); // a map's values, which have no order
    std::string out;
    for (const std::string& part : parts) out += (&part == parts.data() ? "" : between) + part;
    return out;
}

// fmt.Sprint: spaces where neither side is a text; fmt.Sprintln: everywhere.
std::string printed(const Arguments& a, bool always_spaced) {
    std::string out;
    for (std::size_t i = 0; i < a.size(); ++i) {
        if (i && (always_spaced || (!a[i].is_string() && !a[i - 1].is_string()))) out += ' ';
        out += go_text(a[i]);
    }
    return out;
}

Json length(const Arguments& a) {
    if (a[0].is_string()) return a[0].get_ref<const std::string&>().size();
    if (a[0].is_binary()) return a[0].get_binary().size();
    if (!a[0].is_structured() && !a[0].is_null()) wrong("len of type " + go_type(a[0]));
    return a[0].size();
}

std::size_t index_of(const Arguments& a, std::size_t i, std::size_t most) {
    if (!a[i].is_number_integer())
        wrong(a[i].is_null() ? "cannot index slice/array with nil"
                             : "cannot index slice/array with type " + go_type(a[i]));
    const std::int64_t at = a[i].get<std::int64_t>();
    if (at < 0 || static_cast<std::uint64_t>(at) > most) wrong(fmt::format("index out of range: {}", at));
    return static_cast<std::size_t>(at);
}

// Go finds the first index behind the last only when it takes the element.
std::size_t element_of(const Arguments& a, std::size_t i, std::size_t size, const char* kind) {
    const std::size_t at = index_of(a, i, size);
    if (at == size) wrong(fmt::format("reflect: {} index out of range", kind));
    return at;
}

Json index(const Arguments& a) {
    Json value = a[0];
    for (std::size_t i = 1; i < a.size(); ++i) {
        Json next;
        if (value.is_object()) {
            if (!a[i].is_string()) wrong("value has type " + go_type(a[i]) + "; should be string");
            const auto found = value.find(a[i].get<std::string>());
            const bool texts = std::all_of(value.begin(), value.end(), [](const Json& v) { return v.is_string(); });
            next = found != value.end() ? *found : texts ? Json("") : Json();
        } else if (value.is_array()) {
            next = value[element_of(a, i, value.size(), "slice")];
        } else if (value.is_string()) {
            const std::string& text = value.get_ref<const std::string&>();
            next = static_cast<unsigned char>(text[element_of(a, i, text.size(), "string")]);
        } else {
            wrong(value.is_null() ? "index of untyped nil" : "can't index item of type " + go_type(value));
        }
        value = std::move(next);
    }
    return value;
}

Json slice(const Arguments& a) {
    if (!a[0].is_array() && !a[0].is_string())
        wrong(a[0].is_null() ? "slice of untyped nil" : "can't slice item of type " + go_type(a[0]));
    if (a.size() > 4) wrong(fmt::format("too many slice indexes: {}", a.size() - 1));
    if (a.size() > 3 && a[0].is_string()) wrong("cannot 3-index slice a string");
    const std::size_t size = a[0].is_string() ? a[0].get_ref<const std::string&>().size() : a[0].size();
    const std::size_t from = a.size() > 1 ? index_of(a, 1, size) : 0, to = a.size() > 2 ? index_of(a, 2, size) : size;
    if (from > to) wrong(fmt::format("invalid slice index: {} > {}", from, to));
    if (a[0].is_string()) return a[0].get_ref<const std::string&>().substr(from, to - from);
    return Json(Json::array_t(a[0].begin() + static_cast<std::ptrdiff_t>(from),
                              a[0].begin() + static_cast<std::ptrdiff_t>(to)));
}

Json choose(const Arguments& a, bool stop_at) {
    for (const Json& value : a)
        if (go_truth(value) == stop_at) return value;
    return a.back();
}

bool same_kind(const Json& a, const Json& b) {
    return a.type() == b.type() || (a.is_number_integer() && b.is_number_integer()) || a.is_null() || b.is_null();
}

[[noreturn]] void incomparable(const Json& a, const Json& b) {
    wrong(fmt::format("incompatible types for comparison: {} and {}", go_type(a), go_type(b)));
}

bool equal(const Json& a, const Json& b) {
    if (!same_kind(a, b)) incomparable(a, b);
    if (a.is_structured() && b.is_structured())
        wrong(fmt::format("non-comparable types {}: {}, {}: {}", go_text(a), go_type(a), go_type(b), go_text(b)));
    return a == b;
}

bool less(const Json& a, const Json& b) {
    if (a.is_structured() || b.is_structured() || a.is_null() || b.is_null()) wrong("invalid type for comparison");
    if (!same_kind(a, b)) incomparable(a, b);
    if (a.is_boolean()) wrong("invalid type for comparison");
    return a < b;
}

Json pad(const Arguments& a) {
    const std::string& text = text_argument(a, 0);
    if (text.empty()) return text;
    const auto spaces = [&](std::size_t i) {
        const std::int64_t n = number_argument(a, i);
        if (n < 0 || n > most_padding) wrong(fmt::format("cannot pad with {} spaces", n));
        return std::string(static_cast<std::size_t>(n), ' ');
    };
    return spaces(1) + text + spaces(2);
}

Json truncate(const Arguments& a) {
    const std::int64_t length = number_argument(a, 1);
    if (length < 0) wrong(fmt::format("runtime error: slice bounds out of range [:{}]", length));
    return text_argument(a, 0).substr(0, static_cast<std::size_t>(length));
}

Json formatted(const Arguments& a) { return go_printf(text_argument(a, 0), {a.begin() + 1, a.end()}); }

constexpr std::size_t any = static_cast<std::size_t>(-1);

struct Function {
    const char* name;
    std::size_t min, max;
    Json (*call)(const Arguments&);
};

const Function functions[] = {
    {"json", 1, 1, [](const Arguments& a) -> Json { return json_text(without_bytes(a[0])); }},
    {"upper", 1, 1, [](const Arguments& a) -> Json { return changed(text_argument(a, 0), std::toupper); }},
    {"lower", 1, 1, [](const Arguments& a) -> Json { return changed(text_argument(a, 0), std::tolower); }},
    {"title", 1, 1, [](const Arguments& a) -> Json { return title(text_argument(a, 0)); }},
    {"split", 2, 2, split},
    {"join", 2, 2, join},
    {"pad", 3, 3, pad},
    {"truncate", 2, 2, truncate},
    {"print", 0, any, [](const Arguments& a) -> Json { return printed(a, false); }},
    {"println", 0, any, [](const Arguments& a) -> Json { return printed(a, true) + "\n"; }},
    {"printf", 1, any, formatted},
    {"html", 0, any, [](const Arguments& a) -> Json { return html_escaped(printed(a, false)); }},
    {"js", 0, any, [](const Arguments& a) -> Json { return js_escaped(printed(a, false)); }},
    {"urlquery", 0, any, [](const Arguments& a) -> Json { return query_escaped(printed(a, false)); }},
    {"len", 1, 1, length},
    {"index", 1, any, index},
    {"call", 1, any, [](const Arguments& a) -> Json { wrong("non-function of type " + go_type(a[0])); }},
    {"slice", 1, any, slice},
    {"and", 1, any, [](const Arguments& a) -> Json { return choose(a, false); }},
    {"or", 1, any, [](const Arguments& a) -> Json { return choose(a, true); }},
    {"not", 1, 1, [](const Arguments& a) -> Json { return !go_truth(a[0]); }},
    {"eq", 1, any,
     [](const Arguments& a) -> Json {
         if (a.size() < 2) wrong("missing argument for comparison");
         return std::any_of(a.begin() + 1, a.end(), [&](const Json& b) { return equal(a[0], b); });
     }},
    {"ne", 2, 2, [](const Arguments& a) -> Json { return !equal(a[0], a[1]); }},
    {"lt", 2, 2, [](const Arguments& a) -> Json { return less(a[0], a[1]); }},
    {"le", 2, 2, [](const Arguments& a) -> Json { return less(a[0], a[1]) || a[0] == a[1]; }},
    {"gt", 2, 2, [](const Arguments& a) -> Json { return !less(a[0], a[1]) && a[0] != a[1]; }},
    {"ge", 2, 2, [](const Arguments& a) -> Json { return !less(a[0], a[1]); }},
};

const Function* find(const std::string& name) {
    const auto* found =
        std::find_if(std::begin(functions), std::end(functions), [&](const Function& f) { return name == f.name; });
    return found == std::end(functions) ? nullptr : found;
}

} // namespace

bool is_template_function(const std::string& name) { return find(name) != nullptr; }

Json call_template_function(const std::string& name, const Arguments& arguments) {
    const Function* function = find(name);
    if (!function) wrong(fmt::format("\"{}\" is not a defined function", name));
    if (arguments.size() < function->min || arguments.size() > function->max) {
        const bool open = function->max == any;
        const std::size_t wanted = arguments.size() < function->min ? function->min : function->max;
        throw TemplateFault{fmt::format("wrong number of args for {}: want {}{} got {}", name, open ? "at least " : "",
                                        wanted, arguments.size()),
                            -1, true};
    }
    try {
        return function->call(arguments);
    } catch (const TemplateFault& fault) {
        if (fault.argument >= 0) throw;
        throw TemplateFault{"error calling " + name + ": " + fault.what};
    }
}

Json without_bytes(Json value) {
    if (value.is_binary()) {
        const auto& bytes = value.get_binary();
        return base64_encode({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
    }
    if (value.is_structured())
        for (Json& member : value) member = without_bytes(std::move(member));
    return value;
}

std::string go_text(const Json& value) {
    if (value.is_string()) return value.get<std::string>();
    if (value.is_null()) return "<no value>";
    if (!value.is_structured() && !value.is_number_float() && !value.is_binary()) return value.dump();
    const std::string text = go_printf("%v", {value});
    return text.starts_with('&') ? text.substr(1) : text; // a template goes to what a pointer leads to
}

std::string go_type(const Json& value) {
    if (value.is_string()) return "string";
    if (value.is_boolean()) return "bool";
    if (value.is_number_float()) return "float64";
    if (value.is_number()) return "int";
    if (value.is_binary()) return "[]uint8";
    return value.is_array() ? "[]interface {}" : value.is_object() ? "map[string]interface {}" : "<nil>";
}

bool go_truth(const Json& value) {
    if (value.is_boolean()) return value.get<bool>();
    if (value.is_number()) return value != 0;
    if (value.is_string()) return !value.get_ref<const std::string&>().empty();
    return !value.empty();
}

} // namespace davit::cli
