// How the JSON that callers of davit/davit.h give is taken apart. For .cpp files.
#pragma once

#include "base/error.hpp"
#include "c/options.hpp"
#include "davit/to_string.hpp"

#include <chrono>
#include <initializer_list>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <type_traits>
#include <utility>

namespace davit::c {

using Json = nlohmann::json;

constexpr int deepest = 200; // writing JSON recurses, reading it does not

// Errors: usage (too deep), whatever Json::parse() throws.
inline Json parsed_json(const std::string& text) {
    return Json::parse(text, [](int depth, Json::parse_event_t, Json&) {
        if (depth > deepest) throw error(Errc::usage, "JSON of more than {} levels is not read", deepest);
        return true;
    });
}

// Null: no options.
inline Json parsed(const char* text, const char* what) {
    if (!text) return Json::object();
    try {
        return parsed_json(text);
    } catch (const Json::exception& e) {
        throw error(Errc::usage, "{} is not JSON: {}", what, e.what());
    }
}

// Json::get() takes 65616 for port 80, and true for 1.
template <typename T>
bool is_of(const Json& value) {
    if constexpr (std::is_integral_v<T> && !std::is_same_v<T, bool>) {
        if (value.is_number_unsigned()) return std::in_range<T>(value.get<std::uint64_t>());
        return value.is_number_integer() && std::in_range<T>(value.get<std::int64_t>());
    } else if constexpr (std::is_same_v<T, std::map<std::string, int>>) {
        bool all = value.is_object();
        for (const Json& one : value) all = all && is_of<int>(one);
        return all;
    } else {
        return true;
    }
}

// An object of which every key is asked for by somebody; what nobody asks for is a mistake of the caller's.
class Fields {
public:
    Fields(Json value, std::string what) : value_(std::move(value)), what_(std::move(what)) {
        if (!value_.is_object()) throw error(Errc::usage, "{} is not a JSON object", what_);
    }

    template <typename T>
    void take(const char* key, T& into) {
        known_.insert(key);
        const auto it = value_.find(key);
        if (it == value_.end() || it->is_null()) return;
        if (!is_of<T>(*it)) throw error(Errc::usage, "{}: '{}' is no number that can be there", what_, key);
        try {
            into = it->template get<T>();
        } catch (const Json::exception&) {
            throw error(Errc::usage, "{}: '{}' has another type than it should", what_, key);
        }
    }
    template <typename T>
    void take(const char* key, std::optional<T>& into) {
        T value{};
        if (has(key)) {
            take(key, value);
            into = std::move(value);
        }
        known_.insert(key);
    }
    std::optional<std::chrono::nanoseconds> seconds(const char* key) {
        std::optional<double> value;
        take(key, value);
        if (!value) return std::nullopt;
        return nanoseconds_of(*value, key);
    }
    template <typename E>
    void word(const char* key, E& into, std::initializer_list<E> values) {
        std::string text;
        take(key, text);
        if (text.empty()) return;
        for (const E value : values)
            if (text == to_string(value)) {
                into = value;
                return;
            }
        throw error(Errc::usage, "{}: '{}' cannot be '{}'", what_, key, text);
    }
    bool has(const char* key) const {
        const auto it = value_.find(key);
        return it != value_.end() && !it->is_null();
    }
    Json raw(const char* key) {
        known_.insert(key);
        return has(key) ? value_.at(key) : Json();
    }
    void end() const {
        for (const auto& [key, unused] : value_.items())
            if (!known_.count(key)) throw error(Errc::usage, "{}: there is no option '{}'", what_, key);
    }

private:
    Json value_;
    std::string what_;
    std::set<std::string> known_;
};

} // namespace davit::c
