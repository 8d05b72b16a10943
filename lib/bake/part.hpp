// What one block says of a target, and how several come together: of one name, of what is inherited. Pure.
#pragma once

#include "bake/value.hpp"
#include "davit/bake.hpp"

#include <set>
#include <string>
#include <vector>

namespace davit::baking {

struct Part {
    BakeTarget target;
    std::set<std::string> has; // the attributes that it says something of, as the file calls them
    std::vector<std::string> inherits;
};

// Entries of lists are kept in one form, "type=local,dest=x"; what no target knows is passed over. Throws
// Error(usage).
void set_attribute(Part& part, const std::string& name, const Value& value);
// A target as it is, of a compose file: what is empty is not said.
Part part_of(BakeTarget target);
// from wins; lists add up or are replaced, maps go key by key.
void merge(Part& to, const Part& from);
// Without what stands there twice.
void normalize(BakeTarget& target);

// The list that the attribute is; nullptr: none.
std::vector<std::string>* list_named(BakeTarget& target, const std::string& attribute);
// The entries that a text means for the list: none for an empty one, several for "a,b" of cache-from.
std::vector<std::string> entries_of(const std::string& attribute, const std::string& text);
void normalize_list(const std::string& attribute, std::vector<std::string>& list);

template <typename Pairs, typename Mapped>
void put_pair(Pairs& to, const std::string& key, const Mapped& value) {
    for (auto& [name, old] : to)
        if (name == key) {
            old = value;
            return;
        }
    to.emplace_back(key, value);
}

} // namespace davit::baking
