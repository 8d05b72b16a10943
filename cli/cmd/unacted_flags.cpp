#include "cli/cmd/unacted_flags.hpp"

#include "cli/diagnostics.hpp"

namespace davit::cli {

void warn_of_unacted_flags(const Globals& globals) {
    std::vector<Diagnostic> found;
    auto say = [&](std::string text, std::string hint = {}) {
        found.push_back({Diagnostic::Severity::warning, {}, {}, std::move(text), std::move(hint), {}});
    };
    if (globals.compatibility)
        say("--compatibility has no effect on names: those of containers have '-' between their parts");
    if (globals.all_resources)
        say("--all-resources has an effect on 'config' only: networks and volumes that no service uses are not made");
    print_diagnostics(found, globals.progress == "json");
}

} // namespace davit::cli
