#include "base/error.hpp"
#include "cli/attach/session.hpp"
#include "cli/cmd/verbs.hpp"
#include "cli/context.hpp"
#include "cli/options.hpp"
#include "cli/terminal.hpp"

#include <cstdlib>
#include <unistd.h>

namespace davit::cli {

namespace {

// "-e KEY" takes the value of this process; a variable that is not set is left alone.
std::vector<std::string> with_values(const std::vector<std::string>& env) {
    std::vector<std::string> out;
    for (const std::string& entry : env) {
        if (entry.find('=') != std::string::npos) out.push_back(entry);
        else if (const char* value = std::getenv(entry.c_str())) out.push_back(entry + "=" + value);
    }
    return out;
}

} // namespace

int run_exec(Globals& globals, const Args& args) {
    ExecOptions request;
    int index = 0;
    bool no_tty = false, tty = false;
    std::vector<std::string> env, words;
    Options options(globals, "exec [OPTIONS] SERVICE COMMAND [ARGS...]", "Execute a command in a running container");
    options.flag("d,detach", request.detach, "Detached mode: Run command in the background")
        .list("e,env", env, "Set environment variables")
        .value("index", index, "Index of the container if service has multiple replicas")
        .flag("i,interactive", request.interactive, "Keep STDIN open even if not attached (default true)")
        .flag("T,no-tty", no_tty,
              "Disable pseudo-TTY allocation. By default a TTY is allocated when stdin and stdout are terminals")
        .alias("no-TTY")
        .flag("privileged", request.privileged, "Give extended privileges to the process")
        .flag("t,tty", tty, "Allocate a pseudo-TTY")
        .hidden()
        .value("u,user", request.user, "Run the command as this user")
        .value("w,workdir", request.working_dir, "Path to workdir directory for this command")
        .arguments(words, 2)
        .verbatim_after_first();
    if (!options.parse(args)) return 0;
    request.command.assign(words.begin() + 1, words.end());
    request.environment = with_values(env);
    request.tty = !no_tty && !request.detach && is_terminal(STDIN_FILENO) && is_terminal(STDOUT_FILENO);
    Context context(globals);
    const ContainerInfo container = running_container(context, words[0], index);
    if (container.state == ContainerState::paused)
        throw error(Errc::conflict, "container {} is paused", container.name)
            .with_hint("'davit unpause " + words[0] + "' before exec");
    if (context.dry_run()) return 0;
    return exec_in(context.engine(), container, request, context.interrupts());
}

} // namespace davit::cli
