#include "cli/cmd/common.hpp"
#include "cli/cmd/verbs.hpp"
#include "cli/context.hpp"

namespace davit::cli {

int run_stop(Globals& globals, const Args& args) {
    StopOptions stop;
    std::optional<int> timeout;
    Options options(globals, "stop [OPTIONS] [SERVICE...]", "Stop the containers of services, without removing them");
    options.value("t,timeout", timeout, "Specify a shutdown timeout in seconds").arguments(stop.services);
    if (!options.parse(args)) return 0;
    stop.timeout = timeout_of(timeout);
    Context context(globals);
    const ProjectRef project = context.ref(stop.services);
    return context.act([&](Engine& engine) { engine.stop(project, stop, context.stop()); });
}

} // namespace davit::cli
