// `system prune`: what nobody needs, of all kinds.
#include "base/date.hpp"
#include "base/error.hpp"
#include "base/printable.hpp"
#include "base/sys.hpp"
#include "cli/cmd/history.hpp"
#include "cli/cmd/image.hpp"
#include "cli/cmd/network.hpp"
#include "cli/cmd/system.hpp"
#include "cli/cmd/volume.hpp"
#include "cli/confirm.hpp"
#include "cli/context.hpp"
#include "cli/filters.hpp"
#include "cli/format/size.hpp"
#include "cli/format/time.hpp"
#include "cli/options.hpp"
#include "davit/build_cache.hpp"
#include "davit/containers.hpp"
#include "davit/images.hpp"
#include "davit/revisions.hpp"

#include <algorithm>
#include <cstdio>
#include <stop_token>

namespace davit::cli {

namespace {

std::string warning(bool all, bool volumes, const Filters& filters) {
    std::string out =
        "WARNING! This will remove:\n  - all stopped containers\n  - all networks not used by at least one "
        "container\n";
    if (volumes) out += "  - all anonymous volumes not used by at least one container\n";
    if (all) out += "  - the revisions of projects that are down\n";
    out += all ? "  - all images without at least one container associated to them\n  - all build cache\n"
               : "  - all dangling images\n  - unused build cache\n";
    std::string said;
    for (const char* key : {"label", "label!", "until"})
        for (const std::string& value : filters.values(key)) said += std::string("  - ") + key + "=" + value + "\n";
    return said.empty() ? out : out + "\n  Items to be pruned will be filtered with:\n" + said;
}

struct Limits {
    const Filters& filters;
    std::vector<std::int64_t> before;

    explicit Limits(const Filters& given) : filters(given), before(given.times()) {}
    bool take(std::int64_t created, const Labels& labels) const {
        return std::all_of(before.begin(), before.end(), [&](std::int64_t limit) { return created < limit; }) &&
               filters.labels("label", labels) && filters.unlabelled("label!", labels);
    }
};

std::uint64_t prune_stopped(Context& context, const Limits& limits) {
    std::uint64_t total = 0;
    bool told = false;
    prune_containers(
        context.engine(), [&](const ContainerInfo& c) { return limits.take(c.created, c.labels); },
        [&](const ContainerInfo& c, std::uint64_t bytes) {
            if (!std::exchange(told, true)) std::puts("Deleted Containers:");
            std::puts(c.id.c_str());
            total += bytes;
        },
        context.stop());
    if (told) std::puts("");
    return total;
}

// They keep images: who asks for all that has no container means these too.
void forget_projects_that_are_down(Engine& engine, const std::stop_token& stop) {
    PruneRevisionsOptions how;
    how.all = true;
    for (const RevisionUse& use : revision_use(engine)) {
        if (use.active) continue;
        engine.prune_revisions(use.project, how, stop);
        std::printf("Forgotten: the revisions of %s\n", printable(owner_title(use.project)).c_str());
    }
}

std::uint64_t prune_unused_images(Engine& engine, bool all, const Limits& limits, const std::stop_token& stop) {
    PruneImageOptions how;
    how.all = all;
    how.filter = [&](const image::Image& i) {
        return limits.take(limits.before.empty() ? 0 : came_at(engine, i), i.config.labels);
    };
    const PrunedImages pruned = prune_images(engine, how, stop);
    print_pruned(pruned);
    return pruned.bytes;
}

std::uint64_t prune_cache(Engine& engine, bool all, const Limits& limits, const std::stop_token& stop) {
    PruneBuildCacheOptions how;
    how.all = all;
    for (const std::int64_t limit : limits.before) how.unused_since = std::min(how.unused_since.value_or(limit), limit);
    const PrunedBuildCache pruned = prune_build_cache(engine, how, stop);
    if (!pruned.removed.empty()) std::puts("Deleted build cache objects:");
    for (const auto& entry : pruned.removed) std::puts(entry.id.c_str());
    if (!pruned.removed.empty()) std::puts("");
    return pruned.bytes;
}

} // namespace

int run_system_prune(Globals& globals, const Args& args) {
    bool all = false, force = false, volumes = false;
    Filters filters;
    Options options(globals, "system prune [OPTIONS]", "Remove what nobody needs");
    filters.add_long_to(options, "until=TIME, label=KEY[=VALUE], label!=KEY[=VALUE]");
    options.flag("a,all", all, "Remove all unused images not just dangling ones")
        .flag("f,force", force, "Do not prompt for confirmation")
        .flag("volumes", volumes, "Prune anonymous volumes");
    if (!options.parse(args)) return 0;
    filters.check();
    if (volumes && !filters.values("until").empty())
        throw error(Errc::usage, "ERROR: The \"until\" filter is not supported with \"--volumes\"");
    if (globals.dry_run) {
        std::fputs("Nothing is removed: 'davit system df' shows what could be.\n", stderr);
        return 0;
    }
    const Limits limits(filters);
    if (!force && !confirmed(warning(all, volumes, filters))) return 0;
    Context context(globals);
    context.mute();
    context.interrupts();
    Engine& engine = context.engine();
    std::uint64_t bytes = prune_stopped(context, limits);
    print_pruned_networks(context, filters);
    if (volumes) bytes += print_pruned_volumes(context, filters, false);
    if (all && filters.empty()) forget_projects_that_are_down(engine, context.stop());
    bytes += prune_unused_images(engine, all, limits, context.stop());
    bytes += prune_cache(engine, all, limits, context.stop());
    std::printf("Total reclaimed space: %s\n", human_size(static_cast<double>(bytes)).c_str());
    std::fflush(stdout);
    empty_image_trash(engine, context.stop());
    return 0;
}

} // namespace davit::cli
