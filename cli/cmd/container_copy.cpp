#include "cli/cmd/container_copy.hpp"

#include "base/error.hpp"
#include "base/file.hpp"
#include "cli/cmd/copy_ends.hpp"
#include "cli/context.hpp"
#include "cli/docker_errors.hpp"
#include "cli/options.hpp"
#include "cli/terminal.hpp"
#include "davit/containers.hpp"
#include "davit/files.hpp"
#include "davit/images.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <sys/stat.h>
#include <unistd.h>

namespace davit::cli {

namespace {

// Before the container is looked for, as docker does.
void check_local_source(const CopyEnd& from, const CopyEnd& to) {
    if (to.of.empty() || from.path == "-") return;
    struct stat st {};
    if (::lstat(from.path.c_str(), &st) != 0 && errno == ENOENT)
        throw error(Errc::usage, "lstat {}: no such file or directory", std::filesystem::absolute(from.path).string());
}

// A path of a container without "." and "..", by its words, as docker has it; what it ends with stays.
std::string cleaned(const std::string& path) {
    if (path.find("./") == std::string::npos && path.find("/.") == std::string::npos) return path;
    std::string out = std::filesystem::path("/" + path).lexically_normal().string();
    if (path.ends_with("/.")) out += out.ends_with('/') ? "." : "/.";
    return out;
}

// What docker's engine says of files that cannot be written.
[[noreturn]] void throw_copy_error(const Error& e, const ContainerInfo& container, const std::string& path) {
    if (!docker_is_spoken() || e.os().value() != EROFS) throw e;
    const std::string place = (path.starts_with('/') ? path : "/" + path) + "/";
    const bool mounted = std::any_of(container.mounts.begin(), container.mounts.end(), [&](const AttachedMount& m) {
        return place.starts_with(m.target.ends_with('/') ? m.target : m.target + "/");
    });
    throw error(Errc::denied, "{} is marked read-only", mounted ? "mounted volume" : "container rootfs");
}

} // namespace

int run_container_cp(Globals& globals, const Args& args) {
    bool archive = false, follow = false, quiet = false;
    std::vector<std::string> words;
    Options options(globals,
                    "container cp [OPTIONS] CONTAINER:SRC_PATH DEST_PATH|-\n\t" + globals.program + " " +
                        (globals.docker_word.empty() ? "container cp" : globals.docker_word) +
                        " [OPTIONS] SRC_PATH|- CONTAINER:DEST_PATH",
                    "Copy files/folders between a container and the local filesystem");
    options.flag("a,archive", archive, "Archive mode (copy all uid/gid information)")
        .flag("L,follow-link", follow, "Always follow symbol link in SRC_PATH")
        .flag("q,quiet", quiet, "Suppress warnings of what could not be kept")
        .arguments(words, 2, 2)
        .epilog("'-' as the source is a tar archive on standard input, which is extracted in a directory of the\n"
                "container; '-' as the destination writes one to standard output.");
    if (!options.parse(args)) return 0;
    CopyEnd from(words[0]), to(words[1]);
    for (CopyEnd* end : {&from, &to})
        if (!end->of.empty()) end->path = cleaned(end->path);
    if (!from.of.empty() && !to.of.empty())
        throw error(Errc::usage, "copying between containers is not supported").with_hint("copy to a local file first");
    if (from.of.empty() && to.of.empty())
        throw error(Errc::usage, "must specify at least one container source")
            .with_hint("CONTAINER:PATH, as in web:/etc/hosts");
    if (docker_is_spoken() && !to.of.empty() && to.path.empty()) throw error(Errc::usage, "no such directory");
    if (docker_is_spoken() && !from.of.empty() && from.path.empty())
        throw error(Errc::invalid_project, "bad parameter: path cannot be empty");
    if (docker_is_spoken() && from.of.empty() && from.path.empty()) throw error(Errc::usage, "source can not be empty");
    if (from.path.empty() || to.path.empty()) throw error(Errc::usage, "a path is missing").with_hint("CONTAINER:PATH");
    if (to.of.empty() && to.path == "-" && !docker_is_spoken()) refuse_archive_on_terminal();
    check_local_source(from, to);
    Context context(globals);
    Engine& engine = context.engine();
    const ContainerInfo container = find_container(engine, from.of.empty() ? to.of : from.of);
    if (context.dry_run()) return 0;
    // docker keeps device nodes, and who is called by its name does so, too.
    const CopyOptions how = copy_options(follow, archive || docker_is_spoken(), quiet);
    if (from.of.empty()) {
        try {
            if (from.path == "-") write_tar(engine, container, to.path, STDIN_FILENO);
            else copy_to(engine, container, from.path, to.path, how);
        } catch (const Error& e) {
            throw_copy_error(e, container, to.path);
        }
    } else if (to.path == "-") {
        read_tar(engine, container, from.path, STDOUT_FILENO, how);
    } else {
        copy_from(engine, container, from.path, to.path, how);
    }
    return 0;
}

int run_container_commit(Globals& globals, const Args& args) {
    CommitOptions how;
    bool no_pause = false;
    std::vector<std::string> words;
    Options options(globals, "container commit [OPTIONS] CONTAINER [REPOSITORY[:TAG]]",
                    "Create a new image from a container's changes");
    options.value("a,author", how.author, "Author (e.g., \"John Hannibal Smith <hannibal@a-team.com>\")")
        .list("c,change", how.changes, "Apply Dockerfile instruction to the created image", "list")
        .value("m,message", how.message, "Commit message")
        .flag("no-pause", no_pause, "Disable pausing container during commit")
        .each(
            "p,pause", "",
            [&](const std::string& text) {
                how.pause = text != "false" && text != "0";
                if (docker_is_spoken())
                    std::puts(
                        "Flag --pause has been deprecated, and enabled by default. Use --no-pause to disable pausing "
                        "during commit.");
            },
            "Pause container during commit (default true)")
        .hidden()
        .arguments(words, 1, 2);
    if (!options.parse(args)) return 0;
    if (words.size() == 2) how.name = parse_image_name(words[1]).familiar;
    if (no_pause) how.pause = false;
    Context context(globals);
    context.mute();
    const ContainerInfo container = find_container(context.engine(), words[0]);
    if (context.dry_run()) return 0;
    std::printf("%s\n", commit(context.engine(), container, how, context.stop()).id.c_str());
    return 0;
}

int run_container_export(Globals& globals, const Args& args) {
    std::string output;
    std::vector<std::string> names;
    Options options(globals, "container export [OPTIONS] CONTAINER",
                    "Export a container's filesystem as a tar archive");
    options.value("o,output", output, "Write to a file, instead of STDOUT").arguments(names, 1, 1);
    if (!options.parse(args)) return 0;
    if (output.empty()) refuse_archive_on_terminal();
    Context context(globals);
    const ContainerInfo container = find_container(context.engine(), names[0]);
    if (context.dry_run()) return 0;
    if (output.empty()) {
        export_files(context.engine(), container, STDOUT_FILENO);
        return 0;
    }
    check_output_path(output, "failed to export container");
    WholeFile file(output); // 0600, as docker's: a container may hold secrets
    export_files(context.engine(), container, file.fd(), context.stop());
    file.finish();
    return 0;
}

} // namespace davit::cli
