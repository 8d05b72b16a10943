#include "image/manifest.hpp"

#include "base/error.hpp"
#include "base/hash.hpp"
#include "base/json_read.hpp"
#include "image/platform.hpp"
#include "registry/reference.hpp"

#include <algorithm>

namespace davit::image {

namespace {

Json parse_json(std::string_view text, const char* what) {
    Json json = parse_untrusted(text);
    if (!json.is_object()) throw error(Errc::failed, "the {} is no JSON object", what);
    return json;
}

registry::Descriptor read_descriptor(const Json& json) {
    registry::Descriptor out;
    out.media_type = text_of(json, "mediaType");
    out.digest = text_of(json, "digest");
    out.size = unsigned_of(json, "size");
    out.annotations = map_of(json, "annotations");
    out.urls = list_of(json, "urls");
    if (!registry::is_digest(out.digest)) throw error(Errc::failed, "'{}' is no digest", out.digest);
    if (const Json* p = object_of(json, "platform"))
        out.platform = normalized({text_of(*p, "os"), text_of(*p, "architecture"), text_of(*p, "variant")});
    return out;
}

std::vector<registry::Descriptor> read_descriptors(const Json& json, const char* key) {
    std::vector<registry::Descriptor> out;
    auto it = json.find(key);
    if (it == json.end() || !it->is_array()) throw error(Errc::failed, "'{}' is no list", key);
    for (const Json& entry : *it) {
        if (!entry.is_object()) throw error(Errc::failed, "an entry of '{}' is no object", key);
        out.push_back(read_descriptor(entry));
    }
    return out;
}

std::vector<std::string> keys_of(const Json& json, const char* key) {
    std::vector<std::string> out;
    if (const Json* object = object_of(json, key))
        for (const auto& [name, value] : object->items()) out.push_back(name);
    std::sort(out.begin(), out.end());
    return out;
}

std::optional<Healthcheck> read_healthcheck(const Json& json) {
    const Json* h = object_of(json, "Healthcheck");
    if (!h) return std::nullopt;
    auto duration = [&](const char* key) {
        return std::chrono::nanoseconds(static_cast<std::int64_t>(unsigned_of(*h, key)));
    };
    Healthcheck out;
    out.test = list_of(*h, "Test");
    out.interval = duration("Interval");
    out.timeout = duration("Timeout");
    out.start_period = duration("StartPeriod");
    out.start_interval = duration("StartInterval");
    out.retries = static_cast<int>(std::min<std::uint64_t>(unsigned_of(*h, "Retries"), 1 << 20));
    return out;
}

Config read_config(const Json& json) {
    Config out;
    out.user = text_of(json, "User");
    out.env = list_of(json, "Env");
    out.entrypoint = list_of(json, "Entrypoint");
    out.cmd = list_of(json, "Cmd");
    out.working_dir = text_of(json, "WorkingDir");
    out.volumes = keys_of(json, "Volumes");
    out.exposed_ports = keys_of(json, "ExposedPorts");
    out.labels = map_of(json, "Labels");
    out.stop_signal = text_of(json, "StopSignal");
    out.healthcheck = read_healthcheck(json);
    out.shell = list_of(json, "Shell");
    out.onbuild = list_of(json, "OnBuild");
    return out;
}

} // namespace

DocumentKind kind_of_document(std::string_view text) {
    Json json = parse_json(text, "manifest");
    const bool index = json.contains("manifests"), layers = json.contains("layers") || json.contains("config");
    if (json.contains("fsLayers") || (json.contains("schemaVersion") && json["schemaVersion"] == 1))
        throw error(Errc::unsupported, "the manifest is of Docker's old schema 1")
            .with_hint("push the image again with any tool of the past eight years");
    if (index == layers)
        throw error(Errc::failed, "{}",
                    index ? "the manifest claims to be an index as well"
                          : "the document is neither a manifest nor an index");
    return index ? DocumentKind::index : DocumentKind::manifest;
}

Manifest parse_manifest(std::string_view text) {
    Json json = parse_json(text, "manifest");
    Manifest out;
    out.media_type = text_of(json, "mediaType");
    const Json* config = object_of(json, "config");
    if (!config) throw error(Errc::failed, "the manifest names no configuration");
    out.config = read_descriptor(*config);
    out.layers = read_descriptors(json, "layers");
    out.annotations = map_of(json, "annotations");
    const std::string artifact = text_of(json, "artifactType");
    const std::string& type = out.config.media_type;
    const bool is_image = type.empty() || type == registry::media::oci_config ||
                          type == "application/vnd.docker.container.image.v1+json" ||
                          type == "application/octet-stream";
    if (!artifact.empty() || !is_image)
        throw error(Errc::unsupported, "the manifest is of an artifact ({}), not of an image that can run",
                    artifact.empty() ? type : artifact);
    return out;
}

std::vector<registry::Descriptor> parse_index(std::string_view text) {
    return read_descriptors(parse_json(text, "index"), "manifests");
}

ImageConfiguration parse_configuration(std::string_view text) {
    Json json = parse_json(text, "image configuration");
    ImageConfiguration out;
    if (const Json* config = object_of(json, "config")) out.config = read_config(*config);
    out.platform = normalized({text_of(json, "os"), text_of(json, "architecture"), text_of(json, "variant")});
    out.created = text_of(json, "created");
    out.author = text_of(json, "author");
    if (auto it = json.find("history"); it != json.end() && it->is_array())
        for (const Json& h : *it) {
            if (!h.is_object()) continue;
            auto empty = h.find("empty_layer");
            out.history.push_back({text_of(h, "created"), text_of(h, "created_by"), text_of(h, "author"),
                                   text_of(h, "comment"),
                                   empty != h.end() && empty->is_boolean() && empty->get<bool>()});
        }
    const Json* rootfs = object_of(json, "rootfs");
    if (!rootfs) throw error(Errc::failed, "the image configuration has no rootfs");
    out.diff_ids = list_of(*rootfs, "diff_ids");
    for (const auto& id : out.diff_ids)
        if (!registry::is_digest(id))
            throw error(Errc::failed, "the layer id '{}' of the image configuration is no digest", id);
    return out;
}

std::string write_manifest(const Manifest& manifest) {
    auto descriptor = [](const registry::Descriptor& d) {
        Json out{{"mediaType", d.media_type}, {"digest", d.digest}, {"size", d.size}};
        if (!d.urls.empty()) out["urls"] = d.urls;
        return out;
    };
    Json json{{"schemaVersion", 2},
              {"mediaType", manifest.media_type},
              {"config", descriptor(manifest.config)},
              {"layers", Json::array()}};
    for (const auto& layer : manifest.layers) json["layers"].push_back(descriptor(layer));
    if (!manifest.annotations.empty()) json["annotations"] = manifest.annotations;
    return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string write_index(const std::vector<registry::Descriptor>& manifests,
                        const std::map<std::string, std::string>& annotations, const std::string& media_type) {
    Json json{{"schemaVersion", 2}, {"mediaType", media_type}, {"manifests", Json::array()}};
    for (const auto& m : manifests) {
        Json entry{{"mediaType", m.media_type}, {"digest", m.digest}, {"size", m.size}};
        if (m.platform) {
            entry["platform"] = {{"architecture", m.platform->architecture}, {"os", m.platform->os}};
            if (!m.platform->variant.empty()) entry["platform"]["variant"] = m.platform->variant;
        }
        if (!m.annotations.empty()) entry["annotations"] = m.annotations;
        json["manifests"].push_back(std::move(entry));
    }
    if (!annotations.empty()) json["annotations"] = annotations;
    return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::optional<Attestation> parse_attestation(std::string_view text) {
    const Json json = parse_untrusted(text);
    if (!json.is_object() || text_of(json, "artifactType") != attestation_type) return std::nullopt;
    const Json* subject = object_of(json, "subject");
    const Json* config = object_of(json, "config");
    if (!subject || !config) return std::nullopt;
    try {
        Attestation out;
        out.subject = read_descriptor(*subject).digest;
        out.blobs = read_descriptors(json, "layers");
        out.blobs.push_back(read_descriptor(*config));
        return out;
    } catch (const Error&) { // the image that it comes with is no worse for that
        return std::nullopt;
    }
}

std::string write_attestation(const registry::Descriptor& subject, const registry::Descriptor& config,
                              const std::vector<registry::Descriptor>& statements) {
    const auto descriptor = [](const registry::Descriptor& d) {
        Json out{{"mediaType", d.media_type}, {"digest", d.digest}, {"size", d.size}};
        if (!d.annotations.empty()) out["annotations"] = d.annotations;
        return out;
    };
    Json json{{"schemaVersion", 2},
              {"mediaType", registry::media::oci_manifest},
              {"artifactType", attestation_type},
              {"config", descriptor(config)},
              {"layers", Json::array()},
              {"subject", descriptor(subject)}};
    for (const auto& statement : statements) json["layers"].push_back(descriptor(statement));
    return json.dump();
}

std::string rewrite_index(const std::string& text, const std::map<std::string, registry::Descriptor>& manifests) {
    Json json = parse_json(text, "index");
    const std::size_t listed = read_descriptors(json, "manifests").size(); // checked
    bool changed = false;
    Json entries = Json::array();
    for (Json& entry : json["manifests"]) {
        const auto with = manifests.find(text_of(entry, "digest"));
        if (with == manifests.end()) continue;
        if (with->first != with->second.digest) {
            changed = true;
            entry["mediaType"] = with->second.media_type;
            entry["digest"] = with->second.digest;
            entry["size"] = with->second.size;
        }
        entries.push_back(std::move(entry));
    }
    if (!changed && entries.size() == listed) return text;
    json["manifests"] = std::move(entries);
    return json.dump();
}

std::string chain_id(const std::vector<std::string>& diff_ids, std::size_t n) {
    std::string chain;
    for (std::size_t i = 0; i < n; ++i)
        chain = i == 0 ? diff_ids[0] : "sha256:" + sha256_hex(chain + " " + diff_ids[i]);
    return chain;
}

} // namespace davit::image
