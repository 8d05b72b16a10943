#include "davit/inspect.hpp"

#include "base/date.hpp"
#include "davit/images.hpp"
#include "engine/inspect/image.hpp"
#include "engine/inspect/json_parts.hpp"
#include "engine/roots.hpp"

#include <algorithm>

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

Sorted descriptor_of(const registry::Descriptor& d) {
    Sorted out{{"mediaType", d.media_type}, {"digest", d.digest}, {"size", d.size}};
    if (!d.annotations.empty()) out["annotations"] = d.annotations;
    return out;
}

// What its name stands for: its manifest, or the index of several platforms.
Sorted target_of(const image::Store& store, const image::Image& image) {
    for (const std::string& tag : image.tags)
        if (const auto reference = registry::Reference::try_parse(tag))
            if (const auto index = store.index_of(*reference)) return descriptor_of(index->document);
    return descriptor_of(image_manifest(store, image));
}

// When it was last given one of its names.
std::string last_tagged(const image::Store& store, const image::Image& image) {
    std::int64_t last = 0;
    for (const std::string& tag : image.tags)
        if (const auto reference = registry::Reference::try_parse(tag))
            last = std::max(last, store.named_at(*reference).value_or(0));
    return last ? rfc3339_nano(last) : "0001-01-01T00:00:00Z";
}

} // namespace

registry::Descriptor image_manifest(const image::Store& store, const image::Image& image) {
    const std::string json = store.manifest_json(image);
    const auto parsed = Json::parse(json, nullptr, false);
    std::string type = parsed.is_object() ? parsed.value("mediaType", "") : "";
    if (type.empty()) type = registry::media::oci_manifest;
    return {std::move(type), image.manifest_digest, json.size(), image.platform, {}};
}

} // namespace documents

std::string inspect(Engine& engine, const image::Image& image) {
    using documents::Sorted;
    const image::Store store(roots_of(engine).images());
    Sorted diff_ids = Sorted::array(), lowers = Sorted::array();
    for (const auto& layer : image.layers) diff_ids.push_back(layer.diff_id);
    for (const auto& path : layer_directories(engine, image)) lowers.push_back(path);
    Sorted document = {{"Id", image.id},
                       {"RepoTags", image.tags},
                       {"RepoDigests", repository_digests(engine, image)},
                       {"Created", image.created},
                       {"Author", image.author},
                       {"Architecture", image.platform.architecture},
                       {"Variant", image.platform.variant},
                       {"Os", image.platform.os},
                       {"Size", image.size},
                       {"Config", documents::image_config(image.config)},
                       {"Descriptor", documents::target_of(store, image)},
                       {"Metadata", {{"LastTagTime", documents::last_tagged(store, image)}}},
                       {"GraphDriver", {{"Name", "overlay"}, {"Data", {{"LowerDirs", lowers}}}}},
                       {"RootFS", {{"Type", "layers"}, {"Layers", diff_ids}}}};
    // Of its last step, as docker shows commits' and imports' messages.
    if (!image.history.empty() && !image.history.back().comment.empty())
        document["Comment"] = image.history.back().comment;
    return documents::text_of(document);
}

} // namespace davit
