#include "base/error.hpp"
#include "base/sys.hpp"
#include "cli/cmd/image.hpp"
#include "cli/cmd/verbs.hpp"
#include "cli/context.hpp"
#include "cli/format/json_text.hpp"
#include "cli/format/size.hpp"
#include "cli/format/table.hpp"
#include "cli/format/time.hpp"
#include "cli/options.hpp"
#include "davit/inspect.hpp"

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <set>

namespace davit::cli {

namespace {

using OrderedJson = nlohmann::ordered_json;

struct Row {
    std::string container, repository = "<none>", tag = "<none>", id;
    image::Image image; // empty when it is no longer in the store
};

std::string platform_text(const image::Platform& p) {
    if (p.os.empty()) return "";
    return p.os + "/" + p.architecture + (p.variant.empty() ? "" : "/" + p.variant);
}

// The name it was made from, if the image still has that name; else the first it has.
void name_row(Row& row, const std::string& reference) {
    const auto& tags = row.image.tags;
    const auto wanted = try_parse_image_name(reference);
    auto tag = wanted ? std::find(tags.begin(), tags.end(), wanted->familiar) : tags.end();
    if (tag == tags.end()) tag = tags.begin();
    if (tag == tags.end()) return;
    const ImageName found = parse_image_name(*tag);
    row.repository = found.repository;
    row.tag = found.tag;
}

std::vector<Row> rows_of(std::vector<ContainerInfo> containers, Engine& engine) {
    std::sort(containers.begin(), containers.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
    std::vector<Row> rows;
    for (const ContainerInfo& c : containers) {
        Row row;
        row.container = c.name;
        row.id = c.image_id;
        if (auto image = find_image(engine, c.image_id)) row.image = std::move(*image);
        name_row(row, c.image);
        rows.push_back(std::move(row));
    }
    return rows;
}

void print_ids(const std::vector<Row>& rows) {
    std::set<std::string> seen;
    for (const Row& row : rows)
        if (seen.insert(row.id).second) std::printf("%s\n", row.id.substr(row.id.find(':') + 1).c_str());
}

// When the image was last given a name; nothing where it has none.
std::string last_tagged(Engine& engine, const Row& row) {
    if (row.image.id.empty()) return "";
    const auto document = nlohmann::json::parse(inspect(engine, row.image), nullptr, false);
    const nlohmann::json::json_pointer at("/Metadata/LastTagTime");
    const std::string time = document.is_discarded() || !document.contains(at) ? "" : document.at(at);
    return time.starts_with("0001-") ? "" : time;
}

void print_json(Engine& engine, const std::vector<Row>& rows) {
    OrderedJson all = OrderedJson::array();
    for (const Row& row : rows) {
        OrderedJson one = {{"ID", row.id},
                           {"ContainerName", row.container},
                           {"Repository", row.repository},
                           {"Tag", row.tag},
                           {"Platform", platform_text(row.image.platform)},
                           {"Size", row.image.size}};
        if (!row.image.created.empty()) one["Created"] = row.image.created;
        if (const std::string tagged = last_tagged(engine, row); !tagged.empty()) one["LastTagTime"] = tagged;
        all.push_back(std::move(one));
    }
    std::printf("%s\n", rows.empty() ? "null" : json_text(all).c_str()); // as docker compose
}

void print_table(const std::vector<Row>& rows) {
    Table table{{"CONTAINER", "REPOSITORY", "TAG", "PLATFORM", "IMAGE ID", "SIZE", "CREATED"}, {}, false, 20};
    for (const Row& row : rows) {
        const auto created = parse_rfc3339(row.image.created);
        const std::string age =
            created ? human_duration(std::chrono::nanoseconds(sys::realtime_ns() - *created)) + " ago" : "N/A";
        table.rows.push_back({row.container, row.repository, row.tag, platform_text(row.image.platform),
                              short_id(row.id), human_size(static_cast<double>(row.image.size), 3), age});
    }
    std::fputs(table.to_string().c_str(), stdout);
}

} // namespace

int run_images(Globals& globals, const Args& args) {
    std::string format = "table";
    bool quiet = false;
    std::vector<std::string> services;
    Options options(globals, "images [OPTIONS] [SERVICE...]", "List images used by the created containers");
    options.value("format", format, "Format the output. Values: [table | json] (default \"table\")")
        .flag("q,quiet", quiet, "Only display IDs")
        .arguments(services);
    if (!options.parse(args)) return 0;
    if (format != "table" && format != "json")
        throw error(Errc::usage, "unsupported format value \"{}\"", format).with_hint("table or json");
    Context context(globals);
    const auto rows = rows_of(containers_of(context, {services, true, true, 0}), context.engine());
    if (quiet) print_ids(rows);
    else if (format == "json") print_json(context.engine(), rows);
    else print_table(rows);
    return 0;
}

} // namespace davit::cli
