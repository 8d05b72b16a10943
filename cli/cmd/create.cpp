#include "cli/cmd/common.hpp"
#include "cli/cmd/verbs.hpp"
#include "cli/context.hpp"
#include "cli/display/build_lines.hpp"

namespace davit::cli {

int run_create(Globals& globals, const Args& args) {
    CreateFlags flags;
    Options options(globals, "create [OPTIONS] [SERVICE...]", "Create containers for services, without starting them");
    flags.add_to(options);
    options.arguments(flags.options.services);
    if (!options.parse(args)) return 0;
    flags.check_and_apply();
    Context context(globals);
    build_lines_to(stdout);
    const Project& project = context.project(flags.options.services);
    return context.act([&](Engine& engine) { engine.create(project, flags.options, context.stop()); });
}

} // namespace davit::cli
