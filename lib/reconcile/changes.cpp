// What differs between two states of a service, in words that may be shown to anybody.
#include "reconcile/hashes.hpp"

#include <algorithm>
#include <cctype>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <set>
#include <vector>

namespace davit {

namespace {

using nlohmann::json;

constexpr std::size_t longest = 60; // of a value that is shown

std::string upper(std::string text) {
    std::transform(text.begin(), text.end(), text.begin(),
                   [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
    return text;
}

std::string shown(const json& value) {
    if (value.is_null()) return "unset";
    return value.is_string() ? fmt::format("\"{}\"", value.get<std::string>()) : value.dump();
}

bool may_be_shown(const json& value) {
    if (value.is_null() || value.is_boolean() || value.is_number()) return true;
    if (!value.is_string()) return false;
    const auto& text = value.get_ref<const std::string&>();
    const bool one_line = std::none_of(text.begin(), text.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; });
    return one_line && text.size() <= longest && !looks_like_a_credential(text);
}

class Comparison {
public:
    void run(const std::string& name, const json* a, const json* b) {
        if (a && b && *a == *b) return;
        const bool maps = (!a || a->is_object()) && (!b || b->is_object());
        if (maps && (a ? a->size() : 0) + (b ? b->size() : 0) > 0) return each(name, a, b);
        const bool secret = looks_secret(name) || (a && !may_be_shown(*a)) || (b && !may_be_shown(*b));
        if (secret) out_.push_back(name);
        else if (!a) out_.push_back(fmt::format("{} {} is new", name, shown(*b)));
        else if (!b) out_.push_back(fmt::format("{} {} is gone", name, shown(*a)));
        else out_.push_back(fmt::format("{} {} → {}", name, shown(*a), shown(*b)));
    }
    std::vector<std::string> take() { return std::move(out_); }

private:
    void each(const std::string& name, const json* a, const json* b) {
        std::set<std::string> keys;
        for (const json* map : {a, b})
            if (map)
                for (const auto& [key, unused] : map->items()) keys.insert(key);
        auto below = [](const json* map, const std::string& key) {
            return map && map->contains(key) ? &map->at(key) : nullptr;
        };
        for (const auto& key : keys)
            run(name + (name.find(' ') == std::string::npos ? " " : ".") + key, below(a, key), below(b, key));
    }

    std::vector<std::string> out_;
};

} // namespace

bool looks_like_a_credential(const std::string& value) {
    const auto scheme = value.find("://");
    const auto at = value.find('@');
    if (scheme != std::string::npos && at != std::string::npos && at > scheme) return true;
    if (value.find("-----BEGIN") != std::string::npos || value.rfind("eyJ", 0) == 0) return true;
    for (const char* word :
         {"PASSWORD", "PASSWD", "SECRET", "TOKEN", "APIKEY", "API_KEY", "API-KEY", "BEARER ", "BASIC "})
        if (upper(value).find(word) != std::string::npos) return true;
    // Letters and digits without a word in them: a key whatever it is called.
    const bool plain = std::all_of(value.begin(), value.end(),
                                   [](unsigned char c) { return std::isalnum(c) || c == '+' || c == '/' || c == '='; });
    const bool digits = std::any_of(value.begin(), value.end(), [](unsigned char c) { return std::isdigit(c); });
    return value.size() >= 20 && plain && digits;
}

bool looks_secret(const std::string& name) {
    const std::string text = upper(name);
    for (const char* word : {"PASS", "PWD", "SECRET", "TOKEN", "KEY", "CRED", "AUTH", "PRIVATE", "CERT", "SALT",
                             "COOKIE", "SESSION", "SIGNATURE", "SIGNING", "DSN", "CONNECTION", "LICENSE", "WEBHOOK"})
        if (text.find(word) != std::string::npos) return true;
    return false;
}

std::string changed_attributes(const std::string& old_model, const std::string& new_model, const std::string& service) {
    const auto before = json::parse(old_model, nullptr, false), after = json::parse(new_model, nullptr, false);
    const json::json_pointer at = json::json_pointer("/services") / service;
    if (before.is_discarded() || after.is_discarded() || !before.contains(at) || !after.contains(at)) return "";
    static const std::set<std::string> no_difference{"build",      "pull_policy", "scale",
                                                     "depends_on", "profiles",    "label_file"};
    std::set<std::string> keys;
    const auto& a = before.at(at);
    const auto& b = after.at(at);
    for (const auto* map : {&a, &b})
        for (const auto& [key, unused] : map->items()) keys.insert(key);
    Comparison comparison;
    for (const auto& key : keys)
        if (!no_difference.count(key))
            comparison.run(key, a.contains(key) ? &a.at(key) : nullptr, b.contains(key) ? &b.at(key) : nullptr);
    return fmt::format("{}", fmt::join(comparison.take(), ", "));
}

} // namespace davit
