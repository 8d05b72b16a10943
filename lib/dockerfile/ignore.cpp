#include "dockerfile/ignore.hpp"

#include "base/error.hpp"
#include "dockerfile/text.hpp"

#include <algorithm>

namespace davit::dockerfile {

std::vector<std::string> ignore_patterns(std::string_view text) {
    std::vector<std::string> out;
    for (const std::string& line : split(without_byte_order_mark(text), '\n')) {
        std::string_view pattern = trim(line);
        if (line.starts_with('#') || pattern.empty()) continue;
        const bool takes_back = pattern.starts_with('!');
        if (takes_back) pattern = trim(pattern.substr(1));
        std::string cleaned = pattern.empty() ? "" : clean_path(pattern);
        if (cleaned.size() > 1 && cleaned[0] == '/') cleaned.erase(0, 1);
        out.push_back((takes_back ? "!" : "") + cleaned);
    }
    return out;
}

IgnoreList::IgnoreList(const std::vector<std::string>& patterns) {
    for (const std::string& given : patterns) {
        const std::string_view pattern = trim(given);
        if (pattern.empty()) continue;
        std::string cleaned = clean_path(pattern); // with its "!", as the reference does: "!/" is one alone
        const bool takes_back = cleaned.starts_with('!');
        if (takes_back) cleaned.erase(0, 1);
        if (cleaned.empty())
            throw error(Errc::invalid_project, "a pattern is '!' alone").with_hint("write !NAME to take NAME back");
        PathPattern compiled(cleaned, PathPattern::Stars::across);
        patterns_.push_back({std::move(cleaned), takes_back, std::move(compiled)});
    }
}

bool IgnoreList::has_exceptions() const {
    return std::any_of(patterns_.begin(), patterns_.end(), [](const Pattern& p) { return p.takes_back; });
}

bool IgnoreList::ignored(std::string_view path, const Matched& above, Matched& own) const {
    bool out = false;
    own.patterns.assign(patterns_.size(), 0);
    for (std::size_t i = 0; i < patterns_.size(); ++i) {
        const Pattern& pattern = patterns_[i];
        bool matches = i < above.patterns.size() && above.patterns[i];
        // One that would change nothing is not tried, and then not known below either: as in the reference.
        if (!matches && pattern.takes_back == out) matches = pattern.compiled.matches(path);
        own.patterns[i] = matches;
        if (matches) out = !pattern.takes_back;
    }
    return out;
}

bool IgnoreList::ignored(std::string_view path) const {
    Matched above;
    bool out = false;
    for (std::size_t start = 0, end = 0; end != std::string_view::npos; start = end + 1) {
        end = path.find('/', start);
        Matched own;
        out = ignored(path.substr(0, end), above, own);
        above = std::move(own);
    }
    return out;
}

bool IgnoreList::may_hold_taken(std::string_view directory) const {
    const auto parts = split(directory, '/');
    return std::any_of(patterns_.begin(), patterns_.end(), [&](const Pattern& pattern) {
        if (!pattern.takes_back) return false;
        const auto wanted = split(pattern.text, '/');
        for (std::size_t i = 0; i < parts.size(); ++i) {
            if (i >= wanted.size()) return false;
            // Sets and classes may hold a slash, and then parts say nothing.
            if (wanted[i].find("**") != std::string::npos || wanted[i].find_first_of("[\\") != std::string::npos)
                return true;
            if (!PathPattern(wanted[i], PathPattern::Stars::single).matches(parts[i])) return false;
        }
        return wanted.size() > parts.size();
    });
}

bool IgnoreList::ignores_root() const {
    return std::any_of(patterns_.begin(), patterns_.end(), [](const Pattern& pattern) {
        return !pattern.takes_back && (pattern.text == "*" || pattern.text == "**" || pattern.text == "**/*");
    });
}

} // namespace davit::dockerfile
