// What docker calls the builder: its cache.
#include "cli/cmd/builder.hpp"
#include "base/date.hpp"
#include "base/error.hpp"
#include "base/printable.hpp"
#include "base/sys.hpp"
#include "base/units.hpp"
#include "cli/builders.hpp"
#include "cli/cmd/build_values.hpp"
#include "cli/cmd/image.hpp"
#include "cli/cmd/verbs.hpp"
#include "cli/confirm.hpp"
#include "cli/docker_errors.hpp"
#include "cli/format/container.hpp"
#include "cli/format/size.hpp"
#include "cli/format/template.hpp"
#include "cli/format/time.hpp"
#include "cli/options.hpp"

#include <cstdint>
#include <cstdio>
#include <fmt/format.h>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>

namespace davit::cli {

namespace {

constexpr std::size_t shown_id = 12;

std::string used(const BuildCacheEntry& entry) {
    if (!entry.last_used) return "N/A";
    return human_duration(std::chrono::nanoseconds(sys::realtime_ns() - entry.last_used)) + " ago";
}

// "key", "key=value"; buildx's own names. Nothing has another field.
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
                                                  : key == "mutable" && is(entry.mount);
        if (!takes) return false;
    }
    return true;
}

std::function<void(const std::string&)> filter_into(std::vector<std::string>& to) {
    return [&to](const std::string& text) {
        if (docker_is_spoken() && text.find('=') == std::string::npos)
            throw error(Errc::usage, "bad format of filter (expected name=value)");
        to.push_back(text);
    };
}

// docker hands its words to buildx, by whatever name.
void called_as_buildx(Globals& globals, const char* word) {
    if (globals.docker_words) globals.docker_word = word;
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
    called_as_buildx(globals, "buildx du");
    Options options(globals, "builder du [OPTIONS]", "Disk usage of the build cache");
    options.flag("verbose", verbose, "Shorthand for \"--format=pretty\"")
        .each("filter", "filter", filter_into(filters),
              "Provide filter values: id=ID, type=TYPE, inuse=true, shared=true, description=TEXT")
        .value("format", format, "Format the output: table, json, or a Go template")
        .each("builder", "string", check_builder, "")
        .hidden()
        .ignored("timeout", "duration");
    if (!options.parse(args)) return 0;
    if (verbose && !format.empty()) throw error(Errc::usage, "--format and --verbose cannot be used together");
    verbose = verbose || format == "pretty";
    const ListFormat shape = ListFormat::parse(format == "pretty" ? "" : format, "commands.diskusageContext");
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

std::function<void(const std::string&)> size_into(std::int64_t& to) {
    return [&to](const std::string& text) { to = parse_size(text); };
}

bool agreed(bool all) {
    std::fprintf(stderr, "WARNING! This will remove all %sbuild cache. Are you sure you want to continue? [y/N] ",
                 all ? "" : "dangling ");
    return answered_yes(true);
}

} // namespace

int run_builder_prune(Globals& globals, const Args& args) {
    bool force = false, verbose = false;
    std::int64_t keep = 0, unused = 0;
    std::vector<std::string> filters;
    PruneBuildCacheOptions how;
    called_as_buildx(globals, "buildx prune");
    Options options(globals, "builder prune [OPTIONS]", "Remove build cache");
    options.flag("a,all", how.all, "Remove all unused build cache, not just dangling ones")
        .each("filter", "filter", filter_into(filters), "Provide filter values (e.g., \"until=24h\")")
        .flag("f,force", force, "Do not prompt for confirmation")
        .each("keep-storage", "bytes", size_into(keep), "Amount of disk space to keep for cache")
        .alias("max-used-space")
        .alias("reserved-space")
        .each("min-free-space", "bytes", size_into(unused), "Target amount of free disk space: no effect")
        .hidden()
        .flag("verbose", verbose, "Whole ids")
        .each("builder", "string", check_builder, "")
        .hidden();
    if (!options.parse(args)) return 0;
    for (const std::string& filter : filters) {
        const std::string_view until = "until=";
        if (!filter.starts_with(until)) {
            for (const char* known : {"id=", "type=", "description=", "inuse=", "shared=", "private=", "mutable="})
                if (filter.starts_with(known))
                    throw error(Errc::unsupported, "davit prunes by until= only, not by {}", filter);
            std::puts("Total:\t0B"); // nothing has another field
            return 0;
        }
        const std::string age = filter.substr(until.size());
        if (!parse_duration(age))
            throw error(Errc::usage, "\"until\" filter expects a duration (e.g., '24h'): time: invalid duration \"{}\"",
                        age);
        how.unused_since = parse_time(age, sys::realtime_ns());
    }
    how.keep = static_cast<std::uint64_t>(keep);
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
