#include "cli/cmd/verbs.hpp"
#include "cli/options.hpp"

#include "base/error.hpp"
#include "davit/version.hpp"

#include <cstdio>

namespace davit::cli {

int run_version(Globals& globals, const Args& args) {
    std::string format;
    bool short_form = false;
    Options options(globals, "version [OPTIONS]", "Show the version of davit");
    options.value("f,format", format, "Format the output. Values: [pretty | json]. (Default: pretty)")
        .flag("short", short_form, "Shows only the version number");
    if (!options.parse(args)) return 0;
    if (!format.empty() && format != "pretty" && format != "json")
        throw error(Errc::usage, "unknown format \"{}\"", format).with_hint("pretty or json");
    if (short_form) std::puts(DAVIT_VERSION);
    else if (format == "json") std::puts("{\"version\":\"" DAVIT_VERSION "\"}");
    else std::puts("davit version " DAVIT_VERSION);
    return 0;
}

} // namespace davit::cli
