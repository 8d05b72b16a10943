// Build arguments and directives for the reader of the Dockerfile itself: BUILDKIT_…, # syntax=, # check=.
#pragma once

#include "dockerfile/checks.hpp"
#include "dockerfile/evaluate.hpp"

#include <string_view>

namespace davit::dockerfile {

// BUILDKIT_DOCKERFILE_CHECK, else the check directive. Throws Errc::usage: an option that does not exist.
CheckSettings check_settings(const Document& document, const EvaluateOptions& options);

// BUILDKIT_SYNTAX, else the syntax directive, must name the language that is built in: Errc::unsupported.
void require_this_frontend(const Document& document, const EvaluateOptions& options);

// The id of a cache mount, with BUILDKIT_CACHE_MOUNT_NS before it.
std::string cache_id(const EvaluateOptions& options, const std::string& id);

// Arguments that never become environment.
bool is_frontend_argument(std::string_view name);

} // namespace davit::dockerfile
