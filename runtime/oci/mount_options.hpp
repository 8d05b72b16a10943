// A mount's "options": OCI's words for flags and propagation, and the filesystem's own data.
#pragma once

#include "runtime/spec.hpp"

#include <string>
#include <vector>

namespace davit::runtime::oci {

std::vector<std::string> options_of(const Mount& mount);
// The mount's kind is known. The last `data` options are not looked at: they are the filesystem's.
void set_options(Mount& mount, const std::vector<std::string>& options, std::size_t data);
bool binds(const std::vector<std::string>& options);
// "mode=755,size=1k" in its parts.
std::vector<std::string> words_of(const std::string& data);

} // namespace davit::runtime::oci
