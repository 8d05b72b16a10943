#include "cli/cmd/image.hpp"

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/printable.hpp"
#include "base/sys.hpp"
#include "cli/cmd/copy_ends.hpp"
#include "cli/cmd/pull_told.hpp"
#include "cli/display/display.hpp"
#include "cli/docker_errors.hpp"
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
        .value("platform", platform, "Load only the given platform variant (e.g. \"linux/amd64\")", "strings")
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
    for (const auto& one : loaded) { // with -q too: what it suppresses is progress, of which there is none here

        for (const auto& name : one.references) std::printf("Loaded image: %s\n", printable(name).c_str());
        if (one.references.empty()) std::printf("Loaded image ID: %s\n", printable(one.image.id).c_str());
    }
    return 0;
}

int run_image_import(Globals& globals, const Args& args) {
    std::vector<std::string> words;
    ImportImageOptions import;
    Options options(globals, "image import [OPTIONS] file|URL|- [REPOSITORY[:TAG]]",
                    "Import the files of a tar archive as an image");
    options.list("c,change", import.changes, "Apply Dockerfile instruction to the created image", "list")
        .value("m,message", import.message, "Set commit message for imported image")
        .value("platform", import.platform, "Set platform if server is multi-platform capable")
        .arguments(words, 1); // docker leaves out of account what is too much
    if (!options.parse(args)) return 0;
    if (words.size() >= 2) import.name = words[1];
    if (globals.dry_run) return 0;
    Interrupts interrupts;
    Engine engine = image_engine();
    if (words[0].starts_with("http://") || words[0].starts_with("https://")) {
        std::puts(import_image_from(engine, words[0], import, interrupts.token()).id.c_str());
        return 0;
    }
    const bool piped = words[0] == "-";
    const UniqueFd file = piped ? UniqueFd() : sys::open(words[0], O_RDONLY);
    const image::Image image = import_image(engine, piped ? STDIN_FILENO : file.get(),
                                            piped ? "standard input" : words[0], import, interrupts.token());
    std::puts(image.id.c_str());
    return 0;
}

namespace {

struct Pulled {
    ImageName name;
    std::string digest;
    bool fresh = true;
};

// On a terminal the display has them; in davit's own words they are progress, on standard error.
bool tells_layers(bool quiet) { return !quiet && docker_is_spoken() && ::isatty(STDOUT_FILENO) == 0; }

Pulled pull_shown(Globals& globals, Engine& engine, const std::string& text, PullImageOptions options,
                  LayerLines* lines, std::stop_token stop) {
    Pulled out{parse_image_name(text), {}, true};
    const auto before = find_image(engine, text);
    auto display = make_display(globals);
    options.events = [&](const Event& event) {
        display->on(event);
        if (lines) lines->see(event);
    };
    // The whole name tells which registry was asked.
    const image::Image image = in_context("asking for " + out.name.canonical, [&] {
        try {
            return pull_image(engine, text, options, std::move(stop));
        } catch (const Error& e) {
            throw unresolved(e, out.name);
        }
    });
    display.reset();
    out.digest = digest_of(image, out.name);
    out.fresh = !before || before->id != image.id;
    return out;
}

// As docker: of each tag what has become of it.
int pull_all_tags(Globals& globals, const std::string& repository, const PullImageOptions& options, bool quiet) {
    Interrupts interrupts;
    const std::vector<std::string> tags = repository_tags(repository, interrupts.token());
    const ImageName name = parse_image_name(repository);
    if (tags.empty()) throw error(Errc::not_found, "the repository {} has no tags", name.repository);
    Engine engine = image_engine();
    for (const std::string& tag : tags) {
        const std::string text = name.repository + ":" + tag;
        LayerLines lines(stdout, parse_image_name(text));
        const Pulled one =
            pull_shown(globals, engine, text, options, tells_layers(quiet) ? &lines : nullptr, interrupts.token());
        if (!quiet) lines.end(one.digest, one.fresh);
    }
    std::puts(printable(name.canonical.substr(0, name.canonical.rfind(':'))).c_str());
    return 0;
}

} // namespace

int run_image_pull(Globals& globals, const Args& args) {
    bool quiet = false, all = false;
    std::vector<std::string> names;
    PullImageOptions pull;
    Options options(globals, "image pull [OPTIONS] NAME[:TAG|@DIGEST]", "Download an image from a registry");
    options.flag("a,all-tags", all, "Download all tagged images in the repository")
        .value("platform", pull.platform, "Set platform if server is multi-platform capable")
        .flag("q,quiet", quiet, "Suppress verbose output")
        .ignored("disable-content-trust")
        .arguments(names, 1, 1);
    if (!options.parse(args)) return 0;
    const ImageName name = parse_image_name(names[0]);
    if (globals.dry_run) return 0;
    if (quiet || is_without_progress(globals)) globals.progress = "quiet";
    if (all) return pull_all_tags(globals, names[0], pull, quiet);
    Interrupts interrupts;
    Engine engine = image_engine();
    const bool untagged =
        name.digest.empty() && names[0].find(':', names[0].find_last_of('/') + 1) == std::string::npos;
    if (untagged && !quiet) std::puts("Using default tag: latest");
    std::fflush(stdout);
    LayerLines lines(stdout, name);
    const Pulled pulled =
        pull_shown(globals, engine, names[0], pull, tells_layers(quiet) ? &lines : nullptr, interrupts.token());
    if (!quiet) lines.end(pulled.digest, pulled.fresh);
    std::puts(printable(name.canonical).c_str());
    return 0;
}

int run_image_save(Globals& globals, const Args& args) {
    std::string output, platform;
    std::vector<std::string> names;
    Options options(globals, "image save [OPTIONS] IMAGE [IMAGE...]",
                    "Save one or more images to a tar archive (streamed to STDOUT by default) or an OCI layout");
    options
        .value("o,output", output,
               "Write to a file, or into a directory (a name that ends in / is made), instead of STDOUT")
        .value("platform", platform, "Save only the given platform variant (e.g. \"linux/amd64\")", "strings")
        .arguments(names, 1);
    if (!options.parse(args)) return 0;
    Engine engine = image_engine();
    for (const std::string& name : names) require_image(engine, name, platform);
    if (globals.dry_run) return 0;
    if (output.empty()) {
        if (::isatty(STDOUT_FILENO))
            throw error(Errc::usage, "cowardly refusing to save to a terminal. Use the -o flag or redirect");
        save_images(engine, names, STDOUT_FILENO, platform);
        return 0;
    }
    Interrupts interrupts;
    struct stat st {};
    // docker takes files alone.
    if (docker_is_spoken() && output.ends_with('/')) output += ".";
    else if (output.ends_with('/') ||
             (!docker_is_spoken() && ::stat(output.c_str(), &st) == 0 && S_ISDIR(st.st_mode))) {
        save_image_layout(engine, names, output, platform, interrupts.token());
        return 0;
    }
    check_output_path(output, "failed to save image");
    WholeFile file(output); // 0600, as docker's: images may hold secrets
    save_images(engine, names, file.fd(), platform, interrupts.token());
    file.finish();
    return 0;
}

} // namespace davit::cli
