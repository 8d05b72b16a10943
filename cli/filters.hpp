// --filter of docker's lists and prunes.
#pragma once

#include "cli/options.hpp"
#include "davit/container.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace davit::cli {

// KEY=VALUE without spaces around them and the key in small letters; empty: no filter at all. Error(usage): neither.
std::string named_filter(const std::string& text);

// The time, or the span before now, of a filter "until". Error(invalid_project): it is neither, in the engine's words.
std::int64_t until_time(const std::string& text, std::string_view told = {});

// --filter KEY=VALUE: one of the values of each key must fit, of labels all.
class Filters {
public:
    // Adds the option. keys: those that the list knows, "id=ID, label=KEY[=VALUE]"; others are refused by check().
    void add_to(Options& options, std::string_view keys);
    // The same without -f, which is --force of the prunes.
    void add_long_to(Options& options, std::string_view keys);
    void check() const;
    void add(const std::string& key, const std::string& value) { values_[key].push_back(value); }
    const std::vector<std::string>& values(const std::string& key) const;
    bool prefix(const std::string& key, const std::string& text) const; // it begins with one of them
    bool exact(const std::string& key, const std::string& text) const;
    bool labels(const std::string& key, const Labels& labels) const;
    bool unlabelled(const std::string& key, const Labels& labels) const; // none of them is there: label!=
    bool pattern(const std::string& key, const std::string& text) const; // it fits one of them, a regular expression
    // true, false, 1, 0 …; nothing when the key is not there. Throws Error(usage).
    std::optional<bool> truth(const std::string& key) const;
    // Of the key "until", times and spans before now; what the engine says of a bad one comes behind `told`.
    std::vector<std::int64_t> times(std::string_view told = {}) const;
    bool empty() const { return values_.empty(); }

private:
    void add_as(std::string_view names, Options& options, std::string_view keys);

    std::string keys_;
    std::map<std::string, std::vector<std::string>> values_;
};

} // namespace davit::cli
