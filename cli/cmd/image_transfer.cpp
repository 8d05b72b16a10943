#include "cli/cmd/image.hpp"

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/printable.hpp"
#include "base/sys.hpp"
#include "cli/display/display.hpp"
#include "cli/interrupts.hpp"
#include "cli/options.hpp"

#include <cstdio>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace davit::cli {

int run_image_load(Globals& globals, const Args& args) {
    std::string input, platform;
    bool quiet = false;
    Options options(globals, "image load [OPTIONS]",
                    "Load images from a tar archive, an OCI layout directory or standard input");
    options.value("i,input", input, "Read from a tar (plain, gzip, zstd) or an OCI layout directory, instead of STDIN")
        .value("platform", platform, "Load only the given platform variant (e.g. \"linux/amd64\")")
        .flag("q,quiet", quiet, "Suppress the load output");
    if (!options.parse(args)) return 0;
    if (input.empty() && ::isatty(STDIN_FILENO))
        throw error(Errc::usage, "requested load from stdin, but stdin is empty").with_hint("name the archive with -i");
    if (globals.dry_run) return 0;
    Interrupts interrupts;
    Engine engine = image_engine();
    const auto loaded = input.empty()
                            ? load_images(engine, STDIN_FILENO, "standard input", platform, interrupts.token())
                            : load_images(engine, input, platform, interrupts.token());
    if (quiet) return 0;
    for (const auto& one : loaded) {
        for (const auto& name : one.references) std::printf("Loaded image: %s\n", printable(name).c_str());
        if (one.references.empty()) std::printf("Loaded image ID: %s\n", printable(one.image.id).c_str());
    }
    return 0;
}

int run_image_import(Globals& globals, const Args& args) {
    std::vector<std::string> words;
    ImportImageOptions import;
    Options options(globals, "image import [OPTIONS] FILE|- [REPOSITORY[:TAG]]",
                    "Import the files of a tar archive as an image");
    options.list("c,change", import.changes, "Apply Dockerfile instruction to the created image", "list")
        .value("m,message", import.message, "Set commit message for imported image")
        .value("platform", import.platform, "Set platform if server is multi-platform capable")
        .arguments(words, 1, 2);
    if (!options.parse(args)) return 0;
    if (words.size() == 2) import.name = words[1];
    if (globals.dry_run) return 0;
    Engine engine = image_engine();
    const bool piped = words[0] == "-";
    const UniqueFd file = piped ? UniqueFd() : sys::open(words[0], O_RDONLY);
    const image::Image image =
        import_image(engine, piped ? STDIN_FILENO : file.get(), piped ? "standard input" : words[0], import);
    std::puts(image.id.c_str());
    return 0;
}

int run_image_pull(Globals& globals, const Args& args) {
    bool quiet = false;
    std::vector<std::string> names;
    PullImageOptions pull;
    Options options(globals, "image pull [OPTIONS] NAME[:TAG|@DIGEST]", "Download an image from a registry");
    options.value("platform", pull.platform, "Set platform if server is multi-platform capable")
        .flag("q,quiet", quiet, "Suppress verbose output")
        .arguments(names, 1, 1);
    if (!options.parse(args)) return 0;
    const ImageName name = parse_image_name(names[0]);
    if (globals.dry_run) return 0;
    Interrupts interrupts;
    Engine engine = image_engine();
    if (quiet) globals.progress = "quiet";
    auto display = make_display(globals);
    pull.events = [&](const Event& event) { display->on(event); };
    pull_image(engine, names[0], pull, interrupts.token());
    display.reset();
    std::puts(printable(name.canonical).c_str());
    return 0;
}

int run_image_save(Globals& globals, const Args& args) {
    std::string output;
    std::vector<std::string> names;
    Options options(globals, "image save [OPTIONS] IMAGE [IMAGE...]",
                    "Save one or more images to a tar archive (streamed to STDOUT by default) or an OCI layout");
    options
        .value("o,output", output,
               "Write to a file, or into a directory (a name that ends in / is made), instead of STDOUT")
        .arguments(names, 1);
    if (!options.parse(args)) return 0;
    Engine engine = image_engine();
    if (globals.dry_run) return 0;
    if (output.empty()) {
        if (::isatty(STDOUT_FILENO))
            throw error(Errc::usage, "cowardly refusing to save to a terminal. Use the -o flag or redirect");
        save_images(engine, names, STDOUT_FILENO);
        return 0;
    }
    struct stat st {};
    if (output.ends_with('/') || (::stat(output.c_str(), &st) == 0 && S_ISDIR(st.st_mode))) {
        save_image_layout(engine, names, output);
        return 0;
    }
    WholeFile file(output); // 0600, as docker's: images may hold secrets
    save_images(engine, names, file.fd());
    file.finish();
    return 0;
}

} // namespace davit::cli
