#include "cli/cmd/image.hpp"

#include "base/error.hpp"
#include "base/glob.hpp"
#include "base/sys.hpp"
#include "cli/cmd/machine.hpp"
#include "cli/format/size.hpp"
#include "cli/format/table.hpp"
#include "cli/format/template.hpp"
#include "cli/format/time.hpp"
#include "cli/options.hpp"
#include "davit/inspect.hpp"

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>

namespace davit::cli {

namespace {

using PlainJson = nlohmann::json;

std::string since(const std::string& created) {
    auto time = parse_rfc3339(created);
    return time ? human_duration(std::chrono::nanoseconds(sys::realtime_ns() - *time)) + " ago" : "N/A";
}

// One line a name, as docker does; an image without name has one of its own.
std::vector<PlainJson> rows_of(const image::Image& image, bool truncate) {
    PlainJson row;
    row["Containers"] = row["SharedSize"] = row["UniqueSize"] = "N/A";
    row["ID"] = truncate ? short_id(image.id) : image.id;
    auto created = parse_rfc3339(image.created);
    row["CreatedAt"] = created ? go_time(*created) : "N/A";
    row["CreatedSince"] = since(image.created);
    row["Size"] = human_size(static_cast<double>(image.size), 3);
    row["Repository"] = row["Tag"] = row["Digest"] = "<none>";
    auto digest_of = [&](const std::string& repository) {
        for (const auto& d : image.digests)
            if (d.starts_with(repository + "@")) return d.substr(repository.size() + 1);
        return std::string("<none>");
    };
    std::vector<PlainJson> out;
    for (const auto& tag : image.tags) {
        const ImageName name = parse_image_name(tag);
        row["Repository"] = name.repository;
        row["Tag"] = name.tag;
        row["Digest"] = digest_of(name.repository);
        out.push_back(row);
    }
    if (!out.empty()) return out;
    if (!image.digests.empty()) {
        const ImageName name = parse_image_name(image.digests.front());
        row["Repository"] = name.repository;
        row["Digest"] = name.digest;
    }
    return {row};
}

bool wanted(const PlainJson& row, const std::string& pattern) {
    if (pattern.empty()) return true;
    const auto name = try_parse_image_name(pattern);
    const std::string repository = row["Repository"], tag = row["Tag"];
    if (name && pattern.find_first_of("*?[") == std::string::npos) {
        const bool any_tag =
            pattern.find(':', pattern.find('/') == std::string::npos ? 0 : pattern.rfind('/')) == std::string::npos;
        return repository == name->repository && (any_tag || tag == name->tag);
    }
    return glob_match(pattern, repository) || glob_match(pattern, repository + ":" + tag);
}

// dangling=true, label=K[=V], reference=PATTERN
bool passes(const image::Image& image, const PlainJson& row, const std::vector<std::string>& filters) {
    for (const auto& filter : filters) {
        auto equals = filter.find('=');
        std::string key = filter.substr(0, equals),
                    value = equals == std::string::npos ? "" : filter.substr(equals + 1);
        if (key == "dangling") {
            if (image.tags.empty() != (value == "true" || value == "1")) return false;
        } else if (key == "label") {
            auto split = value.find('=');
            auto it = image.config.labels.find(value.substr(0, split));
            if (it == image.config.labels.end() ||
                (split != std::string::npos && it->second != value.substr(split + 1)))
                return false;
        } else if (key == "reference") {
            if (!wanted(row, value)) return false;
        } else {
            throw error(Errc::usage, "invalid filter '{}'", key).with_hint("dangling, label or reference");
        }
    }
    return true;
}

} // namespace

int run_image_ls(Globals& globals, const Args& args) {
    bool all = false, digests = false, full = false, quiet = false;
    std::string format;
    std::vector<std::string> filters, pattern;
    Options options(globals, "image ls [OPTIONS] [REPOSITORY[:TAG]]", "List images");
    options.flag("a,all", all, "Show all images").hidden();
    options.flag("digests", digests, "Show digests")
        .list("f,filter", filters, "Filter output: dangling=true, label=KEY[=VALUE], reference=PATTERN", "filter")
        .value("format", format, "Format the output: table, json, or a Go template")
        .flag("no-trunc", full, "Don't truncate output")
        .flag("q,quiet", quiet, "Only show image IDs")
        .arguments(pattern, 0, 1);
    if (!options.parse(args)) return 0;
    Engine engine = image_engine();
    std::vector<PlainJson> rows;
    for (const auto& image : list_images(engine))
        for (auto& row : rows_of(image, !full))
            if (wanted(row, pattern.empty() ? "" : pattern.front()) && passes(image, row, filters))
                rows.push_back(std::move(row));
    if (quiet) {
        std::vector<std::string> seen;
        for (const auto& row : rows) {
            std::string id = row["ID"];
            if (std::find(seen.begin(), seen.end(), id) != seen.end()) continue;
            std::puts(id.c_str());
            seen.push_back(id);
        }
        return 0;
    }
    std::vector<std::string> columns{"Repository", "Tag", "ID", "CreatedSince", "Size"};
    if (digests) columns.insert(columns.begin() + 2, "Digest");
    const PlainJson headers{{"Repository", "REPOSITORY"},
                            {"Tag", "TAG"},
                            {"Digest", "DIGEST"},
                            {"ID", "IMAGE ID"},
                            {"CreatedSince", "CREATED"},
                            {"CreatedAt", "CREATED AT"},
                            {"Size", "SIZE"}};
    std::fputs(render_list(ListFormat::parse(format), rows, columns, headers).c_str(), stdout);
    return 0;
}

int run_image_inspect(Globals& globals, const Args& args) {
    std::string format;
    std::vector<std::string> names;
    Options options(globals, "image inspect [OPTIONS] IMAGE [IMAGE...]",
                    "Display detailed information on one or more images");
    options.value("f,format", format, "Format the output: json, or a Go template").arguments(names, 1);
    if (!options.parse(args)) return 0;
    Engine engine = image_engine();
    std::vector<std::string> found;
    int code = 0;
    for (const auto& name : names) {
        try {
            found.push_back(inspect(engine, require_image(engine, name)));
        } catch (const Error&) {
            code = report_exception();
        }
    }
    print_inspected(found, format);
    return code;
}

int run_image_history(Globals& globals, const Args& args) {
    std::string format;
    bool full = false, quiet = false;
    std::vector<std::string> names;
    Options options(globals, "image history [OPTIONS] IMAGE", "Show the history of an image");
    options.value("format", format, "Format the output: table, json, or a Go template")
        .flag("no-trunc", full, "Don't truncate output")
        .flag("q,quiet", quiet, "Only show image IDs")
        .arguments(names, 1, 1);
    if (!options.parse(args)) return 0;
    Engine engine = image_engine();
    image::Image image = require_image(engine, names[0]);
    std::vector<PlainJson> rows;
    auto layer = image.layers.begin();
    for (const auto& step : image.history) {
        std::uint64_t size = 0;
        if (!step.empty_layer && layer != image.layers.end()) size = (layer++)->size;
        const std::string by = full ? step.created_by : ellipsis(step.created_by, 45);
        rows.push_back({{"ID", "<missing>"},
                        {"CreatedSince", since(step.created)},
                        {"CreatedAt", step.created},
                        {"CreatedBy", by},
                        {"Size", human_size(static_cast<double>(size), 3)},
                        {"Comment", step.comment}});
    }
    std::reverse(rows.begin(), rows.end());
    if (!rows.empty()) rows.front()["ID"] = full ? image.id : short_id(image.id);
    if (quiet) {
        for (const auto& row : rows) std::puts(row["ID"].get<std::string>().c_str());
        return 0;
    }
    const PlainJson headers{
        {"ID", "IMAGE"},  {"CreatedSince", "CREATED"}, {"CreatedAt", "CREATED AT"}, {"CreatedBy", "CREATED BY"},
        {"Size", "SIZE"}, {"Comment", "COMMENT"}};
    std::fputs(
        render_list(ListFormat::parse(format), rows, {"ID", "CreatedSince", "CreatedBy", "Size", "Comment"}, headers)
            .c_str(),
        stdout);
    return 0;
}

} // namespace davit::cli
