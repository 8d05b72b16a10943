#include "cli/cmd/common.hpp"

#include "base/error.hpp"

#include <charconv>

namespace davit::cli {

Timeout timeout_of(const std::optional<int>& seconds) {
    if (!seconds) return std::nullopt;
    return std::chrono::seconds(*seconds);
}

PullMode pull_mode(const std::string& value) {
    if (value.empty() || value == "policy" || value == "build") return PullMode::by_service;
    if (value == "always") return PullMode::always;
    if (value == "missing" || value == "if_not_present") return PullMode::missing;
    if (value == "never") return PullMode::never;
    throw error(Errc::usage, "invalid --pull option \"{}\"", value).with_hint("one of always, missing, never, policy");
}

void add_scale(std::map<std::string, int>& scale, const std::string& text) {
    const std::size_t equals = text.find('=');
    int number = 0;
    const char* end = text.data() + text.size();
    const bool right = equals != std::string::npos && equals > 0 &&
                       std::from_chars(text.data() + equals + 1, end, number).ptr == end && equals + 1 < text.size();
    if (!right || number < 0)
        throw error(Errc::usage, "invalid scale specifier \"{}\"", text).with_hint("SERVICE=NUM, as in web=3");
    scale[text.substr(0, equals)] = number;
}

void CreateFlags::add_to(Options& o) {
    o.flag("build", build, "Build images before starting containers")
        .flag("force-recreate", force_recreate,
              "Recreate containers even if their configuration and image haven't changed")
        .flag("no-build", options.no_build, "Don't build an image, even if it's policy")
        .flag("no-recreate", no_recreate,
              "If containers already exist, don't recreate them. Incompatible with --force-recreate.")
        .value("pull", pull, "Pull image before running (\"always\"|\"missing\"|\"never\") (default \"policy\")")
        .flag("quiet-pull", options.quiet_pull, "Pull without printing progress information")
        .flag("remove-orphans", options.remove_orphans,
              "Remove containers for services not defined in the Compose file")
        .each(
            "scale", "scale", [this](const std::string& text) { add_scale(options.scale, text); },
            "Scale SERVICE to NUM instances. Overrides the scale setting in the Compose file if present.")
        .flag("y,yes", assume_yes, "Assume \"yes\" as answer to all prompts and run non-interactively");
}

void CreateFlags::check_and_apply() {
    if (build && options.no_build) throw error(Errc::usage, "--build and --no-build are incompatible");
    if (force_recreate && no_recreate) throw error(Errc::usage, "--force-recreate and --no-recreate are incompatible");
    if (options.renew_anonymous_volumes && no_recreate)
        throw error(Errc::usage, "--no-recreate and --renew-anon-volumes are incompatible");
    if (always_recreate_deps && no_recreate)
        throw error(Errc::usage, "--always-recreate-deps and --no-recreate are incompatible");
    // Fresh anonymous volumes need fresh containers.
    if (force_recreate || options.renew_anonymous_volumes) options.recreate = Recreate::always;
    if (no_recreate) options.recreate = options.recreate_dependencies = Recreate::never;
    // Without named services everything is named: dependencies are recreated with the rest.
    if (always_recreate_deps || (options.recreate == Recreate::always && options.services.empty()))
        options.recreate_dependencies = Recreate::always;
    options.pull = pull_mode(pull);
    options.build = build || pull == "build";
    options.timeout = timeout_of(timeout);
    options.recreate_volumes = assume_yes;
    options.remove_orphans = options.remove_orphans || env_flag("COMPOSE_REMOVE_ORPHANS");
    options.ignore_orphans = env_flag("COMPOSE_IGNORE_ORPHANS");
}

} // namespace davit::cli
