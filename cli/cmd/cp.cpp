#include "base/error.hpp"
#include "base/printable.hpp"
#include "cli/cmd/container_files.hpp"
#include "cli/cmd/verbs.hpp"
#include "cli/options.hpp"
#include "cli/terminal.hpp"
#include "davit/files.hpp"

#include <cstdio>
#include <unistd.h>

namespace davit::cli {

namespace {

struct CpFlags {
    bool all = false, archive = false, follow = false;
    int index = 0;
    std::vector<std::string> words;
};

// "SERVICE:PATH"; a path that begins with "." or "/" is never one, whatever colons it holds.
struct End {
    std::string service, path; // service empty: on this machine
    explicit End(const std::string& text) : path(text) {
        const std::size_t colon = text.find(':');
        if (colon == std::string::npos || colon == 0 || text[0] == '.' || text[0] == '/') return;
        service = text.substr(0, colon);
        path = text.substr(colon + 1);
    }
};

CopyOptions copy_options(const CpFlags& flags) {
    auto warn = [](const std::string& text) {
        std::fprintf(stderr, "warning: %s (-a keeps it)\n", printable(text).c_str());
    };
    auto left_out = [](const std::string& text) { std::fprintf(stderr, "warning: %s\n", printable(text).c_str()); };
    return {flags.follow, flags.archive, warn, left_out};
}

void copy_out(Context& context, const CpFlags& flags, const End& from, const End& to) {
    const ContainerInfo container = containers_for_files(context, from.service, flags.index, flags.all).front();
    if (context.dry_run()) return;
    Engine& engine = context.engine();
    if (to.path == "-") read_tar(engine, container, from.path, STDOUT_FILENO, copy_options(flags));
    else copy_from(engine, container, from.path, to.path, copy_options(flags));
}

void copy_in(Context& context, const CpFlags& flags, const End& from, const End& to) {
    auto containers = containers_for_files(context, to.service, flags.index, flags.all);
    if (context.dry_run()) return;
    // Standard input can be read once.
    if (from.path == "-" && containers.size() > 1) containers.resize(1);
    for (const ContainerInfo& container : containers) {
        if (from.path == "-") write_tar(context.engine(), container, to.path, STDIN_FILENO);
        else copy_to(context.engine(), container, from.path, to.path, copy_options(flags));
    }
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
    const End from(flags.words[0]), to(flags.words[1]);
    if (!from.service.empty() && !to.service.empty())
        throw error(Errc::usage, "copying between services is not supported").with_hint("copy to a local file first");
    if (from.service.empty() && to.service.empty())
        throw error(Errc::usage, "unknown copy direction: neither \"{}\" nor \"{}\" names a service", from.path,
                    to.path)
            .with_hint("SERVICE:PATH, as in web:/etc/nginx/nginx.conf");
    if (to.path.empty() || from.path.empty())
        throw error(Errc::usage, "a path is missing").with_hint("SERVICE:PATH, as in web:/tmp");
    if (to.path == "-" && is_terminal(STDOUT_FILENO))
        throw error(Errc::usage, "refusing to write a tar archive to a terminal")
            .with_hint("redirect the output, or give a path instead of -");
    Context context(globals);
    if (from.service.empty()) copy_in(context, flags, from, to);
    else copy_out(context, flags, from, to);
    return 0;
}

} // namespace davit::cli
