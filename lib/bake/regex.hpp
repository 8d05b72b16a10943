// Regular expressions in RE2's syntax, as Go has them. Time grows with the text, never beyond: no pattern hangs.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace davit::baking {

class Regex {
public:
    explicit Regex(const std::string& pattern); // throws Error(usage)
    Regex(Regex&&) noexcept;
    ~Regex();

    // From and to of the match and of its groups, in bytes; nothing for a group that took no part.
    using Match = std::vector<std::optional<std::pair<std::size_t, std::size_t>>>;
    std::vector<Match> find(const std::string& text, std::size_t most) const;
    const std::vector<std::string>& groups() const; // names, of the match first; empty: it has none

private:
    struct Program;
    std::unique_ptr<Program> program_;
};

} // namespace davit::baking
