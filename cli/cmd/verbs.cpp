#include "cli/cmd/verbs.hpp"

namespace davit::cli {

std::span<const Verb> verbs() {
    static const Verb table[] = {
        {"version", "Show the version of davit", run_version, VerbGroup::inspect},
    };
    return table;
}

} // namespace davit::cli
