// `image inspect` and `image history`.
#include "cli/cmd/image.hpp"

#include "base/date.hpp"
#include "base/error.hpp"
#include "base/sys.hpp"
#include "cli/client_config.hpp"
#include "cli/cmd/inspected.hpp"
#include "cli/format/container.hpp"
#include "cli/format/image_list.hpp"
#include "cli/format/size.hpp"
#include "cli/format/template.hpp"
#include "cli/options.hpp"
#include "davit/inspect.hpp"

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>

namespace davit::cli {

int run_image_inspect(Globals& globals, const Args& args) {
    std::string format, platform;
    std::vector<std::string> names;
    Options options(globals, "image inspect [OPTIONS] IMAGE [IMAGE...]",
                    "Display detailed information on one or more images");
    options.value("f,format", format, "Format the output: json, or a Go template")
        .value("platform", platform, "Inspect a specific platform of the multi-platform image")
        .arguments(names, 1);
    if (!options.parse(args)) return 0;
    Engine engine = image_engine();
    return inspect_each(
        names, format, [&](const std::string& name) { return inspect(engine, require_image(engine, name, platform)); },
        image_zeros);
}

int run_image_history(Globals& globals, const Args& args) {
    std::string format, platform;
    bool full = false, quiet = false, human = true;
    std::vector<std::string> names;
    Options options(globals, "image history [OPTIONS] IMAGE", "Show the history of an image");
    options.value("format", format, "Format the output: table, json, or a Go template")
        .flag("H,human", human, "Print sizes and dates in human readable format (default true)")
        .flag("no-trunc", full, "Don't truncate output")
        .value("platform", platform, "Show history for the given platform")
        .flag("q,quiet", quiet, "Only show image IDs")
        .arguments(names, 1, 1);
    if (!options.parse(args)) return 0;
    Engine engine = image_engine();
    const image::Image image = require_image(engine, names[0], platform);
    const std::int64_t now = sys::realtime_ns();
    std::vector<nlohmann::json> rows;
    auto layer = image.layers.begin();
    for (const auto& step : image.history) {
        std::uint64_t size = 0;
        if (!step.empty_layer && layer != image.layers.end()) size = (layer++)->size;
        const bool dated = parse_rfc3339(step.created).value_or(0) > 0; // what is told of 1970 is not known
        rows.push_back({{"ID", "<missing>"},
                        {"CreatedSince", !human  ? step.created
                                         : dated ? age_text(step.created, now)
                                                 : "N/A"},
                        {"CreatedAt", step.created},
                        {"CreatedBy", full ? step.created_by : ellipsis(step.created_by, 45)},
                        {"Size", human ? human_size(static_cast<double>(size), 3) : std::to_string(size)},
                        {"Comment", step.comment}});
    }
    std::reverse(rows.begin(), rows.end());
    if (!rows.empty()) rows.front()["ID"] = full ? image.id : short_id(image.id);
    if (quiet && is_table(format)) {
        for (const auto& row : rows) std::puts(row["ID"].get<std::string>().c_str());
        return 0;
    }
    const nlohmann::json headers{{"ID", "IMAGE"},
                                 {"CreatedSince", human ? "CREATED" : "CREATED AT"},
                                 {"CreatedAt", "CREATED AT"},
                                 {"CreatedBy", "CREATED BY"},
                                 {"Size", "SIZE"},
                                 {"Comment", "COMMENT"}};
    std::fputs(render_list(ListFormat::parse(format, "image.historyContext"), rows,
                           {"ID", "CreatedSince", "CreatedBy", "Size", "Comment"}, headers)
                   .c_str(),
               stdout);
    return 0;
}

} // namespace davit::cli
