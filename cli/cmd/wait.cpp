#include "base/error.hpp"
#include "cli/cmd/verbs.hpp"
#include "cli/context.hpp"
#include "cli/options.hpp"

#include <cstdio>

namespace davit::cli {

int run_wait(Globals& globals, const Args& args) {
    bool down = false;
    std::vector<std::string> services;
    Options options(globals, "wait [OPTIONS] SERVICE [SERVICE...]",
                    "Block until containers of all (or specified) services stop");
    options.flag("down-project", down, "Drops project when the first container stops").arguments(services, 1);
    if (!options.parse(args)) return 0;
    Context context(globals);
    const ProjectRef project = context.ref();
    const auto containers = containers_of(context, {services, false, false, 0});
    if (containers.empty()) throw error(Errc::not_found, "no containers for project \"{}\"", project.name);
    if (context.dry_run()) return 0;
    std::vector<std::string> ids;
    for (const ContainerInfo& c : containers) ids.push_back(c.id);
    int code = 0;
    std::stop_source enough;
    std::stop_callback interrupted(context.stop(), [&] { enough.request_stop(); });
    try {
        context.engine().wait(
            project.name, ids,
            [&](const ExitResult& result) {
                code = result.exit_code;
                std::printf("container \"%s\" exited with status code %d\n", result.container.id.c_str(),
                            result.exit_code);
                std::fflush(stdout);
                if (down) enough.request_stop();
            },
            enough.get_token());
    } catch (const Error& e) {
        if (e.kind() != Errc::interrupted || !enough.stop_requested()) throw;
    }
    if (context.interrupts().requested()) return 130;
    if (down) context.engine().down(project, {}, context.stop());
    return code;
}

} // namespace davit::cli
