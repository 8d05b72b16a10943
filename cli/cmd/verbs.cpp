#include "cli/cmd/verbs.hpp"

namespace davit::cli {

std::span<const Verb> verbs() {
    static const Verb table[] = {
        {"version", "Show the version", run_version},
    };
    return table;
}

} // namespace davit::cli
