#include "cli/cmd/common.hpp"
#include "cli/cmd/verbs.hpp"
#include "cli/context.hpp"

namespace davit::cli {

int run_scale(Globals& globals, const Args& args) {
    std::vector<std::string> words, services;
    bool no_deps = false;
    Options options(globals, "scale [OPTIONS] SERVICE=REPLICAS...", "Set how many containers services have");
    options.flag("no-deps", no_deps, "Don't start linked services").arguments(words, 1);
    if (!options.parse(args)) return 0;
    std::map<std::string, int> scale;
    for (const std::string& word : words) {
        add_scale(scale, word);
        services.push_back(word.substr(0, word.find('=')));
    }
    Context context(globals);
    const Project& project = context.project(services);
    return context.act([&](Engine& engine) { engine.scale(project, scale, no_deps, context.stop()); });
}

} // namespace davit::cli
