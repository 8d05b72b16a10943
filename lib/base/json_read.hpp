// Reading JSON of other people's making: a member of the wrong type reads as missing. For .cpp files only.
#pragma once

#include "base/json_depth.hpp"

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace davit {

using Json = nlohmann::json;

inline Json parse_untrusted(std::string_view text) { return parse_untrusted_as<Json>(text); }

inline std::string text_of(const Json& json, const char* key) {
    auto it = json.find(key);
    return it != json.end() && it->is_string() ? it->get<std::string>() : std::string();
}

inline std::uint64_t unsigned_of(const Json& json, const char* key) {
    auto it = json.find(key);
    return it != json.end() && it->is_number_unsigned() ? it->get<std::uint64_t>() : 0;
}

inline const Json* object_of(const Json& json, const char* key) {
    auto it = json.find(key);
    return it != json.end() && it->is_object() ? &*it : nullptr;
}

inline std::vector<std::string> list_of(const Json& json, const char* key) {
    std::vector<std::string> out;
    auto it = json.find(key);
    if (it == json.end() || !it->is_array()) return out;
    for (const Json& entry : *it)
        if (entry.is_string()) out.push_back(entry.get<std::string>());
    return out;
}

inline std::map<std::string, std::string> map_of(const Json& json, const char* key) {
    std::map<std::string, std::string> out;
    if (const Json* object = object_of(json, key))
        for (const auto& [name, value] : object->items())
            if (value.is_string()) out[name] = value.get<std::string>();
    return out;
}

} // namespace davit
