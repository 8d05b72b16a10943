// Text for other places than a terminal, as Go's templates escape it.
#pragma once

#include <string>

namespace davit::cli {

// JSON that stands in a page as it is, as Go writes it: <, > and & by their numbers.
std::string html_safe(const std::string& json);
std::string html_escaped(const std::string& text);
std::string js_escaped(const std::string& text);
std::string query_escaped(const std::string& text);

} // namespace davit::cli
