// Variables that FROM may use: predefined ones, and the ARGs before the first FROM.
#pragma once

#include "dockerfile/evaluate.hpp"

namespace davit::dockerfile {

// TARGETPLATFORM, BUILDARCH …, TARGETSTAGE; a build argument of the name wins.
Variables predefined_args(const Document& document, const EvaluateOptions& options);

// With the global ARGs on top. build_args: null as if none were given.
Variables global_args(const Document& document, const EvaluateOptions& options, const Variables* build_args);

// What is asked for, or this machine's: "linux/amd64".
std::string target_platform(const EvaluateOptions& options);

// Those of build_args that reach RUN without an ARG, in both cases of their names.
std::vector<std::string> proxy_environment(const Variables& build_args);
bool is_proxy_variable(std::string_view name);

} // namespace davit::dockerfile
