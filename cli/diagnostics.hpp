// What is said about compose files: for people, for editors, for programs.
#pragma once

#include "davit/load.hpp"

#include <string>
#include <vector>

namespace davit::cli {

// "file:line:column: [warning: ]path: message (hint)"
std::string editor_line(const Diagnostic&);
// One JSON object: error or warning (true), message, and what is known of file, line, column, path, hint.
std::string json_line(const Diagnostic&);
// To stderr, each with its caret line; json: one object a line.
void print_diagnostics(const std::vector<Diagnostic>&, bool json);

// An error's text for a terminal: what it quotes of containers, images and registries cannot steer it, and a line
// that such a text begins does not look like one of davit's.
std::string error_text(const Error& error);
// "error: …" and "warning: …" to stderr.
void print_error(const Error& error);
void print_warning(const std::string& text);

} // namespace davit::cli
