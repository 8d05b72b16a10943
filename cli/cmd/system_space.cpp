// `system df` and `system prune`: what takes the disk, and what of it nobody needs.
#include "base/printable.hpp"
#include "base/sys.hpp"
#include "cli/cmd/system.hpp"
#include "cli/context.hpp"
#include "cli/format/size.hpp"
#include "cli/format/template.hpp"
#include "cli/options.hpp"
#include "davit/build_cache.hpp"
#include "davit/images.hpp"
#include "davit/networks.hpp"
#include "davit/system.hpp"
#include "davit/volumes.hpp"

#include <cstdio>
#include <iostream>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

namespace davit::cli {

namespace {

struct Share {
    std::size_t total = 0, active = 0;
    std::uint64_t bytes = 0, reclaimable = 0;
};

bool is_live(const ContainerInfo& c) {
    return c.state == ContainerState::running || c.state == ContainerState::paused ||
           c.state == ContainerState::restarting;
}

Share images_share(Engine& engine) {
    Share out;
    std::set<std::string> seen;
    for (const auto& image : list_images(engine)) {
        const bool used = !containers_of(engine, image).empty();
        ++out.total;
        out.active += used;
        for (const auto& layer : image.layers) {
            if (!seen.insert(layer.diff_id).second) continue; // layers are shared
            out.bytes += layer.size;
            if (!used) out.reclaimable += layer.size;
        }
    }
    return out;
}

Share containers_share(Engine& engine, const std::vector<DiskUse>& uses) {
    Share out;
    std::map<std::string, bool> live;
    for (const auto& c : engine.all_containers()) {
        live[c.name] = is_live(c);
        ++out.total;
        out.active += is_live(c);
    }
    for (const auto& use : uses) {
        if (use.kind != DiskUse::Kind::written) continue;
        out.bytes += use.bytes;
        if (!live[use.name]) out.reclaimable += use.bytes;
    }
    return out;
}

Share volumes_share(Engine& engine, const std::vector<DiskUse>& uses) {
    Share out;
    std::set<std::string> used;
    for (const auto& c : engine.all_containers())
        for (const auto& mount : c.mounts)
            if (!mount.name.empty()) used.insert(mount.name);
    for (const auto& use : uses) {
        if (use.kind != DiskUse::Kind::volume) continue;
        ++out.total;
        out.active += used.contains(use.name);
        out.bytes += use.bytes;
        if (!used.contains(use.name)) out.reclaimable += use.bytes;
    }
    return out;
}

Share cache_share(Engine& engine) {
    Share out;
    for (const auto& entry : build_cache(engine)) {
        ++out.total;
        out.active += entry.in_use;
        if (entry.shared) continue; // counted as the image's
        out.bytes += entry.size;
        if (!entry.in_use) out.reclaimable += entry.size;
    }
    return out;
}

nlohmann::json row(const char* type, const Share& share) {
    std::string reclaimable = human_size(static_cast<double>(share.reclaimable));
    if (share.bytes) reclaimable += " (" + std::to_string(share.reclaimable * 100 / share.bytes) + "%)";
    return {{"Type", type},
            {"TotalCount", std::to_string(share.total)},
            {"Active", std::to_string(share.active)},
            {"Size", human_size(static_cast<double>(share.bytes))},
            {"Reclaimable", reclaimable}};
}

bool agreed(bool all, bool volumes) {
    std::fprintf(stderr,
                 "WARNING! This will remove:\n  - all stopped containers\n  - all networks not used by at least one "
                 "container\n%s  - all %s\n  - %s build cache\n\nAre you sure you want to continue? [y/N] ",
                 volumes ? "  - all anonymous volumes not used by at least one container\n" : "",
                 all ? "images without at least one container associated to them" : "dangling images",
                 all ? "all" : "unused");
    std::string answer;
    if (!std::getline(std::cin, answer)) std::fputc('\n', stderr);
    return answer == "y" || answer == "Y" || answer == "yes";
}

void remove_stopped(Engine& engine) {
    bool told = false;
    for (const auto& c : engine.all_containers()) {
        if (is_live(c)) continue;
        engine.remove_container(c.project, c.id, false, false);
        if (!std::exchange(told, true)) std::puts("Deleted Containers:");
        std::puts(c.id.c_str());
    }
    if (told) std::puts("");
}

void remove_networks(Engine& engine) {
    bool told = false;
    std::set<std::string> used;
    for (const auto& c : engine.all_containers())
        for (const auto& network : c.networks) used.insert(network.name);
    for (const auto& network : engine.networks()) {
        if (used.contains(network.name)) continue;
        try {
            remove_network(engine, network.name);
        } catch (const Error&) { // somebody has come to it
            continue;
        }
        if (!std::exchange(told, true)) std::puts("Deleted Networks:");
        std::puts(printable(network.name).c_str());
    }
    if (told) std::puts("");
}

} // namespace

int run_system_df(Globals& globals, const Args& args) {
    std::string format;
    Options options(globals, "system df [OPTIONS]", "Show what takes the disk");
    options.value("format", format, "Format output using a custom template: 'table', 'json', or a Go template")
        .ignored("v,verbose");
    if (!options.parse(args)) return 0;
    Context context(globals);
    Engine& engine = context.engine();
    const std::vector<DiskUse> uses = disk_use(engine);
    const std::vector<nlohmann::json> rows{
        row("Images", images_share(engine)), row("Containers", containers_share(engine, uses)),
        row("Local Volumes", volumes_share(engine, uses)), row("Build Cache", cache_share(engine))};
    const nlohmann::json headers{{"Type", "TYPE"},
                                 {"TotalCount", "TOTAL"},
                                 {"Active", "ACTIVE"},
                                 {"Size", "SIZE"},
                                 {"Reclaimable", "RECLAIMABLE"}};
    std::fputs(
        render_list(ListFormat::parse(format), rows, {"Type", "TotalCount", "Active", "Size", "Reclaimable"}, headers)
            .c_str(),
        stdout);
    return 0;
}

int run_system_prune(Globals& globals, const Args& args) {
    bool all = false, force = false, volumes = false;
    Options options(globals, "system prune [OPTIONS]", "Remove what nobody needs");
    options.flag("a,all", all, "Remove all unused images not just dangling ones")
        .flag("f,force", force, "Do not prompt for confirmation")
        .flag("volumes", volumes, "Prune anonymous volumes");
    if (!options.parse(args)) return 0;
    if (globals.dry_run) {
        std::fputs("Nothing is removed: 'davit system df' shows what could be.\n", stderr);
        return 0;
    }
    if (!force && !agreed(all, volumes)) return 0;
    Context context(globals);
    Engine& engine = context.engine();
    remove_stopped(engine);
    remove_networks(engine);
    if (volumes)
        prune_volumes(engine, false, [](const VolumeInfo& volume) {
            std::printf("Deleted volume: %s\n", printable(volume.name).c_str());
        });
    PruneImageOptions images;
    images.all = all;
    const PrunedImages pruned = prune_images(engine, images);
    for (const auto& name : pruned.untagged) std::printf("Untagged: %s\n", printable(name).c_str());
    for (const auto& id : pruned.deleted) std::printf("Deleted: %s\n", id.c_str());
    PruneBuildCacheOptions cache;
    cache.all = all;
    const PrunedBuildCache cached = prune_build_cache(engine, cache);
    std::printf("\nTotal reclaimed space: %s\n", human_size(static_cast<double>(pruned.bytes + cached.bytes)).c_str());
    std::fflush(stdout);
    empty_image_trash(engine);
    return 0;
}

} // namespace davit::cli
