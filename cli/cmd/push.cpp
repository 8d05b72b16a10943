#include "cli/cmd/verbs.hpp"
#include "cli/context.hpp"
#include "cli/options.hpp"

namespace davit::cli {

int run_push(Globals& globals, const Args& args) {
    PushOptions push;
    Options options(globals, "push [OPTIONS] [SERVICE...]", "Push service images");
    options
        .flag("ignore-push-failures", push.ignore_failures,
              "Push what can be pushed and ignore images with push failures")
        .flag("include-deps", push.include_dependencies, "Also push images of services declared as dependencies")
        .flag("q,quiet", push.quiet, "Push without printing progress information")
        .arguments(push.services);
    if (!options.parse(args)) return 0;
    Context context(globals);
    const Project& project = context.project(push.services);
    if (push.quiet) context.mute();
    return context.act([&](Engine& engine) { engine.push(project, push, context.stop()); });
}

} // namespace davit::cli
