#include "base/error.hpp"
#include "cli/cmd/service_act.hpp"
#include "davit/services.hpp"
#include "davit/swarm_look.hpp"
#include "davit/swarm_objects.hpp"

#include <cstdio>

namespace davit::cli {

int run_service_rm(Globals& globals, const Args& args) {
    std::vector<std::string> names;
    Options options(globals, "service rm SERVICE [SERVICE...]", "Remove one or more services");
    options.arguments(names, 1);
    if (!options.parse(args)) return 0;
    Context context(globals);
    context.mute();
    Swarm swarm(context.engine_options());
    ErrorList errors;
    for (const std::string& name : names)
        errors.run([&] {
            const swarm::Service service = service_to_change(context.engine(), name);
            if (!context.dry_run()) swarm.remove_service(service.id);
            std::printf("%s\n", name.c_str());
        });
    if (!context.dry_run()) swarm::release_swarm(context.engine());
    errors.throw_if_any();
    return 0;
}

} // namespace davit::cli
