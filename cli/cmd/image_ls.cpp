#include "cli/cmd/image.hpp"

#include "base/date.hpp"
#include "base/error.hpp"
#include "base/sys.hpp"
#include "cli/client_config.hpp"
#include "cli/filters.hpp"
#include "cli/format/image_list.hpp"
#include "cli/format/size.hpp"
#include "cli/format/template.hpp"
#include "cli/format/time.hpp"
#include "cli/options.hpp"

#include <algorithm>
#include <cstdio>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

namespace davit::cli {

namespace {

using PlainJson = nlohmann::json;

std::int64_t created_ns(const image::Image& image) { return parse_rfc3339(image.created).value_or(0); }

constexpr std::string_view image_until = "invalid value for 'until' filter: ";

std::string first_name(const image::Image& image) { return image.tags.empty() ? std::string() : image.tags.front(); }

// The filters, with what they name looked up once.
class ImageFilter {
public:
    ImageFilter(Engine& engine, const Filters& filters)
        : engine_(engine), filters_(filters), dangling_(filters.truth("dangling")), until_(filters.times(image_until)) {
        for (const std::string& name : filters.values("before"))
            before_.push_back(created_ns(require_image(engine, name)));
        for (const std::string& name : filters.values("since"))
            after_.push_back(created_ns(require_image(engine, name)));
    }

    bool takes(const image::Image& image, const PlainJson& row) const {
        const std::int64_t created = created_ns(image);
        const auto& names = filters_.values("reference");
        return (!dangling_ || image.tags.empty() == *dangling_) && filters_.labels("label", image.config.labels) &&
               std::all_of(until_.begin(), until_.end(), [&](std::int64_t t) { return came_at(engine_, image) < t; }) &&
               std::all_of(before_.begin(), before_.end(), [&](std::int64_t t) { return created < t; }) &&
               std::all_of(after_.begin(), after_.end(), [&](std::int64_t t) { return created > t; }) &&
               (names.empty() || std::any_of(names.begin(), names.end(),
                                             [&](const std::string& name) { return is_named_by(row, name); }));
    }

private:
    Engine& engine_;
    const Filters& filters_;
    std::optional<bool> dangling_;
    std::vector<std::int64_t> until_, before_, after_;
};

// Of each name, as image_overview() shows it; those without a name at the end.
std::vector<ImageLine> overview_lines(Engine& engine, const std::vector<std::pair<image::Image, PlainJson>>& found) {
    std::set<std::string> used;
    for (const ContainerInfo& c : engine.all_containers()) used.insert(c.image_id);
    std::vector<ImageLine> out;
    for (const auto& [image, row] : found) {
        std::uint64_t content = 0;
        for (const auto& layer : image.layers) content += layer.blob_size;
        const std::string repository = row.at("Repository"), tag = row.at("Tag");
        out.push_back({image.tags.empty() ? "<untagged>" : repository + ":" + tag, row.at("ID"),
                       human_size(static_cast<double>(image.size), 3), human_size(static_cast<double>(content), 3),
                       used.contains(image.id)});
    }
    std::stable_sort(out.begin(), out.end(), [](const ImageLine& a, const ImageLine& b) {
        return std::pair(a.name[0] == '<', a.name) < std::pair(b.name[0] == '<', b.name);
    });
    return out;
}

struct ListFlags {
    bool all = false, digests = false, full = false, quiet = false, tree = false;
    std::string format;

    // Whatever asks for more or less than the overview gets docker's older table.
    bool overview() const { return !digests && !full && !quiet && format.empty(); }
};

std::vector<std::pair<image::Image, PlainJson>> found_images(Engine& engine, const ListFlags& flags,
                                                             const Filters& filters) {
    const ImageFilter filter(engine, filters);
    const std::int64_t now = sys::realtime_ns();
    const bool hide_nameless = !flags.all && filters.values("dangling").empty();
    std::vector<image::Image> images = list_images(engine);
    std::stable_sort(images.begin(), images.end(), [](const image::Image& a, const image::Image& b) {
        constexpr std::int64_t second = 1'000'000'000; // docker knows no more of their age
        const std::int64_t x = created_ns(a) / second, y = created_ns(b) / second;
        return x != y ? x > y : first_name(a) < first_name(b);
    });
    std::vector<std::pair<image::Image, PlainJson>> out;
    // As JSON a row has its digest only where that was asked for; how many containers have the image, always.
    const bool rows_whole = flags.format == "json" || flags.format.find("json .}") != std::string::npos;
    const bool digests = flags.digests || (!flags.format.empty() && !rows_whole);
    std::map<std::string, std::size_t> users;
    if (!flags.overview() && !flags.quiet)
        for (const ContainerInfo& c : engine.all_containers()) ++users[c.image_id];
    for (image::Image& image : images) {
        if (digests) image.digests = repository_digests(engine, image);
        for (PlainJson& row : image_rows(image, now, !flags.full)) {
            row["Containers"] = std::to_string(users[image.id]);
            if (filter.takes(image, row) && !(hide_nameless && image.tags.empty()))
                out.emplace_back(image, std::move(row));
        }
    }
    return out;
}

} // namespace

int run_image_ls(Globals& globals, const Args& args) {
    ListFlags flags;
    Filters filters;
    std::vector<std::string> pattern;
    Options options(globals, "image ls [OPTIONS] [REPOSITORY[:TAG]]", "List images");
    filters.add_to(options, "dangling=true|false, label=KEY[=VALUE], reference=PATTERN, before=IMAGE, since=IMAGE, "
                            "until=TIME");
    options.flag("a,all", flags.all, "Show those without a name too")
        .flag("digests", flags.digests, "Show digests")
        .value("format", flags.format, "Format the output: table, json, or a Go template")
        .flag("no-trunc", flags.full, "Don't truncate output")
        .flag("q,quiet", flags.quiet, "Only show image IDs")
        .flag("tree", flags.tree, "List multi-platform images as a tree: here each has one platform")
        .arguments(pattern, 0, 1);
    if (!options.parse(args)) return 0;
    filters.check();
    if (flags.format.empty() && !flags.quiet) flags.format = configured_format(globals, "imagesFormat");
    flags.quiet = flags.quiet && is_table(flags.format);
    if (!pattern.empty()) filters.add("reference", pattern.front());
    Engine engine = image_engine();
    const auto found = found_images(engine, flags, filters);
    if (flags.overview()) {
        std::fputs(image_overview(overview_lines(engine, found)).c_str(), stdout);
        return 0;
    }
    std::vector<PlainJson> rows;
    for (const auto& [image, row] : found) {
        if (flags.quiet) std::puts(row.at("ID").get<std::string>().c_str());
        rows.push_back(row);
    }
    if (flags.quiet) return 0;
    std::vector<std::string> columns{"Repository", "Tag", "ID", "CreatedSince", "Size"};
    if (flags.digests) columns.insert(columns.begin() + 2, "Digest");
    std::fputs(
        render_list(ListFormat::parse(flags.format, "formatter.imageContext"), rows, columns, image_headers()).c_str(),
        stdout);
    return 0;
}

} // namespace davit::cli
