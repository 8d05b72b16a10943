// What docker's config.json keeps for its client's commands beside contexts and credentials: formats of lists, keys
// that detach, proxies for containers. It counts where docker's words are used, not by davit's own name.
#pragma once

#include "cli/app.hpp"

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace davit::cli {

// What a list is printed by without --format: "psFormat", "imagesFormat" … Empty: by its own table.
std::string configured_format(const Globals& globals, const char* key);
// Whether that is the list's own shape, of which -q leaves the names or ids; another format stays what it is.
inline bool is_table(const std::string& format) { return format.empty() || format == "table"; }
std::optional<std::string> configured_detach_keys(const Globals& globals);
// "HTTP_PROXY=…", "http_proxy=…" of its proxies, but for those that `given` ("K=V", "K") has.
std::vector<std::string> configured_proxies(const Globals& globals, const std::vector<std::string>& given);
using BuildArgs = std::vector<std::pair<std::string, std::optional<std::string>>>;
// Its proxies as arguments of builds: in big letters only. Compose's builds have them by davit's own name, too.
BuildArgs build_proxies();
// For `docker build` and `buildx bake`: those that args does not have in some case are added.
void add_build_proxies(const Globals& globals, BuildArgs& args);

} // namespace davit::cli
