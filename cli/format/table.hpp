// Columns as docker prints them: at least ten wide, three spaces between, the last one unpadded. A cell is one
// line, and does not steer the terminal, whatever a process or an image calls itself.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace davit::cli {

struct Table {
    std::vector<std::string> header; // empty: no header line
    std::vector<std::vector<std::string>> rows;
    bool as_it_is = false;    // the cells are fit for a terminal
    std::size_t minimum = 10; // of a column's width, with the space behind it; `ls` and `images` of compose have 20
    std::string to_string() const;
};

// Columns a text takes on a terminal; bytes where the locale does not know better.
std::size_t display_width(const std::string& text);

} // namespace davit::cli
