#include "engine/exec.hpp"

#include "base/error.hpp"
#include "engine/bundle.hpp"
#include "runtime/defaults.hpp"
#include "runtime/steps.hpp"

#include <algorithm>
#include <cerrno>

namespace davit {

runtime::ExecSpec describe_exec(const runtime::Spec& container, const ExecOptions& options) {
    runtime::ExecSpec exec = runtime::exec_spec(container, options.privileged);
    runtime::Process& process = exec.process;
    process.args = options.command;
    process.terminal = options.tty;
    process.stdin_open = options.interactive;
    const auto is_term = [](const std::string& variable) { return variable.starts_with("TERM="); };
    if (options.tty && std::none_of(process.env.begin(), process.env.end(), is_term))
        process.env.push_back("TERM=xterm");
    process.env.insert(process.env.end(), options.environment.begin(), options.environment.end());
    if (options.user && !options.user->empty()) process.user.name = *options.user; // as docker: an empty one is none
    if (options.working_dir && !options.working_dir->empty()) process.cwd = *options.working_dir;
    return exec;
}

std::string exec_steps(const Roots& roots, const ContainerInfo& container, const ExecOptions& options) {
    if (options.command.empty()) throw error(Errc::usage, "no command to run in container {}", container.name);
    return runtime::compile_exec(describe_exec(spec_of(roots, container), options), runtime::HostFacts::probe(),
                                 {roots.bpf_cache()});
}

int not_executed_code(const Error& e) {
    if (e.exit_code()) return e.exit_code();
    if (e.os().value() == ENOENT) return 127;
    return e.os().value() == EACCES ? 126 : 0;
}

} // namespace davit
