#include "cli/cmd/verbs.hpp"

namespace davit::cli {

std::span<const Verb> verbs() {
    static const Verb table[] = {
        {"config", "Parse, resolve and render the compose file", run_config, VerbGroup::inspect},
        {"image", "Manage images", run_image, VerbGroup::machine},
        {"version", "Show the version of davit", run_version, VerbGroup::inspect},
    };
    return table;
}

} // namespace davit::cli
