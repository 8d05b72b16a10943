#pragma once

#include "base/printable.hpp"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

namespace davit::cli {

// Columns as buildx sets them, with tabs of eight, so that `cut -f` finds each where it looks.
class TabbedTable {
public:
    explicit TabbedTable(std::vector<std::string> header) { rows_.push_back(std::move(header)); }
    void add(std::vector<std::string> row) {
        for (std::string& cell : row) cell = printable(cell);
        rows_.push_back(std::move(row));
    }
    std::string to_string() const {
        constexpr std::size_t tab = 8;
        std::vector<std::size_t> widths(rows_.front().size());
        for (const auto& row : rows_)
            for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], characters(row[i]));
        std::string out;
        for (const auto& row : rows_) {
            for (std::size_t i = 0; i + 1 < row.size(); ++i) {
                const std::size_t wide = (widths[i] + 1 + tab - 1) / tab * tab;
                out += row[i] + std::string((wide - characters(row[i]) + tab - 1) / tab, '\t');
            }
            out += row.back() + "\n";
        }
        return out;
    }

private:
    static std::size_t characters(const std::string& text) {
        return static_cast<std::size_t>(std::count_if(
            text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
    }
    std::vector<std::vector<std::string>> rows_;
};

} // namespace davit::cli
