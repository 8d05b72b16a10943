#include "base/error.hpp"
#include "base/file.hpp"
#include "cli/cmd/container_files.hpp"
#include "cli/cmd/verbs.hpp"
#include "cli/options.hpp"
#include "cli/terminal.hpp"
#include "rootfs/container_root.hpp"
#include "rootfs/tree_reader.hpp"

#include <unistd.h>

namespace davit::cli {

namespace {

void write_tar(const rootfs::ContainerRoot& root, int fd) {
    archive::TarStream tar(archive::to_fd(fd));
    rootfs::ReadOptions contents;
    contents.contents_only = true;
    rootfs::read_tree(root.fd(), ".", "", tar, contents);
    tar.finish();
}

void write_file(const rootfs::ContainerRoot& root, const std::string& path) {
    WholeFile file(path); // 0600, as docker's: a container may hold secrets
    write_tar(root, file.fd());
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
    const auto root = rootfs::ContainerRoot::own_files(spec_of(context, container), container.pid);
    in_context("exporting container " + container.name, [&] {
        if (output.empty()) write_tar(root, STDOUT_FILENO);
        else write_file(root, output);
    });
    return 0;
}

} // namespace davit::cli
