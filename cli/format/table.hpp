// Columns as docker prints them: at least ten wide, three spaces between, the last one unpadded.
#pragma once

#include <string>
#include <vector>

namespace davit::cli {

struct Table {
    std::vector<std::string> header; // empty: no header line
    std::vector<std::vector<std::string>> rows;
    std::string to_string() const;
};

// Columns a text takes on a terminal; bytes where the locale does not know better.
std::size_t display_width(const std::string& text);

} // namespace davit::cli
