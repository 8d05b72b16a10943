#include "base/error.hpp"
#include "cli/cmd/verbs.hpp"
#include "cli/context.hpp"
#include "cli/options.hpp"
#include "cli/watching.hpp"

#include <cstdio>

namespace davit::cli {

int run_watch(Globals& globals, const Args& args) {
    Watching what;
    bool no_up = false, quiet = false;
    std::optional<bool> prune;
    Options options(globals, "watch [OPTIONS] [SERVICE...]",
                    "Watch build context for service and rebuild/refresh containers when files are updated");
    options.flag("no-up", no_up, "Do not build & start services before watching")
        .flag("prune", prune, "Prune dangling images on rebuild (default true)")
        .flag("quiet", quiet, "Hide build output")
        .arguments(what.services);
    if (!options.parse(args)) return 0;
    what.prune = prune.value_or(true);

    Context context(globals);
    const Project project = built_when_watched(context.project(what.services));
    if (!has_watch_rules(project, what.services))
        throw error(Errc::usage,
                    "none of the selected services is configured for watch, consider setting a 'develop' section");
    if (quiet) context.quiet_build();
    context.interrupts();
    UpOptions up;
    up.services = what.services;
    if (!no_up) {
        context.engine().up(project, up, context.stop());
        if (context.dry_run()) return 0;
        what.up = up;
    } else if (context.dry_run()) {
        return 0;
    }
    const auto print = [&](const std::string& text, bool failure) {
        context.display().pause();
        context.display().beside([&] {
            std::fputs(text.c_str(), failure ? stderr : stdout);
            std::fflush(stdout);
        });
    };
    watch_files(context, project, what, print, context.stop());
    return context.interrupts().requested() ? 130 : 0;
}

} // namespace davit::cli
