#include "cli/cmd/common.hpp"
#include "cli/cmd/verbs.hpp"
#include "cli/context.hpp"
#include "cli/diagnostics.hpp"

#include <cstdio>

namespace davit::cli {

int run_kill(Globals& globals, const Args& args) {
    KillOptions kill;
    Options options(globals, "kill [OPTIONS] [SERVICE...]", "Send a signal to the containers of services");
    options
        .flag("remove-orphans", kill.remove_orphans, "Remove containers for services not defined in the Compose file")
        .value("s,signal", kill.signal, "SIGNAL to send to the container (default \"SIGKILL\")")
        .arguments(kill.services);
    if (!options.parse(args)) return 0;
    kill.remove_orphans = kill.remove_orphans || env_flag("COMPOSE_REMOVE_ORPHANS");
    Context context(globals);
    const ProjectRef project = context.ref(kill.services);
    return context.act([&](Engine& engine) {
        const bool any = !containers_of(context, {kill.services, false, true, 0}).empty();
        if (!any && !kill.remove_orphans && !context.dry_run()) print_note("No container to kill\n");
        else engine.kill(project, kill, context.stop());
    });
}

} // namespace davit::cli
