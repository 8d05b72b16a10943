#include "cli/cmd/common.hpp"
#include "cli/cmd/verbs.hpp"
#include "cli/context.hpp"

namespace davit::cli {

int run_restart(Globals& globals, const Args& args) {
    RestartOptions restart;
    std::optional<int> timeout;
    Options options(globals, "restart [OPTIONS] [SERVICE...]", "Restart the containers of services");
    options.flag("no-deps", restart.no_deps, "Don't restart dependent services")
        .value("t,timeout", timeout, "Specify a shutdown timeout in seconds")
        .arguments(restart.services);
    if (!options.parse(args)) return 0;
    restart.timeout = timeout_of(timeout);
    Context context(globals);
    const ProjectRef project = context.ref(restart.services);
    return context.act([&](Engine& engine) { engine.restart(project, restart, context.stop()); });
}

} // namespace davit::cli
