#include "base/error.hpp"
#include "base/file.hpp"
#include "cli/cmd/container_files.hpp"
#include "cli/cmd/verbs.hpp"
#include "cli/options.hpp"
#include "cli/terminal.hpp"
#include "davit/files.hpp"

#include <unistd.h>

namespace davit::cli {

namespace {

void export_to(Engine& engine, const ContainerInfo& container, const std::string& path) {
    WholeFile file(path); // 0600, as docker's: a container may hold secrets
    export_files(engine, container, file.fd());
    file.finish();
}

} // namespace

int run_export(Globals& globals, const Args& args) {
    std::string output;
    int index = 0;
    std::vector<std::string> words;
    Options options(globals, "export [OPTIONS] SERVICE", "Export a service container's filesystem as a tar archive");
    options.value("index", index, "Index of the container if service has multiple replicas")
        .value("o,output", output, "Write to a file, instead of STDOUT")
        .arguments(words, 1, 1);
    if (!options.parse(args)) return 0;
    if (output.empty() && is_terminal(STDOUT_FILENO))
        throw error(Errc::usage, "output option is required when exporting to terminal")
            .with_hint("-o FILE, or redirect the output");
    Context context(globals);
    const ContainerInfo container = containers_for_files(context, words[0], index).front();
    if (context.dry_run()) return 0;
    if (output.empty()) export_files(context.engine(), container, STDOUT_FILENO);
    else export_to(context.engine(), container, output);
    return 0;
}

} // namespace davit::cli
