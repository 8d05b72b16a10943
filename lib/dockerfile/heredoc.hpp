// Here-documents: <<EOF, << EOF, <<-EOF, <<"EOF".
#pragma once

#include "dockerfile/words.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace davit::dockerfile {

struct Heredoc {
    std::string name, content; // content: as it stands in the file, with its line ends
    bool strip_tabs = false;   // <<-: see without_tabs
    bool expand = true;        // the name is not quoted
    bool operator==(const Heredoc&) const = default;
};

// The document that a word opens: "<<EOF", "3<<-'X'"; nullopt if it opens none.
std::optional<Heredoc> heredoc_of_word(std::string_view word);
std::vector<Heredoc> heredocs_of_line(std::string_view line);
// Leading tabs of each line go.
std::string without_tabs(std::string_view content);

} // namespace davit::dockerfile
