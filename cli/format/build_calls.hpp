// What --check and --call of `docker build` and `buildx bake` show, as buildx tells it.
#pragma once

#include "cli/cmd/build_flags.hpp"
#include "davit/build.hpp"

#include <nlohmann/json_fwd.hpp>
#include <string>

namespace davit::cli {

// By the flags' call and its format. Empty where the evaluation failed before there was anything to show.
std::string call_text(const BuildFlags& flags, const BuildResult& result);
// What --metadata-file keeps of it.
nlohmann::ordered_json call_metadata(const BuildFlags& flags, const BuildResult& result);
// The command's exit code.
int call_status(const BuildFlags& flags, const BuildResult& result);

} // namespace davit::cli
