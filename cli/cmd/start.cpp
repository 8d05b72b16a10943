#include "cli/cmd/verbs.hpp"
#include "cli/context.hpp"
#include "cli/logs/last_words.hpp"
#include "cli/options.hpp"

namespace davit::cli {

int run_start(Globals& globals, const Args& args) {
    StartOptions start;
    int wait_timeout = 0;
    Options options(globals, "start [OPTIONS] [SERVICE...]", "Start the containers of services");
    options.flag("wait", start.wait, "Wait for services to be running|healthy. Implies detached mode.")
        .value("wait-timeout", wait_timeout,
               "Maximum duration in seconds to wait for the project to be running|healthy")
        .arguments(start.services);
    if (!options.parse(args)) return 0;
    start.wait_timeout = std::chrono::seconds(wait_timeout);
    Context context(globals);
    const ProjectRef project = context.ref(start.services);
    UnmetConditions unmet;
    context.also_to([&](const Event& event) { unmet.see(event); });
    try {
        return context.act([&](Engine& engine) { engine.start(project, start, context.stop()); });
    } catch (const Error&) {
        context.mute();
        unmet.tell(context.engine(), project.name);
        throw;
    }
}

} // namespace davit::cli
