// `system df`: what takes the disk.
#include "base/sys.hpp"
#include "cli/cmd/builder.hpp"
#include "cli/cmd/inspected.hpp"
#include "cli/cmd/system.hpp"
#include "cli/context.hpp"
#include "cli/docker_errors.hpp"
#include "cli/format/container.hpp"
#include "cli/format/image_list.hpp"
#include "cli/format/size.hpp"
#include "cli/format/template.hpp"
#include "cli/format/time.hpp"
#include "cli/format/volume.hpp"
#include "cli/options.hpp"
#include "davit/images.hpp"
#include "davit/revisions.hpp"
#include "davit/system.hpp"
#include "davit/volumes.hpp"

#include <algorithm>
#include <cstdio>
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

// With the images that nothing but them keeps.
Share revisions_share(Engine& engine) {
    Share out;
    for (const RevisionUse& use : revision_use(engine)) {
        out.total += use.revisions;
        out.active += use.active; // those that run
        out.bytes += use.records + use.contents + use.images;
        if (!use.active) out.reclaimable += use.records + use.contents + use.images;
        else if (use.revisions > 1) out.reclaimable += use.images;
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

// `-v`: every object by itself, the lists of docker's.
struct Sections {
    std::vector<nlohmann::json> images, containers, volumes, cache;
};

std::vector<nlohmann::json> image_section(Engine& engine, bool for_people) {
    std::map<std::string, std::size_t> layers; // by how many images
    const auto images = list_images(engine);
    for (const auto& image : images)
        for (const auto& layer : image.layers) ++layers[layer.diff_id];
    std::vector<nlohmann::json> out;
    for (const auto& image : images) {
        std::uint64_t shared = 0;
        for (const auto& layer : image.layers)
            if (layers[layer.diff_id] > 1) shared += layer.size;
        for (nlohmann::json& row : image_rows(image, sys::realtime_ns(), for_people)) {
            if (!for_people) row["Digest"] = "";
            row["SharedSize"] = human_size(static_cast<double>(shared));
            row["UniqueSize"] = human_size(static_cast<double>(image.size - std::min(image.size, shared)));
            row["Containers"] = std::to_string(containers_of(engine, image).size());
            out.push_back(std::move(row));
        }
    }
    return out;
}

std::map<std::string, std::uint64_t> bytes_of(const std::vector<DiskUse>& uses, DiskUse::Kind kind) {
    std::map<std::string, std::uint64_t> out;
    for (const auto& use : uses)
        if (use.kind == kind) out[use.name] += use.bytes;
    return out;
}

std::vector<nlohmann::json> container_section(Engine& engine, const std::vector<DiskUse>& uses) {
    auto written = bytes_of(uses, DiskUse::Kind::written);
    std::vector<nlohmann::json> out;
    for (const auto& c : engine.all_containers()) {
        nlohmann::json row = container_row(c, sys::realtime_ns(), true);
        std::size_t volumes = 0;
        for (const auto& mount : c.mounts) volumes += mount.type == "volume";
        row["LocalVolumes"] = std::to_string(volumes);
        row["Size"] = human_size(static_cast<double>(written[c.name]));
        row.erase("Label");
        out.push_back(std::move(row));
    }
    return out;
}

std::vector<nlohmann::json> volume_section(Engine& engine, const std::vector<DiskUse>& uses) {
    auto bytes = bytes_of(uses, DiskUse::Kind::volume);
    std::map<std::string, std::size_t> links;
    for (const auto& c : engine.all_containers())
        for (const auto& mount : c.mounts)
            if (!mount.name.empty()) ++links[mount.name];
    std::vector<nlohmann::json> out;
    for (const VolumeInfo& v : engine.volumes()) {
        nlohmann::json row = volume_row(v);
        row["Links"] = std::to_string(links[v.name]);
        row["Size"] = human_size(static_cast<double>(bytes[v.name]));
        out.push_back(std::move(row));
    }
    return out;
}

std::vector<nlohmann::json> cache_section(Engine& engine) {
    const std::int64_t now = sys::realtime_ns();
    std::vector<nlohmann::json> out;
    for (const auto& entry : build_cache(engine)) {
        const std::string used =
            entry.last_used ? human_duration(std::chrono::nanoseconds(now - entry.last_used)) + " ago" : "";
        out.push_back({{"ID", entry.id.substr(0, 12)},
                       {"CacheType", type_of(entry)},
                       {"Size", human_size(static_cast<double>(entry.size))},
                       {"CreatedSince", used}, // when it was made is not kept, nor how often it was used
                       {"UsageCount", "1"},
                       {"LastUsedSince", used},
                       {"Shared", entry.shared ? "true" : "false"},
                       {"InUse", entry.in_use ? "true" : "false"},
                       {"Description", entry.description}});
    }
    return out;
}

int print_verbose(Engine& engine, const std::vector<DiskUse>& uses, const std::string& format) {
    const bool for_people = format.empty() || format == "table";
    const Sections s{image_section(engine, for_people), container_section(engine, uses), volume_section(engine, uses),
                     cache_section(engine)};
    if (!for_people) {
        print_document(
            {{"Images", s.images}, {"Containers", s.containers}, {"Volumes", s.volumes}, {"BuildCache", s.cache}},
            format);
        return 0;
    }
    const auto section = [](const char* title, const std::vector<nlohmann::json>& rows,
                            const std::vector<std::string>& columns, nlohmann::json headers) {
        std::printf("%s\n\n%s", title, render_list({}, rows, columns, headers).c_str());
    };
    nlohmann::json images = image_headers(), containers = container_headers(), volumes = volume_headers();
    containers["LocalVolumes"] = "LOCAL VOLUMES";
    containers["Size"] = "SIZE";
    section("Images space usage:", s.images,
            {"Repository", "Tag", "ID", "CreatedSince", "Size", "SharedSize", "UniqueSize", "Containers"}, images);
    section("\nContainers space usage:", s.containers,
            {"ID", "Image", "Command", "LocalVolumes", "Size", "RunningFor", "Status", "Names"}, containers);
    section("\nLocal Volumes space usage:", s.volumes, {"Name", "Links", "Size"}, volumes);
    const std::string cache = human_size(static_cast<double>(cache_share(engine).bytes));
    section(("\nBuild cache usage: " + cache).c_str(), s.cache,
            {"ID", "CacheType", "Size", "CreatedSince", "LastUsedSince", "UsageCount", "Shared"},
            {{"ID", "CACHE ID"},
             {"CacheType", "CACHE TYPE"},
             {"Size", "SIZE"},
             {"CreatedSince", "CREATED"},
             {"LastUsedSince", "LAST USED"},
             {"UsageCount", "USAGE"},
             {"Shared", "SHARED"}});
    return 0;
}

} // namespace

int run_system_df(Globals& globals, const Args& args) {
    std::string format;
    bool verbose = false;
    Options options(globals, "system df [OPTIONS]", "Show what takes the disk");
    options.value("format", format, "Format output using a custom template: 'table', 'json', or a Go template")
        .flag("v,verbose", verbose, "Show detailed information on space usage");
    if (!options.parse(args)) return 0;
    Context context(globals);
    Engine& engine = context.engine();
    const std::vector<DiskUse> uses = disk_use(engine);
    if (verbose) return print_verbose(engine, uses, format);
    std::vector<nlohmann::json> rows{
        row("Images", images_share(engine)), row("Containers", containers_share(engine, uses)),
        row("Local Volumes", volumes_share(engine, uses)), row("Build Cache", cache_share(engine))};
    // Templates and JSON are read by programs that know docker's rows.
    const bool for_people = (format.empty() || format == "table") && !docker_is_spoken();
    if (const Share share = revisions_share(engine); share.total && for_people) rows.push_back(row("Revisions", share));
    const nlohmann::json headers{{"Type", "TYPE"},
                                 {"TotalCount", "TOTAL"},
                                 {"Active", "ACTIVE"},
                                 {"Size", "SIZE"},
                                 {"Reclaimable", "RECLAIMABLE"}};
    std::fputs(render_list(ListFormat::parse(format, "formatter.diskUsageImagesContext"), rows,
                           {"Type", "TotalCount", "Active", "Size", "Reclaimable"}, headers)
                   .c_str(),
               stdout);
    return 0;
}

} // namespace davit::cli
