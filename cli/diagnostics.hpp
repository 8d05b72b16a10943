// What is said about compose files: for people, for editors, for programs.
#pragma once

#include "davit/load.hpp"

#include <string>
#include <vector>

namespace davit::cli {

// "file:line:column: [warning: ]path: message (hint)"
std::string editor_line(const Diagnostic&);
// One JSON object: error or warning (true), message, and what is known of file, line, column, path, hint; a warning
// has level, msg and time besides, by which readers of docker compose's lines know it.
std::string json_line(const Diagnostic&);
std::string json_warning_line(const std::string& text);
// To stderr, each with its caret line; json: one object a line.
void print_diagnostics(const std::vector<Diagnostic>&, bool json);

// An error's text for a terminal: what it quotes of containers, images and registries cannot steer it, and a line
// that such a text begins does not look like one of davit's.
std::string error_text(const Error& error);
// Whether standard error has JSON lines and nothing else (--progress json); said once the flags are known.
void diagnostics_in_json(bool now);
bool diagnostics_are_json();

// "error: …" and "warning: …" to stderr; warnings and notes are JSON lines where the others are.
void print_error(const Error& error);
void print_warning(const std::string& text);
// Whole lines of davit's own, which are no warning: of text that may hold anything, made printable before.
void print_note(const std::string& lines);

} // namespace davit::cli
