#include "cli/cmd/verbs.hpp"

#include <CLI/CLI.hpp>
#include <cstdio>

namespace davit::cli {

int run_version(Globals&, const Args& args) {
    CLI::App app("Show the version", "davit version");
    std::string format = "pretty";
    bool short_form = false;
    app.add_option("-f,--format", format, "Format the output: pretty or json")->check(CLI::IsMember({"pretty", "json"}));
    app.add_flag("--short", short_form, "Shows only the version number");
    try {
        app.parse(std::vector<std::string>(args.rbegin(), args.rend()));
    } catch (const CLI::ParseError& e) {
        return app.exit(e);
    }
    if (short_form) std::printf("%s\n", DAVIT_VERSION);
    else if (format == "json") std::printf("{\"version\":\"%s\"}\n", DAVIT_VERSION);
    else std::printf("davit version %s\n", DAVIT_VERSION);
    return 0;
}

} // namespace davit::cli
