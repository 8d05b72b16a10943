#include "compose/validate.hpp"

#include "base/words.hpp"
#include "compose/attributes/shapes.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <fmt/ranges.h>
#include <functional>
#include <optional>
#include <unordered_map>

namespace davit::compose {

namespace {

bool is_name_char(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
           c == '-';
}
bool is_resource_name(std::string_view key) {
    return !key.empty() && std::all_of(key.begin(), key.end(), is_name_char);
}
bool is_lower_name(std::string_view key) {
    return !key.empty() && std::all_of(key.begin(), key.end(), [](char c) { return c >= 'a' && c <= 'z'; });
}
bool is_extension(std::string_view key) { return key.substr(0, 2) == "x-"; }

Types type_of(const Node& n) {
    switch (n.kind) {
    case Kind::null: return t_null;
    case Kind::boolean: return t_bool;
    case Kind::integer: return t_int | t_num;
    case Kind::real: return n.real == std::trunc(n.real) ? t_int | t_num : t_num;
    case Kind::string: return n.large ? t_int | t_num : t_str;
    case Kind::list: return t_list;
    case Kind::map: return t_map;
    }
    return 0;
}

std::string type_names(Types types) {
    std::vector<std::string_view> names;
    if (types & t_str) names.push_back("text");
    if (types & t_num) names.push_back("a number");
    else if (types & t_int) names.push_back("a whole number");
    if (types & t_bool) names.push_back("true or false");
    if (types & t_list) names.push_back("a list");
    if (types & t_map) names.push_back("a mapping");
    if (types & t_null) names.push_back("empty");
    std::string out;
    for (std::size_t i = 0; i < names.size(); ++i) {
        if (i) out += i + 1 == names.size() ? " or " : ", ";
        out += names[i];
    }
    return out;
}

std::string describe(const Node& n) {
    switch (n.kind) {
    case Kind::null: return "empty";
    case Kind::boolean: return fmt::format("the boolean {}", to_text(n));
    case Kind::integer:
    case Kind::real: return fmt::format("the number {}", to_text(n));
    case Kind::string:
        if (n.large) return fmt::format("the number {}", n.str());
        return fmt::format("the text '{}'", n.str().substr(0, 60));
    case Kind::list: return "a list";
    case Kind::map: return "a mapping";
    }
    return {};
}

// Old and mistaken names of service attributes, with what is meant.
constexpr std::array<std::pair<std::string_view, std::string_view>, 18> kOtherNames = {{
    {"dockerfile", "it stands below build:"},
    {"context", "it stands below build:"},
    {"args", "it stands below build:"},
    {"net", "it is called network_mode"},
    {"network", "it is called networks"},
    {"memory", "it is called mem_limit"},
    {"mem", "it is called mem_limit"},
    {"name", "it is called container_name"},
    {"log_driver", "write logging: {driver: …}"},
    {"log_opt", "write logging: {options: {…}}"},
    {"volume_driver", "it stands with the volume, below volumes: at the top"},
    {"replicas", "it is called scale, or stands below deploy:"},
    {"env", "it is called environment"},
    {"cmd", "it is called command"},
    {"workdir", "it is called working_dir"},
    {"resources", "it stands below deploy:"},
    {"limits", "it stands below deploy: resources:"},
    {"depends", "it is called depends_on"},
}};

class Checker {
public:
    explicit Checker(Diagnostics& diag) : diag_(diag) {}

    void check(Node& n, const Shape& s) {
        if (s.types == 0 || n.failed) return;
        if (!(type_of(n) & s.types)) return wrong_type(n, s);
        if (n.is_number() || n.large) return check_number(n, s);
        if (n.is_string()) return check_text(n, s);
        if (n.is_list()) return check_list(n, s);
        if (n.is_map()) return check_map(n, s);
    }

private:
    void wrong_type(Node& n, const Shape& s) {
        n.failed = true;
        std::string hint;
        if (n.is_string() && &s == &shapes::service)
            hint = fmt::format("write  {{image: \"{}\"}}", n.str().substr(0, 60));
        else if (n.is_scalar() && !n.is_null() && (!n.is_string() || n.large) && (s.types & t_str))
            hint = fmt::format("put it in quotes: \"{}\"", to_text(n));
        else if (n.is_scalar() && !n.is_null() && (s.types & t_list))
            hint = fmt::format("write it as a list: [{}]", n.is_string() ? fmt::format("\"{}\"", n.str()) : to_text(n));
        else if (n.is_map() && (s.types & t_list)) hint = "start each item with \"- \"";
        else if (n.is_null() && !(s.types & t_null)) hint = "give it a value or remove the key";
        else if (n.is_list() && (s.types & t_map)) hint = "write it as KEY: VALUE lines without \"- \"";
        diag_.error(n.pos, path_, fmt::format("must be {}, and this is {}", type_names(s.types), describe(n)), hint);
    }

    void check_text(Node& n, const Shape& s) {
        if (!s.words.empty() && std::find(s.words.begin(), s.words.end(), n.str()) == s.words.end()) {
            n.failed = true;
            auto near = nearest(n.str(), s.words);
            diag_.error(n.pos, path_,
                        fmt::format("must be {}{}, and this is '{}'", s.words.size() > 1 ? "one of " : "",
                                    fmt::join(s.words, ", "), n.str()),
                        near ? fmt::format("did you mean '{}'?", *near) : std::string());
        }
        if (s.pattern == Pattern::container_name && !good_container_name(n.str()))
            diag_.error(n.pos, path_, fmt::format("'{}' cannot name a container", n.str()),
                        "use at least two letters, digits, '_', '.' or '-', starting with a letter or digit");
        if (s.pattern == Pattern::pull_policy && !good_pull_policy(n.str()))
            diag_.error(n.pos, path_, fmt::format("'{}' is no pull policy", n.str()), kPullPolicies);
        else if (s.pattern == Pattern::pull_policy && !exact_pull_policy(n.str()))
            diag_.warning(n.pos, path_, fmt::format("'{}' is no pull policy, though one stands in it", n.str()),
                          kPullPolicies);
    }

    void check_number(Node& n, const Shape& s) {
        const double value = number_of(n).value_or(0);
        if (s.least && value < static_cast<double>(*s.least))
            diag_.error(n.pos, path_, fmt::format("must be {} or more, and this is {}", *s.least, to_text(n)));
        if (s.most && value > static_cast<double>(*s.most))
            diag_.error(n.pos, path_, fmt::format("must be {} or less, and this is {}", *s.most, to_text(n)));
    }

    void check_list(Node& n, const Shape& s) {
        auto items = n.list();
        std::unordered_multimap<std::size_t, std::size_t> seen;
        constexpr std::size_t few = 20;
        for (std::size_t i = 0; i < items.size(); ++i) {
            auto step = path_.item(i);
            if (s.items) check(*items[i], *s.items);
            if (!s.unique || items.size() == 1) continue;
            std::size_t twin = items.size() > few ? find_twin(items, i, seen) : find_like(items, i);
            if (twin < i)
                diag_.error(items[i]->pos, path_, fmt::format("is the same as item [{}] of this list", twin),
                            "remove one of the two");
        }
    }

    // In short lists upstream takes "1" for the 1 that comes later, though not the other way round.
    static std::size_t find_like(std::span<Node*> items, std::size_t i) {
        std::size_t first = 0;
        while (first < i && !alike(*items[i], *items[first])) ++first;
        return first;
    }

    static std::optional<double> number_of(const Node& n) {
        if (n.is_number()) return n.kind == Kind::integer ? static_cast<double>(n.integer) : n.real;
        const std::string_view text = n.str();
        double value = 0;
        auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
        if (text.empty() || code != std::errc() || end != text.data() + text.size()) return std::nullopt;
        return value;
    }

    static bool alike(const Node& later, const Node& earlier) {
        if (later.is_number() || later.large) {
            const auto one = number_of(later), other = number_of(earlier);
            return one && other && *one == *other;
        }
        if (later.kind != earlier.kind || (later.is_string() && later.str() != earlier.str())) return false;
        if (later.is_list())
            return std::equal(later.list().begin(), later.list().end(), earlier.list().begin(), earlier.list().end(),
                              [](const Node* a, const Node* b) { return alike(*a, *b); });
        if (later.is_map())
            return later.map().size() == earlier.map().size() &&
                   std::all_of(later.map().begin(), later.map().end(), [&](const Entry& e) {
                       const Node* other = earlier.find(e.key);
                       return other && alike(*e.value, *other);
                   });
        return later.is_string() || equal(later, earlier);
    }

    // A list of sixty thousand ports is possible: no item is compared with all others.
    static std::size_t find_twin(std::span<Node*> items, std::size_t i,
                                 std::unordered_multimap<std::size_t, std::size_t>& seen) {
        const std::size_t hash = hash_of(*items[i]);
        std::size_t first = i;
        auto [begin, end] = seen.equal_range(hash);
        for (auto it = begin; it != end; ++it)
            if (equal(*items[i], *items[it->second])) first = std::min(first, it->second);
        if (first == i) seen.emplace(hash, i);
        return first;
    }

    // The same for what equal() takes for the same: the order of a mapping does not count.
    static std::size_t hash_of(const Node& n) {
        const auto mix = [](std::size_t a, std::size_t b) {
            return (a ^ (b + 0x9e3779b97f4a7c15u + (a << 6) + (a >> 2))) * 0xff51afd7ed558ccdu;
        };
        std::size_t out = static_cast<std::size_t>(n.kind);
        switch (n.kind) {
        case Kind::null: return out;
        case Kind::boolean: return mix(out, n.boolean ? 1 : 0);
        case Kind::integer: return mix(out, std::hash<std::int64_t>()(n.integer));
        case Kind::real: return mix(out, std::hash<double>()(n.real));
        case Kind::string: return mix(out, std::hash<std::string_view>()(n.str()));
        case Kind::list:
            for (const Node* item : n.list()) out = mix(out, hash_of(*item));
            return out;
        case Kind::map:
            for (const Entry& e : n.map()) out += mix(std::hash<std::string_view>()(e.key), hash_of(*e.value));
            return out;
        }
        return out;
    }

    void check_map(Node& n, const Shape& s) {
        for (const Entry& e : n.map()) {
            auto step = path_.key(e.key);
            if (const Attribute* a = s.fields.find(e.key)) check(*e.value, *a->shape);
            else if (s.extensions && is_extension(e.key)) continue;
            else if (s.values && key_fits(e.key, s.keys)) check(*e.value, *s.values);
            else if (s.closed) unknown_key(e, s);
            else if (s.keys == Keys::resource)
                diag_.warning(e.key_pos, path_, fmt::format("'{}' cannot be a name here and is ignored", e.key),
                              "use letters, digits, '.', '_' and '-'");
        }
        for (std::string_view key : s.required)
            if (!n.has(key)) diag_.error(n.pos, path_, fmt::format("{} needs '{}'", s.noun, key), how_to_add(s, key));
    }

    static std::string how_to_add(const Shape& s, std::string_view key) {
        const Attribute* a = s.fields.find(key);
        const Shape* shape = a ? a->shape : nullptr;
        if (!shape || shape->words.empty()) return fmt::format("add  {}: …", key);
        return fmt::format("add  {}: {}; known are {}", key, shape->words.front(), fmt::join(shape->words, ", "));
    }

    static bool key_fits(std::string_view key, Keys keys) {
        if (keys == Keys::resource) return is_resource_name(key);
        if (keys == Keys::lower) return is_lower_name(key);
        return !key.empty();
    }

    void unknown_key(const Entry& e, const Shape& s) {
        if (s.values)
            return diag_.error(e.key_pos, path_, fmt::format("'{}' cannot be a name here", e.key),
                               s.keys == Keys::resource ? "use letters, digits, '.', '_' and '-'"
                                                        : "a name must not be empty");
        std::vector<std::string_view> known;
        for (const Attribute* a : s.fields)
            if (!a->internal()) known.push_back(a->key);
        std::string hint;
        if (auto near = nearest(e.key, known)) hint = fmt::format("did you mean '{}'?", *near);
        if (&s == &shapes::service)
            for (const auto& [name, meant] : kOtherNames)
                if (name == e.key) hint = meant;
        if (hint.empty() && &s == &shapes::project && e.value->is_map() &&
            (e.value->has("image") || e.value->has("build")))
            hint = "services stand below services:";
        if (hint.empty())
            hint = known.size() <= 12 ? fmt::format("known are: {}", fmt::join(known, ", "))
                                      : "your own keys must start with x-";
        diag_.error(e.key_pos, path_, fmt::format("'{}' is no attribute of {}", e.key, s.noun), hint);
    }

    static bool good_container_name(std::string_view name) {
        auto starts = [](char c) { return is_name_char(c) && c != '.' && c != '_' && c != '-'; };
        for (std::size_t i = 0; i + 1 < name.size(); ++i)
            if (starts(name[i]) && is_name_char(name[i + 1])) return true;
        return false;
    }

    static constexpr const char* kPullPolicies =
        "use always, never, missing, build, refresh, daily, weekly or every_<duration> such as every_12h";
    static bool exact_pull_policy(std::string_view text) {
        constexpr std::string_view words[] = {"always",  "never",   "build", "if_not_present",
                                              "missing", "refresh", "daily", "weekly"};
        if (std::find(std::begin(words), std::end(words), text) != std::end(words)) return true;
        return text.substr(0, 6) == "every_" && text.size() > 7 &&
               text.find_first_not_of("0123456789wdhms", 6) == std::string_view::npos;
    }

    // Upstream's pattern is not anchored: the word may stand anywhere.
    static bool good_pull_policy(std::string_view text) {
        for (std::string_view word :
             {"always", "never", "build", "if_not_present", "missing", "refresh", "daily", "weekly"})
            if (text.find(word) != std::string_view::npos) return true;
        std::size_t every = text.find("every_");
        if (every == std::string_view::npos) return false;
        std::string_view rest = text.substr(every + 6);
        std::size_t digits = rest.find_first_not_of("0123456789");
        return digits != 0 && digits != std::string_view::npos &&
               std::string_view("wdhms").find(rest[digits]) != std::string_view::npos;
    }

    Diagnostics& diag_;
    Path path_;
};

} // namespace

void check_schema(Node& document, Diagnostics& diag) { Checker(diag).check(document, shapes::project); }

} // namespace davit::compose
