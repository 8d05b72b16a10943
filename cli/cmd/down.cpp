#include "base/error.hpp"
#include "cli/cmd/common.hpp"
#include "cli/cmd/verbs.hpp"
#include "cli/context.hpp"

namespace davit::cli {

int run_down(Globals& globals, const Args& args) {
    DownOptions down;
    std::optional<int> timeout;
    std::string rmi;
    Options options(globals, "down [OPTIONS] [SERVICE...]", "Stop and remove containers and networks");
    options
        .flag("remove-orphans", down.remove_orphans, "Remove containers for services not defined in the Compose file")
        .value("rmi", rmi,
               "Remove images used by services. \"local\" remove only images that don't have a custom tag "
               "(\"local\"|\"all\")")
        .value("t,timeout", timeout, "Specify a shutdown timeout in seconds")
        .flag("v,volumes", down.volumes,
              "Remove named volumes declared in the \"volumes\" section of the Compose file and anonymous volumes "
              "attached to containers")
        .alias("volume")
        .arguments(down.services);
    if (!options.parse(args)) return 0;
    if (rmi == "all") down.images = RemoveImages::all;
    else if (rmi == "local") down.images = RemoveImages::local;
    else if (!rmi.empty()) throw error(Errc::usage, "invalid value for --rmi: \"{}\"", rmi).with_hint("local or all");
    down.timeout = timeout_of(timeout);
    down.remove_orphans = down.remove_orphans || env_flag("COMPOSE_REMOVE_ORPHANS");
    down.ignore_orphans = env_flag("COMPOSE_IGNORE_ORPHANS");
    Context context(globals);
    const ProjectRef project = context.ref(down.services);
    return context.act([&](Engine& engine) { engine.down(project, down, context.stop()); });
}

} // namespace davit::cli
