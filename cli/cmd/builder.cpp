// What docker calls the builder: its cache.
#include "cli/cmd/builder.hpp"
#include "base/date.hpp"
#include "base/error.hpp"
#include "base/printable.hpp"
#include "base/sys.hpp"
#include "base/units.hpp"
#include "cli/builders.hpp"
#include "cli/cmd/image.hpp"
#include "cli/cmd/verbs.hpp"
#include "cli/confirm.hpp"
#include "cli/docker_errors.hpp"
#include "cli/format/container.hpp"
#include "cli/format/size.hpp"
#include "cli/format/template.hpp"
#include "cli/format/time.hpp"
#include "cli/options.hpp"

#include <cstdio>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <string>

namespace davit::cli {

namespace {

constexpr std::size_t shown_id = 12;

std::string used(const BuildCacheEntry& entry) {
    if (!entry.last_used) return "N/A";
    return human_duration(std::chrono::nanoseconds(sys::realtime_ns() - entry.last_used)) + " ago";
}

// "key", "key=value"; buildx's own names.
bool taken_by(const std::vector<std::string>& filters, const BuildCacheEntry& entry) {
    for (const std::string& filter : filters) {
        const std::size_t equals = filter.find('=');
        const std::string key = filter.substr(0, equals);
        const std::string value = equals == std::string::npos ? "true" : filter.substr(equals + 1);
        const auto is = [&](bool has) { return has == (value == "true" || value == "1"); };
        const bool takes = key == "id"            ? entry.id.starts_with(value)
                           : key == "type"        ? value == type_of(entry)
                           : key == "description" ? entry.description == value
                           : key == "inuse"       ? is(entry.in_use)
                           : key == "shared"      ? is(entry.shared)
                           : key == "private"     ? is(!entry.shared)
                           : key == "mutable"     ? is(entry.mount)
                                                  : throw error(Errc::usage, "invalid filter '{}'", filter);
        if (!takes) return false;
    }
    return true;
}

void print_total(const char* what, std::uint64_t bytes) {
    std::printf("%s\t%s\n", what, human_size(static_cast<double>(bytes)).c_str());
}

} // namespace

const char* type_of(const BuildCacheEntry& entry) {
    return entry.mount ? "exec.cachemount" : entry.url ? "source.http" : "regular";
}

namespace {

// As buildx shows an entry with --verbose or --format=pretty.
std::string pretty(const nlohmann::json& row) {
    const auto truth = [&](const char* key) { return row.at(key).get<bool>() ? "true" : "false"; };
    const auto text = [&](const char* key) { return printable(row.at(key).get<std::string>()); };
    std::string out = fmt::format("ID:           {}\nCreated at:   {}\nMutable:      {}\nReclaimable:  {}\n"
                                  "Shared:       {}\nSize:         {}\n",
                                  text("ID"), text("CreatedAt"), truth("Mutable"), truth("Reclaimable"),
                                  truth("Shared"), text("Size"));
    if (!text("Description").empty()) out += "Description:  " + text("Description") + "\n";
    out += fmt::format("Usage count:  {}\n", row.at("UsageCount").get<int>());
    if (!text("LastUsedAt").empty()) out += "Last used:    " + text("LastUsedAt") + "\n";
    return out + "Type:         " + text("Type") + "\n";
}

} // namespace

int run_builder_du(Globals& globals, const Args& args) {
    bool verbose = false;
    std::string format;
    std::vector<std::string> filters;
    Options options(globals, "builder du [OPTIONS]", "Disk usage of the build cache");
    options.flag("verbose", verbose, "Shorthand for \"--format=pretty\"")
        .list("filter", filters, "Provide filter values: id=ID, type=TYPE, inuse, shared, description=TEXT", "filter")
        .value("format", format, "Format the output: table, json, or a Go template")
        .each("builder", "string", check_builder, "")
        .hidden()
        .ignored("timeout", "duration");
    if (!options.parse(args)) return 0;
    if (verbose && !format.empty()) throw error(Errc::usage, "--format and --verbose cannot be used together");
    verbose = verbose || format == "pretty";
    const ListFormat shape = ListFormat::parse(format == "pretty" ? "" : format);
    const bool table = shape.kind == ListFormat::Kind::table && !verbose;
    const bool marks = table || shape.kind == ListFormat::Kind::table_template;
    Engine engine = image_engine();
    std::uint64_t total = 0, shared = 0, reclaimable = 0;
    std::vector<nlohmann::json> rows;
    for (const BuildCacheEntry& entry : build_cache(engine)) {
        if (!taken_by(filters, entry)) continue;
        total += entry.size;
        if (!entry.in_use) reclaimable += entry.size;
        if (entry.shared) shared += entry.size;
        const std::string last = entry.last_used ? rfc3339_nano(entry.last_used) : "";
        rows.push_back({{"ID", entry.id + (marks && entry.mount ? "*" : "")},
                        {"Type", type_of(entry)},
                        {"Parents", nullptr},
                        {"CreatedAt", last},
                        {"LastUsedAt", entry.last_used ? used(entry) : ""},
                        {"UsageCount", 1},
                        {"InUse", entry.in_use},
                        {"Mutable", entry.mount},
                        {"Shared", entry.shared},
                        {"Reclaimable", !entry.in_use},
                        {"Size", human_size(static_cast<double>(entry.size)) + (marks && entry.shared ? "*" : "")},
                        {"Description", entry.description}});
    }
    const nlohmann::json headers{{"ID", "ID"},
                                 {"Type", "TYPE"},
                                 {"Parents", "PARENTS"},
                                 {"CreatedAt", "CREATED AT"},
                                 {"LastUsedAt", "LAST ACCESSED"},
                                 {"UsageCount", "USAGE COUNT"},
                                 {"InUse", "IN USE"},
                                 {"Mutable", "MUTABLE"},
                                 {"Shared", "SHARED"},
                                 {"Reclaimable", "RECLAIMABLE"},
                                 {"Size", "SIZE"},
                                 {"Description", "DESCRIPTION"}};
    if (verbose)
        for (const auto& row : rows) std::printf("%s\n", pretty(row).c_str());
    else std::fputs(render_list(shape, rows, {"ID", "Reclaimable", "Size", "LastUsedAt"}, headers).c_str(), stdout);
    // The sums are of everything, and for people.
    if ((!table && !verbose) || !filters.empty()) return 0;
    if (shared > 0) {
        print_total("Shared:\t", shared);
        print_total("Private:", total - shared);
    }
    print_total("Reclaimable:", reclaimable);
    print_total("Total:\t", total);
    return 0;
}

namespace {

bool agreed(bool all) {
    std::fprintf(stderr, "WARNING! This will remove all %sbuild cache. Are you sure you want to continue? [y/N] ",
                 all ? "" : "dangling ");
    return answered_yes(true);
}

} // namespace

int run_builder_prune(Globals& globals, const Args& args) {
    bool force = false, verbose = false;
    std::string keep;
    std::vector<std::string> filters;
    PruneBuildCacheOptions how;
    Options options(globals, "builder prune [OPTIONS]", "Remove build cache");
    options.flag("a,all", how.all, "Remove all unused build cache, not just dangling ones")
        .list("filter", filters, "Provide filter values (e.g., \"until=24h\")", "filter")
        .flag("f,force", force, "Do not prompt for confirmation")
        .value("keep-storage", keep, "Amount of disk space to keep for cache", "bytes")
        .alias("max-used-space")
        .flag("verbose", verbose, "Whole ids")
        .each("builder", "string", check_builder, "")
        .hidden();
    if (!options.parse(args)) return 0;
    for (const std::string& filter : filters) {
        const std::string_view until = "until=";
        if (!filter.starts_with(until)) throw error(Errc::usage, "invalid filter '{}'", filter).with_hint("until=24h");
        how.unused_since = parse_time(filter.substr(until.size()), sys::realtime_ns());
    }
    if (!keep.empty()) {
        const auto bytes = parse_bytes(keep);
        if (!bytes || *bytes < 0) throw error(Errc::usage, "invalid --keep-storage {}", keep).with_hint("as in 10GB");
        how.keep = static_cast<std::uint64_t>(*bytes);
    }
    if (!force && !globals.dry_run && !agreed(how.all)) return 0;
    Engine engine = image_engine();
    if (globals.dry_run) {
        for (const auto& entry : build_cache(engine))
            if (!entry.in_use && (how.all || !entry.shared)) std::printf("Would remove: %s\n", entry.id.c_str());
        return 0;
    }
    const PrunedBuildCache pruned = prune_build_cache(engine, how);
    for (const auto& entry : pruned.removed)
        std::printf("%s\n", verbose ? entry.id.c_str() : entry.id.substr(0, shown_id).c_str());
    std::printf("Total:\t%s\n", human_size(static_cast<double>(pruned.bytes)).c_str());
    return 0;
}

int run_builder(Globals& globals, const Args& args) {
    static const Verb verbs[] = {
        {"build", "Build an image from a Dockerfile", run_image_build, VerbGroup::hidden}, // davit image build
        {"du", "Disk usage of the build cache", run_builder_du},
        {"prune", "Remove build cache", run_builder_prune},
    };
    // docker's client hands them to buildx.
    return told_as_buildx([&] { return run_group(globals, args, "builder", "Manage the build cache", verbs); });
}

} // namespace davit::cli
