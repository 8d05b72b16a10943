// What docker's config.json keeps for its client's commands beside contexts and credentials: formats of lists, keys
// that detach, proxies for containers. It counts where docker's words are used, not by davit's own name.
#pragma once

#include "cli/app.hpp"

#include <optional>
#include <string>
#include <vector>

namespace davit::cli {

// What a list is printed by without --format: "psFormat", "imagesFormat" … Empty: by its own table.
std::string configured_format(const Globals& globals, const char* key);
// Whether that is the list's own shape, of which -q leaves the names or ids; another format stays what it is.
inline bool is_table(const std::string& format) { return format.empty() || format == "table"; }
std::optional<std::string> configured_detach_keys(const Globals& globals);
// "HTTP_PROXY=…", "http_proxy=…" of its proxies, but for those that `given` ("K=V", "K") has.
std::vector<std::string> configured_proxies(const Globals& globals, const std::vector<std::string>& given);

} // namespace davit::cli
