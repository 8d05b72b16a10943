// Small things about text that all of the Dockerfile language needs: white space, case, Go's quoting.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace davit::dockerfile {

bool is_space(char c); // of ASCII
std::string_view without_byte_order_mark(std::string_view text);
// White space of Unicode goes.
std::string_view trim_left(std::string_view text);
std::string_view trim(std::string_view text);
std::string lower(std::string_view text); // ASCII
std::string upper(std::string_view text);
std::vector<std::string> split(std::string_view text, char separator);
std::string join(const std::vector<std::string>& parts, std::string_view separator);
// At runs of white space; none is an empty word.
std::vector<std::string> split_at_spaces(std::string_view text);
// As Go's %q prints it: "a\tb".
std::string go_quoted(std::string_view text);
// "/a/./b/../c/" → "/a/c", "" → ".": Go's path.Clean.
std::string clean_path(std::string_view path);

// Takes one character of UTF-8 from the front of text, which is not empty; a byte that is none counts as one.
char32_t next_character(std::string_view& text);

} // namespace davit::dockerfile
