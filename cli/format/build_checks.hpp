// What `build --check` found, as buildx tells it.
#pragma once

#include "davit/build.hpp"

#include <nlohmann/json_fwd.hpp>
#include <string>

namespace davit::cli {

std::string checks_text(const BuildRequest& request, const BuildResult& result);
std::string checks_json(const BuildRequest& request, const BuildResult& result);
// The lines of the request's Dockerfile at that place; empty where it cannot be read again.
std::string build_excerpt(const BuildRequest& request, const SourcePos& at);

// Where the instruction stands that begins at that line of the text.
nlohmann::ordered_json line_location(int line, const std::string& text);

// "JSONArgsRecommended": where the rule is explained.
std::string rule_url(const std::string& rule);

} // namespace davit::cli
