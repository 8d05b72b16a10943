#include "cli/cmd/unacted_flags.hpp"

#include "cli/diagnostics.hpp"

namespace davit::cli {

namespace {

std::string names_of_built(const Project& project, const std::vector<std::string>& services) {
    std::string names;
    for (const auto& [name, service] : select_services(project, services).services)
        if (service.build) names += (names.empty() ? "" : ", ") + name;
    return names;
}

} // namespace

void warn_of_unacted_flags(const Globals& globals, const Project& project, bool build,
                           const std::vector<std::string>& services) {
    std::vector<Diagnostic> found;
    auto say = [&](std::string text, std::string hint = {}) {
        found.push_back({Diagnostic::Severity::warning, {}, {}, std::move(text), std::move(hint), {}});
    };
    if (const std::string names = build ? names_of_built(project, services) : std::string(); !names.empty())
        say("--build has no effect: davit builds no images, and uses those that are there for " + names,
            "build them elsewhere and load them: davit image load -i FILE");
    if (globals.compatibility)
        say("--compatibility has no effect on names: those of containers have '-' between their parts");
    if (globals.all_resources)
        say("--all-resources has an effect on 'config' only: networks and volumes that no service uses are not made");
    print_diagnostics(found, globals.progress == "json");
}

} // namespace davit::cli
