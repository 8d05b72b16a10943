// Text between brackets as libyaml reads it, for what yaml-cpp does not tell of it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace davit::yaml {

// What follows the quoted text that starts there; without data when it is not closed.
std::string_view behind_quotes_of(std::string_view text);

// How many lines below the start the bracket stands that closes the first one.
std::uint32_t lines_of_flow(std::string_view text);

struct WrongTab {
    std::uint32_t line = 0; // below the start
    std::size_t column = 0; // from 0
};

// A tab where spaces must indent a further line of the text without quotes, or of its anchor, that starts there.
std::optional<WrongTab> tab_in_flow_text(std::string_view text, std::size_t indent);

} // namespace davit::yaml
