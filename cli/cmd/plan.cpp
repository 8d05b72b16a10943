#include "davit/plan.hpp"
#include "base/error.hpp"
#include "base/printable.hpp"
#include "cli/cmd/common.hpp"
#include "cli/cmd/verbs.hpp"
#include "cli/context.hpp"

#include <cstdio>

namespace davit::cli {

int run_plan(Globals& globals, const Args& args) {
    CreateFlags flags;
    UpOptions up;
    std::string format = "text";
    bool down = false, verbose = false;
    Options options(globals, "plan [OPTIONS] [SERVICE...]",
                    "Show what `up` would do, and why\n\nNothing is changed and nothing is pulled. With --verbose "
                    "every operation is shown:\n\"[1,2] -> #3\" means that operation 3 waits for 1 and 2.");
    flags.add_to(options);
    options
        .flag("always-recreate-deps", flags.always_recreate_deps,
              "Recreate dependent containers. Incompatible with --no-recreate.")
        .flag("down", down, "Show what `down` would do instead")
        .value("format", format, "Format the output. Values: [text | json]")
        .flag("no-deps", flags.options.no_deps, "Don't start linked services")
        .flag("no-start", up.no_start, "Don't start the services after creating them")
        .flag("rolling", flags.options.rolling, "Replace each container while it runs")
        .flag("verbose", verbose, "Show every operation and what it waits for")
        .arguments(flags.options.services);
    if (!options.parse(args)) return 0;
    if (format != "text" && format != "json")
        throw error(Errc::usage, "unknown format \"{}\"", format).with_hint("text or json");
    flags.check_and_apply();
    static_cast<CreateOptions&>(up) = flags.options;
    Context context(globals);
    Plan plan;
    if (down) {
        DownOptions what;
        what.services = up.services;
        what.remove_orphans = up.remove_orphans;
        plan = context.engine().plan_down(context.ref(what.services), what);
    } else {
        plan = context.engine().plan_up(context.project(up.services), up);
    }
    const std::string text = format == "json" ? printable_json(to_json(plan)) + "\n"
                                              : printable(verbose ? to_text(plan) : to_summary(plan), "\n\t");
    if (text.empty()) std::fputs("Nothing to do.\n", stderr);
    std::fputs(text.c_str(), stdout);
    return 0;
}

} // namespace davit::cli
