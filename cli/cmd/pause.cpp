#include "cli/cmd/verbs.hpp"
#include "cli/context.hpp"
#include "cli/options.hpp"

namespace davit::cli {

int run_pause(Globals& globals, const Args& args) {
    std::vector<std::string> services;
    Options options(globals, "pause [OPTIONS] [SERVICE...]", "Freeze the processes of services");
    options.arguments(services);
    if (!options.parse(args)) return 0;
    Context context(globals);
    const ProjectRef project = context.ref(services);
    return context.act([&](Engine& engine) { engine.pause(project, services, context.stop()); });
}

int run_unpause(Globals& globals, const Args& args) {
    std::vector<std::string> services;
    Options options(globals, "unpause [OPTIONS] [SERVICE...]", "Let frozen services go on");
    options.arguments(services);
    if (!options.parse(args)) return 0;
    Context context(globals);
    const ProjectRef project = context.ref(services);
    return context.act([&](Engine& engine) { engine.unpause(project, services, context.stop()); });
}

} // namespace davit::cli
