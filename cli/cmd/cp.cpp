#include "base/error.hpp"
#include "cli/cmd/container_files.hpp"
#include "cli/cmd/copy_ends.hpp"
#include "cli/cmd/verbs.hpp"
#include "cli/options.hpp"
#include "davit/files.hpp"

#include <unistd.h>

namespace davit::cli {

namespace {

struct CpFlags {
    bool all = false, archive = false, follow = false;
    int index = 0;
    std::vector<std::string> words;
};

FileWords copying(const std::string& what) { return {"Copying", "Copied", what}; }

void copy_out(Context& context, const CpFlags& flags, const CopyEnd& from, const CopyEnd& to) {
    const ContainerInfo container = containers_for_files(context, from.of, flags.index, flags.all).front();
    told_of(context, container, copying(container.name + ":" + from.path + " to " + to.path), [&](FileWords&) {
        const auto how = copy_options(flags.follow, flags.archive);
        if (to.path == "-") read_tar(context.engine(), container, from.path, STDOUT_FILENO, how);
        else copy_from(context.engine(), container, from.path, to.path, how);
    });
}

void copy_in(Context& context, const CpFlags& flags, const CopyEnd& from, const CopyEnd& to) {
    auto containers = containers_for_files(context, to.of, flags.index, flags.all);
    // Standard input can be read once.
    if (from.path == "-" && containers.size() > 1) containers.resize(1);
    for (const ContainerInfo& container : containers)
        told_of(context, container, copying(from.path + " to " + container.name + ":" + to.path), [&](FileWords&) {
            if (from.path == "-") write_tar(context.engine(), container, to.path, STDIN_FILENO);
            else copy_to(context.engine(), container, from.path, to.path, copy_options(flags.follow, flags.archive));
        });
}

} // namespace

int run_cp(Globals& globals, const Args& args) {
    CpFlags flags;
    Options options(globals,
                    "cp [OPTIONS] SERVICE:SRC_PATH DEST_PATH|-\n\tdavit cp [OPTIONS] SRC_PATH|- SERVICE:DEST_PATH",
                    "Copy files/folders between a service container and the local filesystem");
    options.flag("all", flags.all, "Include containers created by the run command")
        .flag("a,archive", flags.archive,
              "Archive mode (copy all uid/gid information). What goes into a container always has it; what comes out "
              "keeps device nodes, setuid and setgid bits")
        .flag("L,follow-link", flags.follow, "Always follow symbol link in SRC_PATH")
        .value("index", flags.index, "Index of the container if service has multiple replicas")
        .arguments(flags.words, 2, 2);
    if (!options.parse(args)) return 0;
    const CopyEnd from(flags.words[0]), to(flags.words[1]);
    if (!from.of.empty() && !to.of.empty())
        throw error(Errc::usage, "copying between services is not supported").with_hint("copy to a local file first");
    if (from.of.empty() && to.of.empty())
        throw error(Errc::usage, "unknown copy direction: neither \"{}\" nor \"{}\" names a service", from.path,
                    to.path)
            .with_hint("SERVICE:PATH, as in web:/etc/nginx/nginx.conf");
    if (to.path.empty() || from.path.empty())
        throw error(Errc::usage, "a path is missing").with_hint("SERVICE:PATH, as in web:/tmp");
    if (to.path == "-") refuse_archive_on_terminal();
    Context context(globals);
    if (from.of.empty()) copy_in(context, flags, from, to);
    else copy_out(context, flags, from, to);
    return 0;
}

} // namespace davit::cli
