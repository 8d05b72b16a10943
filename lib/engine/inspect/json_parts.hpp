// What several documents have. For .cpp files.
#pragma once

#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

namespace davit::documents {

using Json = nlohmann::ordered_json;

template <typename J>
J list_or_null(const std::vector<std::string>& list) {
    return list.empty() ? J() : J(list);
}

// Go's map[string]struct{}, in the order of the alphabet.
template <typename J>
J set_of(const std::vector<std::string>& names) {
    J out = J::object();
    for (const std::string& name : std::set<std::string>(names.begin(), names.end())) out[name] = Json::object();
    return out;
}

// Bytes that are not UTF-8 become U+FFFD.
template <typename J>
std::string text_of(const J& document) {
    return document.dump(-1, ' ', false, J::error_handler_t::replace);
}

} // namespace davit::documents
