#include "davit/inspect.hpp"

#include "davit/images.hpp"
#include "engine/inspect/json_parts.hpp"

namespace davit {

namespace documents {

namespace {

using Sorted = nlohmann::json; // its keys stand in the order of the alphabet

Sorted image_config(const image::Config& c) {
    Sorted out{{"User", c.user},
               {"Env", list_or_null<Sorted>(c.env)},
               {"Cmd", list_or_null<Sorted>(c.cmd)},
               {"Entrypoint", list_or_null<Sorted>(c.entrypoint)},
               {"WorkingDir", c.working_dir},
               {"Labels", c.labels},
               {"OnBuild", list_or_null<Sorted>(c.onbuild)}};
    if (!c.volumes.empty()) out["Volumes"] = set_of<Sorted>(c.volumes);
    if (!c.exposed_ports.empty()) out["ExposedPorts"] = set_of<Sorted>(c.exposed_ports);
    if (!c.stop_signal.empty()) out["StopSignal"] = c.stop_signal;
    if (!c.shell.empty()) out["Shell"] = c.shell;
    if (c.healthcheck) {
        Sorted h{{"Test", c.healthcheck->test}};
        auto put = [&](const char* key, std::int64_t value) {
            if (value) h[key] = value;
        };
        put("Interval", c.healthcheck->interval.count());
        put("Timeout", c.healthcheck->timeout.count());
        put("StartPeriod", c.healthcheck->start_period.count());
        put("StartInterval", c.healthcheck->start_interval.count());
        put("Retries", c.healthcheck->retries);
        out["Healthcheck"] = h;
    }
    return out;
}

} // namespace

} // namespace documents

std::string inspect(Engine& engine, const image::Image& image) {
    using documents::Sorted;
    Sorted diff_ids = Sorted::array(), lowers = Sorted::array();
    for (const auto& layer : image.layers) diff_ids.push_back(layer.diff_id);
    for (const auto& path : layer_directories(engine, image)) lowers.push_back(path);
    Sorted document = {{"Id", image.id},
                       {"RepoTags", image.tags},
                       {"RepoDigests", image.digests},
                       {"Created", image.created},
                       {"Author", image.author},
                       {"Architecture", image.platform.architecture},
                       {"Variant", image.platform.variant},
                       {"Os", image.platform.os},
                       {"Size", image.size},
                       {"Config", documents::image_config(image.config)},
                       {"Descriptor", {{"digest", image.manifest_digest}}},
                       {"GraphDriver", {{"Name", "overlay"}, {"Data", {{"LowerDirs", lowers}}}}},
                       {"RootFS", {{"Type", "layers"}, {"Layers", diff_ids}}}};
    // Of its last step, as docker shows commits' and imports' messages.
    if (!image.history.empty() && !image.history.back().comment.empty())
        document["Comment"] = image.history.back().comment;
    return documents::text_of(document);
}

} // namespace davit
