// One more process in a container: what it is, and what a shim needs to run it. The one place that says so, whoever
// starts it.
#pragma once

#include "davit/container.hpp"
#include "davit/error.hpp"
#include "davit/exec.hpp"
#include "project/paths.hpp"
#include "runtime/spec.hpp"

#include <string>

namespace davit {

// The container's own process with what the options say: for exec, hooks and healthchecks.
runtime::ExecSpec describe_exec(const runtime::Spec& container, const ExecOptions& options);

// compile_exec()'s bytes: the container's own process with what the options say. Throws usage (no
// command) and what reading the container's bundle throws.
std::string exec_steps(const Roots& roots, const ContainerInfo& container, const ExecOptions& options);

// The exit code that stands for a process which did not begin: 127 for what is not there (the command
// or its working directory), 126 for what may not be used, as a shell says it; 0: another failure.
int not_executed_code(const Error& error);

} // namespace davit
