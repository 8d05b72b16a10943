// Text for other places than a terminal, as Go's templates escape it.
#pragma once

#include <string>

namespace davit::cli {

std::string html_escaped(const std::string& text);
std::string js_escaped(const std::string& text);
std::string query_escaped(const std::string& text);

} // namespace davit::cli
