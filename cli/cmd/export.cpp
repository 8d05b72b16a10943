#include "base/error.hpp"
#include "base/file.hpp"
#include "cli/cmd/container_files.hpp"
#include "cli/cmd/copy_ends.hpp"
#include "cli/cmd/export_project.hpp"
#include "cli/cmd/verbs.hpp"
#include "cli/options.hpp"
#include "davit/files.hpp"

#include <unistd.h>

namespace davit::cli {

namespace {

void export_to(Context& context, const ContainerInfo& container, const std::string& path) {
    WholeFile file(path); // 0600, as docker's: a container may hold secrets
    export_files(context.engine(), container, file.fd(), context.stop());
    file.finish();
}

} // namespace

int run_export(Globals& globals, const Args& args) {
    ExportFlags flags;
    int index = 0;
    Options options(globals, "export [OPTIONS] [SERVICE...]",
                    "Export a container's file system, or with --to the project for another engine");
    options.value("format", flags.format, "Values: [taskdef | cli | cloudformation | terraform], with --to ecs")
        .value("index", index, "Index of the container if service has multiple replicas")
        .value("layout", flags.layout,
               "A task definition for each service, or one for all: [service | task], with --to ecs")
        .value("o,output", flags.output, "Write to a file, or a directory, instead of STDOUT")
        .value("registry", flags.registry, "Where the images of services with a build will be, with --to")
        .value("report", flags.report, "What became of each key, with --to. Values: [text | all | json | none]")
        .flag("strict", flags.strict, "Write nothing when a key would be dropped, with --to")
        .value("to", flags.to, "Write the project's files for an engine. Values: [swarm | systemd | kubernetes | ecs]")
        .flag("with-vpc", flags.with_vpc, "Also a template of a VPC, with --to ecs --format cloudformation")
        .arguments(flags.services);
    options.epilog("Without --to, one SERVICE: its container's file system, as a tar archive.");
    if (!options.parse(args)) return 0;
    if (!flags.to.empty()) return export_project_files(globals, flags);
    if (flags.services.size() != 1)
        throw error(Errc::usage, "export takes one SERVICE, whose container's file system it writes")
            .with_hint("davit export SERVICE -o FILE, or davit export --to swarm -o stack.yaml for the project");
    if (flags.output.empty()) refuse_archive_on_terminal();
    Context context(globals);
    const ContainerInfo container = containers_for_files(context, flags.services[0], index).front();
    told_of(context, container, {"Exporting", "Exported", ""}, [&](FileWords&) {
        if (flags.output.empty()) export_files(context.engine(), container, STDOUT_FILENO);
        else export_to(context, container, flags.output);
    });
    return 0;
}

} // namespace davit::cli
