#include "cli/cmd/common.hpp"
#include "cli/cmd/unacted_flags.hpp"
#include "cli/cmd/verbs.hpp"
#include "cli/context.hpp"

namespace davit::cli {

int run_create(Globals& globals, const Args& args) {
    CreateFlags flags;
    Options options(globals, "create [OPTIONS] [SERVICE...]", "Create containers for services, without starting them");
    flags.add_to(options);
    options.arguments(flags.options.services);
    if (!options.parse(args)) return 0;
    flags.check_and_apply();
    Context context(globals);
    const Project& project = context.project(flags.options.services);
    warn_of_unacted_flags(globals);
    return context.act([&](Engine& engine) { engine.create(project, flags.options, context.stop()); });
}

} // namespace davit::cli
