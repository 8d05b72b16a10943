#pragma once

namespace davit::exec {

// `init: true`: pid 1 of a container. argv: /sbin/docker-init -- PROGRAM ARG…, the name that scripts look for with ps;
// passes signals on to the program, reaps everything, ends as it ends. Runs with the container's own rights.
[[noreturn]] void run_init(char** argv) noexcept;

} // namespace davit::exec
