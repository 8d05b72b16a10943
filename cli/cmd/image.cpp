#include "cli/cmd/image.hpp"

#include "base/error.hpp"
#include "base/printable.hpp"
#include "base/sys.hpp"
#include "cli/cmd/verbs.hpp"
#include "cli/format/size.hpp"
#include "cli/format/time.hpp"
#include "cli/options.hpp"
#include "cli/privileges.hpp"

#include <cstdio>
#include <iostream>
#include <unistd.h>

namespace davit::cli {

Engine image_engine() {
    require_root();
    return Engine();
}

namespace {

int run_tag(Globals& globals, const Args& args) {
    std::vector<std::string> names;
    Options options(globals, "image tag SOURCE_IMAGE[:TAG] TARGET_IMAGE[:TAG]",
                    "Create a tag TARGET_IMAGE that refers to SOURCE_IMAGE");
    options.arguments(names, 2, 2);
    if (!options.parse(args)) return 0;
    Engine engine = image_engine();
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
        .arguments(names, 1);
    if (!options.parse(args)) return 0;
    Engine engine = image_engine();
    int code = 0;
    for (const auto& name : names) {
        try {
            if (globals.dry_run) std::printf("Would remove: %s\n", require_image(engine, name).id.c_str());
            else print(remove_image(engine, name, remove));
        } catch (const Error& e) {
            if (e.kind() == Errc::not_found && remove.force) continue;
            code = report_exception();
        }
    }
    empty_image_trash(engine);
    return code;
}

bool confirmed(const char* question) {
    std::fprintf(stderr, "%s\nAre you sure you want to continue? [y/N] ", question);
    std::string answer;
    if (!std::getline(std::cin, answer)) std::fputc('\n', stderr); // the shell's prompt stands below
    return answer == "y" || answer == "Y" || answer == "yes";
}

// until=24h, label=K, label=K=V, label!=K
std::function<bool(const image::Image&)> prune_filter(const std::vector<std::string>& filters) {
    std::vector<std::function<bool(const image::Image&)>> tests;
    for (const auto& f : filters) {
        auto equals = f.find('=');
        std::string key = f.substr(0, equals), value = equals == std::string::npos ? "" : f.substr(equals + 1);
        const bool negated = key.ends_with('!');
        if (negated) key.pop_back();
        if (key == "until" && !negated) {
            std::int64_t limit = parse_time(value, sys::realtime_ns());
            tests.push_back([limit](const image::Image& i) { return parse_rfc3339(i.created).value_or(0) < limit; });
        } else if (key == "label") {
            auto split = value.find('=');
            std::string name = value.substr(0, split);
            std::optional<std::string> want;
            if (split != std::string::npos) want = value.substr(split + 1);
            tests.push_back([name, want, negated](const image::Image& i) {
                auto it = i.config.labels.find(name);
                const bool fits = it != i.config.labels.end() && (!want || it->second == *want);
                return fits != negated;
            });
        } else {
            throw error(Errc::usage, "invalid filter '{}'", f)
                .with_hint("until=24h, label=KEY[=VALUE], label!=KEY[=VALUE]");
        }
    }
    return [tests](const image::Image& i) {
        for (const auto& test : tests)
            if (!test(i)) return false;
        return true;
    };
}

int run_prune(Globals& globals, const Args& args) {
    PruneImageOptions prune;
    bool force = false;
    std::vector<std::string> filters;
    Options options(globals, "image prune [OPTIONS]", "Remove unused images");
    options.flag("a,all", prune.all, "Remove all unused images, not just dangling ones")
        .list("filter", filters, "Provide filter values (e.g. \"until=24h\")", "filter")
        .flag("f,force", force, "Do not prompt for confirmation");
    if (!options.parse(args)) return 0;
    prune.filter = prune_filter(filters);
    if (!force && !globals.dry_run &&
        !confirmed(prune.all ? "WARNING! This will remove all images without at least one container associated to them."
                             : "WARNING! This will remove all dangling images."))
        return 0;
    Engine engine = image_engine();
    if (globals.dry_run) {
        for (const auto& image : prunable_images(engine, prune)) std::printf("Would remove: %s\n", image.id.c_str());
        return 0;
    }
    const PrunedImages pruned = prune_images(engine, prune);
    if (!pruned.untagged.empty() || !pruned.deleted.empty()) std::puts("Deleted Images:");
    print(pruned);
    std::printf("\nTotal reclaimed space: %s\n", human_size(static_cast<double>(pruned.bytes)).c_str());
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
