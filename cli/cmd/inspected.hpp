// How documents are printed: the array of `inspect`, one object of `info` and `version`.
#pragma once

#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

namespace davit::cli {

// Prints the documents that `document` makes of the names; what it does not find is said at the end. zeros: the fields
// that Docker's structs have and its documents leave out while they are empty; templates may name them. 0, 1, or 64
// for a template that is none. escapes: <, > and & are \u003c … in the JSON.
int inspect_each(const std::vector<std::string>& names, const std::string& format,
                 const std::function<std::string(const std::string&)>& document, const char* zeros = "{}",
                 bool escapes = false);

// format: "json" or a template. Throws Error(usage), with exit code 64 for a template that is none, and after an empty
// line for one that cannot be executed, as docker.
// type: what Go calls the document, where a template names a field that it has not: "system.dockerInfo".
void print_document(const nlohmann::ordered_json& document, const std::string& format, const char* zeros = "{}",
                    const char* type = "");

// What an image's document leaves out while it is empty.
extern const char* const image_zeros;
// The same of images and containers, for who asks for either.
extern const char* const any_zeros;

// What docker calls the processor that the kernel names so: "x86_64" → "amd64".
std::string go_architecture(const std::string& machine);
std::string own_platform(); // {"linux/amd64"}

} // namespace davit::cli
