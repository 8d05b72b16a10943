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

// What nothing but inspect asks for.
bool are_args_escaped(const std::string& configuration) {
    const auto document = nlohmann::json::parse(configuration, nullptr, false);
    const auto value = nlohmann::json::json_pointer("/config/ArgsEscaped");
    return document.is_object() && document.contains(value) && document[value] == true;
}

// What is empty is left out, as docker does.
Json image_config(const image::Config& c, bool args_escaped) {
    Json out = Json::object();
    const auto put = [&](const char* key, const auto& value) {
        if (!value.empty()) out[key] = value;
    };
    put("User", c.user);
    if (!c.exposed_ports.empty()) out["ExposedPorts"] = set_of<Json>(c.exposed_ports);
    put("Env", c.env);
    put("Entrypoint", c.entrypoint);
    put("Cmd", c.cmd);
    if (!c.volumes.empty()) out["Volumes"] = set_of<Json>(c.volumes);
    put("WorkingDir", c.working_dir);
    put("Labels", c.labels);
    put("StopSignal", c.stop_signal);
    if (args_escaped) out["ArgsEscaped"] = true;
    if (c.healthcheck) {
        Json h{{"Test", c.healthcheck->test}};
        const auto put_number = [&](const char* key, std::int64_t value) {
            if (value) h[key] = value;
        };
        put_number("Interval", c.healthcheck->interval.count());
        put_number("Timeout", c.healthcheck->timeout.count());
        put_number("StartPeriod", c.healthcheck->start_period.count());
        put_number("StartInterval", c.healthcheck->start_interval.count());
        put_number("Retries", c.healthcheck->retries);
        out["Healthcheck"] = h;
    }
    put("OnBuild", c.onbuild);
    put("Shell", c.shell);
    return out;
}

Json descriptor_of(const registry::Descriptor& d) {
    Json out{{"mediaType", d.media_type}, {"digest", d.digest}, {"size", d.size}};
    if (!d.annotations.empty()) out["annotations"] = d.annotations;
    return out;
}

// What its name stands for: its manifest, or the index of several platforms.
Json target_of(const image::Store& store, const image::Image& image) {
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
    using documents::Json;
    const image::Store store(roots_of(engine).images());
    Json diff_ids = Json::array(), lowers = Json::array();
    for (const auto& layer : image.layers) diff_ids.push_back(layer.diff_id);
    for (const auto& path : layer_directories(engine, image)) lowers.push_back(path);
    Json document = {{"Id", image.id}, {"RepoTags", image.tags}, {"RepoDigests", repository_digests(engine, image)}};
    const auto put = [&](const char* key, const std::string& value) {
        if (!value.empty()) document[key] = value;
    };
    // Of its last step, as docker shows commits' and imports' messages.
    if (!image.history.empty()) put("Comment", image.history.back().comment);
    put("Created", image.created);
    put("Author", image.author);
    document["Config"] = documents::image_config(image.config, documents::are_args_escaped(store.config_json(image)));
    document["Architecture"] = image.platform.architecture;
    put("Variant", image.platform.variant);
    document["Os"] = image.platform.os;
    document["Size"] = image.size;
    document["GraphDriver"] = {{"Name", "overlay"},
                               {"Data", {{"LowerDirs", lowers}}}}; // davit's own: what it consists of
    document["RootFS"] = {{"Type", "layers"}, {"Layers", diff_ids}};
    document["Metadata"] = {{"LastTagTime", documents::last_tagged(store, image)}};
    document["Descriptor"] = documents::target_of(store, image);
    return documents::text_of(document);
}

} // namespace davit
