// Finding one object among many as Docker does: the whole id, then the name, then an id's first digits.
#pragma once

#include "base/error.hpp"
#include "davit/engine.hpp"
#include "engine/roots.hpp"
#include "swarm/store.hpp"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace davit::swarm {

// Throws Error(unavailable) where there is no swarm.
Store store_of_swarm(const Engine& engine);

// Names of Swarm differ in more than the case of their letters.
inline bool same_name(std::string_view a, std::string_view b) {
    auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
    return std::ranges::equal(a, b, {}, lower, lower);
}

// name(object): what it is called. unknown: the text of the error when nothing fits. exact: the
// case of letters counts, as where docker looks for a service.
template <typename T, typename Name>
T find_object(std::vector<T> all, const std::string& wanted, Name name, const char* noun, const std::string& unknown,
              bool exact = false) {
    for (T& object : all)
        if (object.id == wanted) return std::move(object);
    for (T& object : all)
        if (exact ? name(object) == wanted : same_name(name(object), wanted)) return std::move(object);
    std::vector<T*> found;
    for (T& object : all)
        if (!wanted.empty() && object.id.starts_with(wanted)) found.push_back(&object);
    if (found.empty()) throw error(Errc::not_found, "{}", unknown);
    if (found.size() > 1)
        throw error(Errc::conflict, "{} {} is ambiguous ({} matches found)", noun, wanted, found.size());
    return std::move(*found.front());
}

} // namespace davit::swarm
