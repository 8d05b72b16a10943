// Programs of other machines: what this one's kernel runs.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace davit::build {

// What /proc/sys/fs/binfmt_misc/NAME says → whether programs of that architecture (Go's name: "arm64") reach an
// interpreter that is there inside containers too (flag F: opened when it was registered). Pure.
bool handles(std::string_view binfmt_entry, const std::string& architecture);

// "linux/arm64" on this machine: its own programs, the 32-bit ones beside them, and what handlers take. entries: what
// binfmt_handlers() says.
bool runs(const std::string& platform, const std::string& machine, const std::vector<std::string>& entries);

// The texts of all handlers that are registered; none where binfmt_misc is not mounted.
std::vector<std::string> binfmt_handlers();
// The name under which QEMU registers one for it: "qemu-aarch64".
std::string handler_name(const std::string& architecture);

} // namespace davit::build
