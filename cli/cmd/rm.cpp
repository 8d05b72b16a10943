#include "base/printable.hpp"
#include "cli/cmd/verbs.hpp"
#include "cli/confirm.hpp"
#include "cli/context.hpp"
#include "cli/diagnostics.hpp"
#include "cli/options.hpp"
#include "cli/terminal.hpp"

#include <cstdio>

namespace davit::cli {

namespace {

std::string names_of(const std::vector<ContainerInfo>& containers) {
    std::string out;
    for (const ContainerInfo& c : containers) out += (out.empty() ? "" : ", ") + c.name;
    return printable(out);
}

bool confirmed(const std::vector<ContainerInfo>& containers) {
    std::printf("Going to remove %s%s", names_of(containers).c_str(), is_terminal(0) ? " (y/N) " : "");
    return answered_yes(is_terminal(0));
}

} // namespace

int run_rm(Globals& globals, const Args& args) {
    RmOptions rm;
    bool force = false;
    Options options(globals, "rm [OPTIONS] [SERVICE...]",
                    "Remove stopped service containers\n\nAnonymous volumes attached to containers stay unless -v is "
                    "given; named volumes always\n"
                    "stay. Any data which is not in a volume will be lost.");
    options
        .ignored("a,all") // without effect in docker compose too
        .flag("f,force", force, "Don't ask to confirm removal")
        .flag("s,stop", rm.stop, "Stop the containers, if required, before removing")
        .flag("v,volumes", rm.volumes, "Remove any anonymous volumes attached to containers")
        .arguments(rm.services);
    if (!options.parse(args)) return 0;
    Context context(globals);
    const ProjectRef project = context.ref(rm.services);
    return context.act([&](Engine& engine) {
        const auto containers = engine.removable(project, rm);
        if (containers.empty()) {
            print_note("No stopped containers\n");
            return;
        }
        if (force && !context.dry_run()) std::printf("Going to remove %s\n", names_of(containers).c_str());
        std::fflush(stdout);
        const bool asks = !force && !context.dry_run();
        if (asks && rm.stop)
            engine.stop(project, {rm.services, {}}, context.stop()); // before the question, as docker does
        if (!asks || confirmed(containers)) engine.rm(project, rm, context.stop());
    });
}

} // namespace davit::cli
