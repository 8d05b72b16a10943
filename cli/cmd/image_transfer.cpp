#include "cli/cmd/image.hpp"

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/printable.hpp"
#include "base/sys.hpp"
#include "cli/display/display.hpp"
#include "cli/interrupts.hpp"
#include "cli/options.hpp"
#include "image/archive.hpp"
#include "image/pull.hpp"

#include <cstdio>
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
    image::Store store = open_image_store();
    image::LoadOptions load{platform, interrupts.token()};
    const auto loaded =
        input.empty() ? image::load(store, STDIN_FILENO, "standard input", load) : image::load(store, input, load);
    if (quiet) return 0;
    for (const auto& one : loaded) {
        for (const auto& name : one.references) std::printf("Loaded image: %s\n", printable(name).c_str());
        if (one.references.empty()) std::printf("Loaded image ID: %s\n", printable(one.image.id).c_str());
    }
    return 0;
}

namespace {

Event pull_event(EventKind kind, const std::string& name) {
    Event out;
    out.kind = kind;
    out.time_ns = sys::realtime_ns();
    out.op = OpKind::pull_image;
    out.resource = "image:" + name;
    return out;
}

image::Image pull_shown(image::Store& store, const registry::Reference& reference, image::PullOptions& options,
                        Display& display) {
    const std::string name = reference.familiar();
    image::PullTotals totals;
    options.warning = [&](const std::string& text) {
        Event event = pull_event(EventKind::warning, name);
        event.text = text;
        display.on(event);
    };
    options.progress = [&](const image::PullProgress& progress) {
        totals.add(progress);
        Event event = pull_event(EventKind::operation_progress, name);
        event.text = totals.text();
        event.current = totals.current();
        event.total = totals.total();
        display.on(event);
    };
    display.on(pull_event(EventKind::operation_started, name));
    try {
        image::Image image = image::pull(store, reference, options);
        display.on(pull_event(EventKind::operation_done, name));
        return image;
    } catch (const Error& e) {
        Event event = pull_event(EventKind::operation_failed, name);
        event.text = e.what();
        display.on(event);
        throw;
    }
}

} // namespace

int run_image_pull(Globals& globals, const Args& args) {
    bool quiet = false;
    std::vector<std::string> names;
    image::PullOptions pull;
    Options options(globals, "image pull [OPTIONS] NAME[:TAG|@DIGEST]", "Download an image from a registry");
    options.value("platform", pull.platform, "Set platform if server is multi-platform capable")
        .flag("q,quiet", quiet, "Suppress verbose output")
        .arguments(names, 1, 1);
    if (!options.parse(args)) return 0;
    auto reference = registry::Reference::parse(names[0]);
    if (globals.dry_run) return 0;
    read_daemon_config(pull);
    Interrupts interrupts;
    pull.stop = interrupts.token();
    image::Store store = open_image_store();
    if (quiet) globals.progress = "quiet";
    auto display = make_display(globals);
    pull_shown(store, reference, pull, *display);
    display.reset();
    std::puts(printable(reference.canonical()).c_str());
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
    image::Store store = open_image_store();
    if (globals.dry_run) return 0;
    if (output.empty()) {
        if (::isatty(STDOUT_FILENO))
            throw error(Errc::usage, "cowardly refusing to save to a terminal. Use the -o flag or redirect");
        image::save(store, names, STDOUT_FILENO);
        return 0;
    }
    struct stat st {};
    if (output.ends_with('/') || (::stat(output.c_str(), &st) == 0 && S_ISDIR(st.st_mode))) {
        image::save_layout(store, names, output);
        return 0;
    }
    WholeFile file(output); // 0600, as docker's: images may hold secrets
    image::save(store, names, file.fd());
    file.finish();
    return 0;
}

} // namespace davit::cli
