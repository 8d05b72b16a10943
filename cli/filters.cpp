#include "cli/filters.hpp"

#include "base/error.hpp"
#include "base/sys.hpp"
#include "cli/format/time.hpp"

#include <algorithm>
#include <cctype>
#include <regex>

namespace davit::cli {

namespace {

// Go's regexp.MatchString: anywhere in the text.
bool fits(const std::string& pattern, const std::string& text) {
    if (pattern.find_first_of("\\^$.|?*+()[]{}") == std::string::npos) return text.find(pattern) != std::string::npos;
    try {
        return std::regex_search(text, std::regex(pattern));
    } catch (const std::regex_error&) {
        return false; // as docker
    }
}

// "KEY" or "KEY=VALUE"; no value, and the empty one, are any.
bool has_label(const Labels& labels, const std::string& wanted) {
    const std::size_t equals = wanted.find('=');
    const auto label = labels.find(wanted.substr(0, equals));
    return label != labels.end() &&
           (equals == std::string::npos || equals + 1 == wanted.size() || label->second == wanted.substr(equals + 1));
}

} // namespace

std::string named_filter(const std::string& text) {
    const std::size_t equals = text.find('=');
    if (text.empty()) return {};
    if (equals == std::string::npos) throw error(Errc::usage, "bad format of filter (expected name=value)");
    const auto trimmed = [](const std::string& part) {
        constexpr const char* spaces = " \t\n\v\f\r";
        const std::size_t first = part.find_first_not_of(spaces);
        return first == std::string::npos ? "" : part.substr(first, part.find_last_not_of(spaces) + 1 - first);
    };
    std::string key = trimmed(text.substr(0, equals));
    for (char& c : key) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    return key + "=" + trimmed(text.substr(equals + 1));
}

std::int64_t until_time(const std::string& text, std::string_view told) {
    constexpr std::string_view what = "failed to parse value as time or duration: ";
    if (text.empty()) throw error(Errc::invalid_project, "{}{}value is empty", told, what);
    try {
        return parse_time(text, sys::realtime_ns());
    } catch (const Error& e) {
        throw error(Errc::invalid_project, "{}{}invalid seconds \"{}\": invalid syntax", told, what, text)
            .with_hint(e.hint());
    }
}

std::vector<std::int64_t> Filters::times(std::string_view told) const {
    std::vector<std::int64_t> out;
    for (const std::string& text : values("until")) out.push_back(until_time(text, told));
    return out;
}

void Filters::add_to(Options& options, std::string_view keys) { add_as("f,filter", options, keys); }
void Filters::add_long_to(Options& options, std::string_view keys) { add_as("filter", options, keys); }

void Filters::add_as(std::string_view names, Options& options, std::string_view keys) {
    keys_ = keys;
    options.each(
        names, "filter",
        [this](const std::string& text) {
            const std::string filter = named_filter(text);
            const std::size_t equals = filter.find('=');
            if (!filter.empty()) add(filter.substr(0, equals), filter.substr(equals + 1));
        },
        "Provide filter values: " + keys_);
}

void Filters::check() const {
    for (const auto& [key, values] : values_)
        if ((", " + keys_).find(", " + key + "=") == std::string::npos)
            throw error(Errc::invalid_project, "invalid filter{}", key.empty() ? "" : " '" + key + "'")
                .with_hint("one of " + keys_);
}

const std::vector<std::string>& Filters::values(const std::string& key) const {
    static const std::vector<std::string> none;
    const auto found = values_.find(key);
    return found == values_.end() ? none : found->second;
}

bool Filters::prefix(const std::string& key, const std::string& text) const {
    const auto& wanted = values(key);
    return wanted.empty() ||
           std::any_of(wanted.begin(), wanted.end(), [&](const std::string& w) { return text.starts_with(w); });
}

bool Filters::exact(const std::string& key, const std::string& text) const {
    const auto& wanted = values(key);
    return wanted.empty() || std::find(wanted.begin(), wanted.end(), text) != wanted.end();
}

bool Filters::labels(const std::string& key, const Labels& labels) const {
    const auto& wanted = values(key);
    return std::all_of(wanted.begin(), wanted.end(), [&](const std::string& w) { return has_label(labels, w); });
}

bool Filters::unlabelled(const std::string& key, const Labels& labels) const {
    const auto& wanted = values(key);
    return std::none_of(wanted.begin(), wanted.end(), [&](const std::string& w) { return has_label(labels, w); });
}

bool Filters::pattern(const std::string& key, const std::string& text) const {
    const auto& wanted = values(key);
    return wanted.empty() ||
           std::any_of(wanted.begin(), wanted.end(), [&](const std::string& w) { return w == text || fits(w, text); });
}

std::optional<bool> Filters::truth(const std::string& key) const {
    std::optional<bool> out;
    for (const std::string& text : values(key)) {
        const bool yes =
            text == "true" || text == "1" || text == "t" || text == "True" || text == "TRUE" || text == "T";
        const bool no =
            text == "false" || text == "0" || text == "f" || text == "False" || text == "FALSE" || text == "F";
        if (!yes && !no)
            throw error(Errc::invalid_project, "invalid filter '{}=[{}]'", key, text).with_hint("true or false");
        out = yes;
    }
    return out;
}

} // namespace davit::cli
