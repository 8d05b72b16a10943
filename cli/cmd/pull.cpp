#include "base/error.hpp"
#include "cli/cmd/verbs.hpp"
#include "cli/context.hpp"
#include "cli/options.hpp"

namespace davit::cli {

namespace {

PullMode policy_of(const std::string& text) {
    if (text.empty()) return PullMode::by_service;
    if (text == "always") return PullMode::always;
    if (text == "missing") return PullMode::missing;
    throw error(Errc::usage, "unsupported --policy value \"{}\"", text).with_hint("missing or always");
}

} // namespace

int run_pull(Globals& globals, const Args& args) {
    PullOptions pull;
    std::string policy;
    bool no_parallel = false;
    Options options(globals, "pull [OPTIONS] [SERVICE...]", "Pull service images");
    options.flag("ignore-buildable", pull.ignore_buildable, "Ignore images that can be built")
        .flag("ignore-pull-failures", pull.ignore_failures,
              "Pull what can be pulled and ignore images with pull failures")
        .flag("include-deps", pull.include_dependencies, "Also pull services declared as dependencies")
        .flag("no-parallel", no_parallel, "Pull one image after the other")
        .hidden()
        .ignored("parallel") // as it is
        .value("policy", policy, "Apply pull policy (\"missing\"|\"always\")")
        .flag("q,quiet", pull.quiet, "Pull without printing progress information")
        .arguments(pull.services);
    if (!options.parse(args)) return 0;
    pull.policy = policy_of(policy);
    if (no_parallel) globals.parallel = 1;
    Context context(globals);
    const Project& project = context.project(pull.services);
    if (pull.quiet) context.mute();
    return context.act([&](Engine& engine) { engine.pull(project, pull, context.stop()); });
}

} // namespace davit::cli
