#include "cli/cmd/image.hpp"

#include "base/error.hpp"
#include "base/printable.hpp"
#include "base/sys.hpp"
#include "cli/cmd/verbs.hpp"
#include "cli/confirm.hpp"
#include "cli/docker_errors.hpp"
#include "cli/filters.hpp"
#include "cli/format/size.hpp"
#include "cli/format/time.hpp"
#include "cli/options.hpp"
#include "cli/privileges.hpp"

#include <algorithm>
#include <cstdio>
#include <unistd.h>

namespace davit::cli {

Engine image_engine() {
    require_root();
    return Engine();
}

void print_pruned(const PrunedImages& pruned) {
    if (pruned.untagged.empty() && pruned.deleted.empty()) return;
    std::puts("Deleted Images:");
    for (const auto& name : pruned.untagged) std::printf("untagged: %s\n", printable(name).c_str());
    for (const auto& id : pruned.deleted) std::printf("deleted: %s\n", printable(id).c_str());
    std::puts("");
}

namespace {

int run_tag(Globals& globals, const Args& args) {
    std::vector<std::string> names;
    Options options(globals, "image tag SOURCE_IMAGE[:TAG] TARGET_IMAGE[:TAG]",
                    "Create a tag TARGET_IMAGE that refers to SOURCE_IMAGE");
    options.arguments(names, 2, 2);
    if (!options.parse(args)) return 0;
    Engine engine = image_engine();
    for (const std::string& name : names) try {
            if (!name.starts_with("sha256:")) parse_image_name(name);
        } catch (const Error& e) {
            if (e.kind() != Errc::usage) throw;
            throw error(Errc::usage, "error parsing reference: \"{}\" is not a valid repository/tag: {}", name,
                        e.what())
                .with_hint(e.hint());
        }
    if (globals.dry_run) require_image(engine, names[0]);
    else tag_image(engine, names[0], names[1]);
    return 0;
}

void print(const RemovedImages& removed) {
    for (const auto& name : removed.untagged) std::printf("Untagged: %s\n", printable(name).c_str());
    for (const auto& id : removed.deleted) std::printf("Deleted: %s\n", printable(id).c_str());
    std::fflush(stdout);
}

int run_image_rm(Globals& globals, const Args& args) {
    std::vector<std::string> names;
    RemoveImageOptions remove;
    Options options(globals, "image rm [OPTIONS] IMAGE [IMAGE...]", "Remove one or more images");
    options.flag("f,force", remove.force, "Force removal of the image")
        .flag("no-prune", remove.no_prune, "Keep layers and blobs until the next prune")
        .value("platform", remove.platform, "Remove only the given platform variant", "strings")
        .arguments(names, 1);
    if (!options.parse(args)) return 0;
    Engine engine = image_engine();
    int code = 0;
    for (const auto& name : names) {
        try {
            if (globals.dry_run)
                std::printf("Would remove: %s\n", require_image(engine, name, remove.platform).id.c_str());
            else print(remove_image(engine, name, remove));
        } catch (const Error& e) {
            const bool gone = e.kind() == Errc::not_found && remove.force;
            if (!gone || docker_is_spoken()) report_exception(); // docker tells it, and calls it a success
            if (!gone) code = 1;
        }
    }
    empty_image_trash(engine);
    return code;
}

PruneImageOptions prune_options(Engine& engine, bool all, const Filters& filters) {
    PruneImageOptions out;
    out.all = all || filters.truth("dangling") == std::optional(false);
    const std::vector<std::int64_t> limits = filters.times("invalid value for 'until' filter: ");
    out.filter = [&engine, &filters, limits](const image::Image& i) {
        const std::int64_t created = limits.empty() ? 0 : came_at(engine, i);
        return std::all_of(limits.begin(), limits.end(), [&](std::int64_t limit) { return created < limit; }) &&
               filters.labels("label", i.config.labels) && filters.unlabelled("label!", i.config.labels);
    };
    return out;
}

int run_prune(Globals& globals, const Args& args) {
    bool all = false, force = false;
    Filters filters;
    Options options(globals, "image prune [OPTIONS]", "Remove unused images");
    filters.add_long_to(options, "until=TIME, label=KEY[=VALUE], label!=KEY[=VALUE], dangling=true|false");
    options.flag("a,all", all, "Remove all unused images, not just dangling ones")
        .flag("f,force", force, "Do not prompt for confirmation");
    if (!options.parse(args)) return 0;
    filters.check();
    Engine engine = image_engine();
    const PruneImageOptions prune = prune_options(engine, all, filters);
    if (!force && !globals.dry_run &&
        !confirmed(prune.all ? "WARNING! This will remove all images without at least one container associated to them."
                             : "WARNING! This will remove all dangling images."))
        return 0;
    if (globals.dry_run) {
        for (const auto& image : prunable_images(engine, prune)) std::printf("Would remove: %s\n", image.id.c_str());
        return 0;
    }
    const PrunedImages pruned = prune_images(engine, prune);
    print_pruned(pruned);
    std::printf("Total reclaimed space: %s\n", human_size(static_cast<double>(pruned.bytes)).c_str());
    std::fflush(stdout);
    empty_image_trash(engine);
    return 0;
}

} // namespace

int run_image(Globals& globals, const Args& args) {
    static const Verb verbs[] = {
        {"build", "Build an image from a Dockerfile", run_image_build},
        {"history", "Show the history of an image", run_image_history},
        {"import", "Import the files of a tar archive as an image", run_image_import},
        {"inspect", "Display detailed information on one or more images", run_image_inspect},
        {"load", "Load images from a tar archive, an OCI layout or standard input", run_image_load},
        {"ls", "List images", run_image_ls, VerbGroup::inspect, "list"},
        {"prune", "Remove unused images", run_prune},
        {"pull", "Download an image from a registry", run_image_pull},
        {"push", "Upload an image to a registry", run_image_push},
        {"rm", "Remove one or more images", run_image_rm, VerbGroup::project, "remove"},
        {"save", "Save one or more images to a tar archive or an OCI layout", run_image_save},
        {"tag", "Create a tag that refers to an image", run_tag},
    };
    return run_group(globals, args, "image", "Manage images", verbs);
}

} // namespace davit::cli
