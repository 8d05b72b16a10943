#include "build/image_output.hpp"

#include "base/error.hpp"
#include "build/cache_images.hpp"
#include "build/image_config.hpp"
#include "build/layer_blobs.hpp"
#include "build/provenance.hpp"
#include "build/session.hpp"
#include "build/times.hpp"
#include "image/manifest.hpp"
#include "image/platform.hpp"
#include "image/store_impl.hpp"

#include <utility>

namespace davit::build {

namespace {

ImageDescription description_of(const Session& session, const Built& built) {
    ImageDescription out;
    out.platform = image::parse_platform(built.file.platform);
    out.config = built.file.config;
    out.author = built.file.author;
    out.history = built.state.history;
    add_missing(out.history, built.state.made_by, built.state.created);
    fill_times(out.history);
    out.created = built.state.created;
    for (const auto& layer : built.state.layers) out.diff_ids.push_back(layer.diff_id);
    if (const auto epoch = source_date_epoch(session.request)) {
        out.created = rfc3339(*epoch);
        for (std::size_t i = built.state.base_history; i < out.history.size(); ++i)
            out.history[i].created = out.created;
    }
    return out;
}

// The layers with the blobs that are to stand for them. What a base image was pulled as stays, unless it is forced.
std::vector<image::Layer> with_blobs(Session& session, std::vector<image::Layer> layers, const ImageForm& form) {
    std::vector<std::string> diff_ids;
    for (const auto& layer : layers) diff_ids.push_back(layer.diff_id);
    for (std::size_t i = 0; i < layers.size(); ++i) {
        image::Layer& layer = layers[i];
        if (!form.force && session.store.impl().has_blob(layer.digest)) continue; // a plain tar is a blob as well
        const auto blob = image::make_layer_blob(session.store, session.lease, diff_ids, i, layer, layer_blobs(),
                                                 form.compression, form.force, {}, session.stop());
        layer.digest = blob.digest;
        layer.blob_size = blob.size;
        layer.media_type = blob.media_type;
    }
    return layers;
}

image::Image store_one(Session& session, const Built& built, const ImageForm& form) {
    std::string config = configuration_json(description_of(session, built), built.state.config_json);
    if (wants_inline_cache(session.request)) config = with_records(session, config, built);
    image::ManifestForm manifest{form.docker, form.manifest_of(built.file.platform), form.blobs};
    const auto layers = form.blobs ? with_blobs(session, built.state.layers, form) : built.state.layers;
    return image::put_image(session.store, session.lease, config, layers, manifest);
}

registry::Descriptor manifest_of(const Session& session, const image::Image& image) {
    const std::string json = session.store.manifest_json(image);
    const std::string type = image::parse_manifest(json).media_type;
    return {type.empty() ? registry::media::oci_manifest : type, image.manifest_digest, json.size(), std::nullopt, {}};
}

// Its entry in the index.
registry::Descriptor attest(Session& session, const Built& built, const registry::Descriptor& manifest,
                            const std::vector<std::string>& names) {
    const BuildProvenance& wanted = *session.request.provenance;
    auto statement = image::put_document(
        session.store, session.lease, statement_type,
        provenance_statement(wanted, session.request, session.facts(), built, names, manifest.digest));
    statement.annotations["in-toto.io/predicate-type"] = predicate_type(wanted);
    const auto config = image::put_document(session.store, session.lease, "application/vnd.oci.empty.v1+json", "{}");
    auto out = image::put_document(session.store, session.lease, registry::media::oci_manifest,
                                   image::write_attestation(manifest, config, {statement}));
    out.platform = image::Platform{"unknown", "unknown", ""};
    out.annotations = {{image::attested_digest, manifest.digest},
                       {"vnd.docker.reference.type", "attestation-manifest"}};
    return out;
}

} // namespace

StoredImages store_images(Session& session, const std::vector<Built>& built, const BuildOutput& output,
                          const std::vector<std::string>& names) {
    ImageForm form = image_form(output);
    // An archive of Docker's has room for one image and nothing else.
    const bool attested =
        session.request.provenance && !(output.type == BuildOutput::Type::docker && !output.destination.empty());
    if (attested && form.docker) throw error(Errc::usage, "cannot export attestations with \"oci-mediatypes=false\"");
    form.blobs = form.blobs || attested; // a statement is of a manifest that stays as it is
    const bool several = built.size() > 1 || attested;
    if (!several && (!form.index.empty() || !form.index_descriptor.empty()))
        throw error(Errc::usage, "index annotations not supported for single platform export");
    StoredImages out;
    std::vector<registry::Descriptor> listed, attestations;
    std::vector<std::string> ids;
    for (const Built& one : built) {
        out.images.push_back(store_one(session, one, form));
        ids.push_back(out.images.back().id);
        registry::Descriptor manifest = manifest_of(session, out.images.back());
        if (attested) attestations.push_back(attest(session, one, manifest, names));
        manifest.platform = image::parse_platform(one.file.platform);
        manifest.annotations = form.descriptor_of(one.file.platform);
        if (!several) out.descriptor = manifest.annotations;
        listed.push_back(std::move(manifest));
    }
    if (!several) return out;
    out.descriptor = form.index_descriptor;
    listed.insert(listed.end(), attestations.begin(), attestations.end());
    const char* type = form.docker ? registry::media::docker_list : registry::media::oci_index;
    out.index = session.progress.during("exporting manifest list", [&](int) {
        return session.store.put_index(session.lease, image::write_index(listed, form.index, type), type, ids);
    });
    return out;
}

void describe(const Session& session, const StoredImages& stored, BuildResult& result) {
    const registry::Descriptor whole =
        stored.index ? stored.index->document : manifest_of(session, stored.images.front());
    result.manifest_digest = whole.digest;
    result.manifest_type = whole.media_type;
    result.manifest_size = whole.size;
    result.config_digest = stored.index ? "" : stored.images.front().id;
    result.platform = stored.index ? "" : image::to_string(stored.images.front().platform);
    result.descriptor_annotations = stored.descriptor;
}

} // namespace davit::build
