#include "build/cache_images.hpp"

#include "base/error.hpp"
#include "base/json_read.hpp"
#include "base/sys.hpp"
#include "build/image_config.hpp"
#include "build/layer_blobs.hpp"
#include "image/archive.hpp"
#include "image/platform.hpp"
#include "image/pull.hpp"
#include "image/push.hpp"

#include <algorithm>
#include <map>
#include <set>

namespace davit::build {

namespace {

constexpr const char* records_key = "dev.davit.buildcache.v1";

struct CachePlace {
    std::string type;
    std::map<std::string, std::string> attributes;
    std::string operator[](const char* key) const {
        const auto it = attributes.find(key);
        return it == attributes.end() ? std::string() : it->second;
    }
};

// "type=local,dest=DIR"; a name alone is an image of a registry.
CachePlace place_of(const std::string& text) {
    CachePlace out;
    if (text.find('=') == std::string::npos) {
        out.type = "registry";
        out.attributes["ref"] = text;
        return out;
    }
    for (std::size_t at = 0, end; at <= text.size(); at = end + 1) {
        end = std::min(text.find(',', at), text.size());
        const std::string field = text.substr(at, end - at);
        const std::size_t equals = field.find('=');
        if (equals == std::string::npos)
            throw error(Errc::usage, "invalid value {} in --cache-to or --cache-from", field);
        if (field.substr(0, equals) == "type") out.type = field.substr(equals + 1);
        else out.attributes[field.substr(0, equals)] = field.substr(equals + 1);
    }
    return out;
}

// Docker's hosts of caches, which need its own services: known, and without effect.
bool is_foreign(const std::string& type) { return type == "gha" || type == "s3" || type == "azblob"; }

std::vector<image::StepRecord> records_for(const Session& session, const Built& built, bool all) {
    std::vector<image::StepRecord> out = session.used();
    if (all) return out;
    std::set<std::string> wanted;
    for (const auto& layer : built.state.layers) wanted.insert(layer.diff_id);
    std::erase_if(out, [&](const auto& r) { return r.layer && !wanted.contains(r.layer->diff_id); });
    return out;
}

Json records_json(const std::vector<image::StepRecord>& records) {
    Json out = Json::array();
    for (const auto& r : records) {
        Json one{{"key", r.key}, {"result", r.result}, {"created", r.created}, {"description", r.description}};
        if (r.layer) one["diff_id"] = r.layer->diff_id;
        out.push_back(std::move(one));
    }
    return out;
}

// An image that nobody runs: its layers do not follow each other. The lease keeps it.
image::Image cache_image(Session& session, image::Lease& lease, const Built& built, bool all) {
    const auto records = records_for(session, built, all);
    std::map<std::string, image::Layer> layers;
    for (const auto& record : records)
        if (record.layer) layers.emplace(record.layer->diff_id, *record.layer);
    ImageDescription description;
    description.platform = image::parse_platform(built.file.platform);
    std::vector<image::Layer> list;
    for (const auto& [diff_id, layer] : layers) {
        description.diff_ids.push_back(diff_id);
        list.push_back(layer);
    }
    Json config = Json::parse(configuration_json(description, ""));
    config[records_key] = records_json(records);
    return image::put_image(session.store, lease, config.dump(-1, ' ', false, Json::error_handler_t::replace), list);
}

void forget(Session& session, const std::string& id) {
    image::RemoveOptions options;
    options.no_prune = true;
    session.store.remove(id, options);
}

void take_records(Session& session, const image::Image& image) {
    const Json config = parse_untrusted(session.store.config_json(image));
    const auto records = config.is_object() ? config.find(records_key) : config.end();
    if (!config.is_object() || records == config.end() || !records->is_array()) {
        session.progress.warning("the image of --cache-from holds no cache that davit has written");
        return;
    }
    for (const Json& one : *records) {
        if (!one.is_object()) continue;
        image::StepRecord record;
        record.key = text_of(one, "key");
        record.result = text_of(one, "result");
        record.created = text_of(one, "created");
        record.description = text_of(one, "description");
        const std::string diff_id = text_of(one, "diff_id");
        const auto layer = std::find_if(image.layers.begin(), image.layers.end(),
                                        [&](const image::Layer& l) { return l.diff_id == diff_id; });
        if (layer != image.layers.end()) record.layer = *layer;
        if (registry::is_digest(record.key) && registry::is_digest(record.result) &&
            !session.records.find(record.key, session.lease))
            session.records.put(record);
    }
}

void import_one(Session& session, const CachePlace& place) {
    if (place.type == "local") {
        const auto before = session.store.impl().image_ids();
        const auto loaded = image::load(session.store, place["src"], {{}, session.stop(), false});
        for (const auto& one : loaded) {
            {
                image::Lease lease = session.store.empty_lease(); // not the build's: the image goes now
                session.store.extend(lease, one.image.id);
                take_records(session, one.image);
            }
            const bool ours = std::find(before.begin(), before.end(), one.image.id) == before.end();
            const auto now = session.store.find(one.image.id);
            if (ours && now && now->tags.empty()) forget(session, one.image.id);
        }
    } else if (place.type == "registry") {
        const auto reference = registry::Reference::parse(place["ref"]);
        // The registry's is newer than what an earlier build has left; an image of inline cache may be here only.
        const auto here = session.store.find(reference);
        const auto several = session.store.index_of(reference);
        if (here) session.store.extend(session.lease, here->id); // without a name for a moment
        try {
            const image::Image image = session.pull(place["ref"], {});
            take_records(session, image);
            // What the registry has is looked at: the name means what it meant.
            if (!here) session.store.remove(place["ref"], {false, true, {}});
            else if (several) session.store.tag(*several, reference);
            else session.store.tag(*here, reference);
        } catch (const Error& e) {
            if (!here || e.kind() == Errc::interrupted) throw;
            take_records(session, *here);
        }
    } else if (!is_foreign(place.type)) {
        throw error(Errc::unsupported, "unknown cache importer: {}", place.type);
    }
}

std::string send_cache(Session& session, const Built& built, const CachePlace& place) {
    image::Lease lease = session.store.empty_lease(); // not the build's: the image goes when it is sent
    const image::Image image = cache_image(session, lease, built, place["mode"] == "max");
    if (place.type == "local") {
        sys::make_dirs(place["dest"], 0755);
        image::save_layout(session.store, {image.id}, place["dest"], {{}, layer_blobs(), {}});
    } else {
        const auto reference = registry::Reference::parse(place["ref"]);
        const auto before = session.store.find(reference); // whose name it is on this machine
        const auto several = session.store.index_of(reference);
        session.store.tag(image, reference);
        image::PushOptions how;
        registry::read_daemon_config(how);
        how.blobs = layer_blobs();
        how.stop = session.stop();
        image::push(session.store, reference, how);
        if (several) session.store.tag(*several, reference);
        else if (before) session.store.tag(*before, reference);
    }
    return image.id;
}

void export_one(Session& session, const Built& built, const CachePlace& place) {
    const std::string id = send_cache(session, built, place);
    if (session.store.find(id)) forget(session, id);
}

} // namespace

void check_caches(const BuildRequest& request) {
    for (const auto& text : request.cache_to) {
        const CachePlace place = place_of(text);
        if (is_foreign(place.type) || place.type == "inline") continue;
        if (place.type != "local" && place.type != "registry")
            throw error(Errc::usage, "unknown cache exporter: \"{}\"", place.type)
                .with_hint("local, registry or inline");
        if (place[place.type == "local" ? "dest" : "ref"].empty())
            throw error(Errc::usage, "--cache-to {} needs {}", text,
                        place.type == "local" ? "dest=DIRECTORY" : "ref=IMAGE");
    }
}

void import_caches(Session& session) {
    for (const auto& text : session.request.cache_from) {
        session.check_stop();
        try {
            const CachePlace place = place_of(text);
            session.progress.during("importing cache manifest from " + text, [&](int) { import_one(session, place); });
        } catch (const Error& e) {
            if (e.kind() == Errc::interrupted) throw;
            session.progress.warning("--cache-from " + text + ": " + e.what());
        }
    }
}

void export_caches(Session& session, const Built& built) {
    for (const auto& text : session.request.cache_to) {
        const CachePlace place = place_of(text);
        if (place.type == "inline") continue;
        if (is_foreign(place.type)) {
            session.progress.warning("--cache-to type=" + place.type +
                                     " has no effect: it needs a service of BuildKit's");
            continue;
        }
        session.progress.during("exporting cache to " + text, [&](int) { export_one(session, built, place); });
    }
}

bool wants_inline_cache(const BuildRequest& request) {
    return std::any_of(request.cache_to.begin(), request.cache_to.end(),
                       [](const std::string& text) { return place_of(text).type == "inline"; });
}

std::string with_records(const Session& session, const std::string& config_json, const Built& built) {
    Json config = Json::parse(config_json);
    config[records_key] = records_json(records_for(session, built, false));
    return config.dump(-1, ' ', false, Json::error_handler_t::replace);
}

} // namespace davit::build
