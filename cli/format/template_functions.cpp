#include "cli/format/template_functions.hpp"

#include "base/error.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace davit::cli {

using Json = nlohmann::json;
using Arguments = std::vector<Json>;

namespace {

[[noreturn]] void wrong(const char* name) { throw error(Errc::usage, "template parsing error: template: :1: error calling {}: wrong arguments", name); }

std::string text_argument(const char* name, const Arguments& a, std::size_t i) {
    if (i >= a.size() || !a[i].is_string()) wrong(name);
    return a[i].get<std::string>();
}
int number_argument(const char* name, const Arguments& a, std::size_t i) {
    if (i >= a.size() || !a[i].is_number_integer()) wrong(name);
    return a[i].get<int>();
}

std::string changed(std::string text, int (*change)(int)) {
    for (char& c : text) c = static_cast<char>(change(static_cast<unsigned char>(c)));
    return text;
}

std::string title(std::string text) {
    bool start = true;
    for (char& c : text) {
        if (start) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
        start = c == ' ' || c == '-' || c == '_';
    }
    return text;
}

Json split(const Arguments& a) {
    const std::string text = text_argument("split", a, 0), by = text_argument("split", a, 1);
    Json parts = Json::array();
    std::size_t from = 0;
    for (std::size_t at; !by.empty() && (at = text.find(by, from)) != std::string::npos; from = at + by.size()) parts.push_back(text.substr(from, at - from));
    parts.push_back(text.substr(from));
    return parts;
}

Json join(const Arguments& a) {
    if (a.size() != 2 || !a[0].is_array()) wrong("join");
    std::string out;
    for (const Json& part : a[0]) out += (out.empty() ? "" : text_argument("join", a, 1)) + go_text(part);
    return out;
}

std::string spaced(const Arguments& a) {
    std::string out;
    for (const Json& value : a) out += (out.empty() ? "" : " ") + go_text(value);
    return out;
}

Json length(const Arguments& a) {
    if (a.size() != 1) wrong("len");
    return a[0].is_string() ? a[0].get_ref<const std::string&>().size() : a[0].size();
}

Json index(const Arguments& a) {
    if (a.size() < 2) wrong("index");
    Json value = a[0];
    for (std::size_t i = 1; i < a.size(); ++i) {
        Json next;
        if (value.is_object()) {
            const auto found = value.find(text_argument("index", a, i));
            next = found == value.end() ? Json("") : *found;
        } else if (value.is_array()) {
            const int at = number_argument("index", a, i);
            if (at < 0 || static_cast<std::size_t>(at) >= value.size())
                throw error(Errc::usage, "template parsing error: template: :1: error calling index: index out of range: {}", at);
            next = value[static_cast<std::size_t>(at)];
        } else {
            wrong("index");
        }
        value = std::move(next);
    }
    return value;
}

Json choose(const Arguments& a, bool stop_at) {
    for (const Json& value : a)
        if (go_truth(value) == stop_at) return value;
    return a.empty() ? Json() : a.back();
}

Json pad(const Arguments& a) {
    const std::string text = text_argument("pad", a, 0);
    if (text.empty()) return text;
    return std::string(static_cast<std::size_t>(std::max(0, number_argument("pad", a, 1))), ' ') + text +
           std::string(static_cast<std::size_t>(std::max(0, number_argument("pad", a, 2))), ' ');
}

struct Function {
    const char* name;
    Json (*call)(const Arguments&);
};

const Function functions[] = {
    {"json", [](const Arguments& a) -> Json { if (a.size() != 1) wrong("json"); return a[0].dump(-1, ' ', false, Json::error_handler_t::replace); }},
    {"upper", [](const Arguments& a) -> Json { return changed(text_argument("upper", a, 0), std::toupper); }},
    {"lower", [](const Arguments& a) -> Json { return changed(text_argument("lower", a, 0), std::tolower); }},
    {"title", [](const Arguments& a) -> Json { return title(text_argument("title", a, 0)); }},
    {"split", split},
    {"join", join},
    {"pad", pad},
    {"truncate", [](const Arguments& a) -> Json { return text_argument("truncate", a, 0).substr(0, static_cast<std::size_t>(std::max(0, number_argument("truncate", a, 1)))); }},
    {"print", [](const Arguments& a) -> Json { return spaced(a); }},
    {"println", [](const Arguments& a) -> Json { return spaced(a) + "\n"; }},
    {"len", length},
    {"index", index},
    {"and", [](const Arguments& a) -> Json { return choose(a, false); }},
    {"or", [](const Arguments& a) -> Json { return choose(a, true); }},
    {"not", [](const Arguments& a) -> Json { if (a.size() != 1) wrong("not"); return !go_truth(a[0]); }},
    {"eq", [](const Arguments& a) -> Json { if (a.size() < 2) wrong("eq"); return std::find(a.begin() + 1, a.end(), a[0]) != a.end(); }},
    {"ne", [](const Arguments& a) -> Json { if (a.size() != 2) wrong("ne"); return a[0] != a[1]; }},
    {"lt", [](const Arguments& a) -> Json { if (a.size() != 2) wrong("lt"); return a[0] < a[1]; }},
    {"le", [](const Arguments& a) -> Json { if (a.size() != 2) wrong("le"); return a[0] <= a[1]; }},
    {"gt", [](const Arguments& a) -> Json { if (a.size() != 2) wrong("gt"); return a[0] > a[1]; }},
    {"ge", [](const Arguments& a) -> Json { if (a.size() != 2) wrong("ge"); return a[0] >= a[1]; }},
};

const Function* find(const std::string& name) {
    const auto* found = std::find_if(std::begin(functions), std::end(functions), [&](const Function& f) { return name == f.name; });
    return found == std::end(functions) ? nullptr : found;
}

} // namespace

bool is_template_function(const std::string& name) { return find(name) != nullptr; }

Json call_template_function(const std::string& name, const Arguments& arguments) {
    const Function* function = find(name);
    if (!function) throw error(Errc::usage, "template parsing error: function \"{}\" not defined", name);
    return function->call(arguments);
}

std::string go_text(const Json& value) {
    if (value.is_string()) return value.get<std::string>();
    if (value.is_null()) return "<no value>";
    if (!value.is_structured()) return value.dump();
    std::string out;
    for (const auto& [key, member] : value.items()) {
        if (!out.empty()) out += " ";
        out += value.is_object() ? key + ":" + go_text(member) : go_text(member);
    }
    return (value.is_object() ? "map[" : "[") + out + "]";
}

bool go_truth(const Json& value) {
    if (value.is_boolean()) return value.get<bool>();
    if (value.is_number()) return value != 0;
    if (value.is_string()) return !value.get_ref<const std::string&>().empty();
    return !value.empty();
}

} // namespace davit::cli
