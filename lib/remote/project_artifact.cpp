#include "remote/project_artifact.hpp"

#include "base/hash.hpp"
#include "base/json_read.hpp"
#include "davit/labels.hpp"
#include "remote/artifact_types.hpp"

namespace davit::remote {

namespace {

using Ordered = nlohmann::ordered_json;

ArtifactBlob blob_of(const char* media_type, const std::string& bytes) {
    return {media_type, "sha256:" + sha256_hex(bytes), bytes};
}

Ordered descriptor(const registry::Descriptor& of) {
    return {{"mediaType", of.media_type}, {"digest", of.digest}, {"size", of.size}};
}

Ordered descriptor(const ArtifactBlob& blob) {
    return {{"mediaType", blob.media_type}, {"digest", blob.digest}, {"size", blob.bytes.size()}};
}

Ordered layer(const PublishedFile& file, const ArtifactBlob& blob) {
    Ordered out = descriptor(blob);
    Ordered& notes = out["annotations"];
    notes[annotation::version] = label::compose_version;
    notes[file.kind == PublishedFile::Kind::env_file ? annotation::env_file : annotation::file] = file.name;
    if (file.kind == PublishedFile::Kind::extended) notes[annotation::extends] = "true";
    return out;
}

} // namespace

ProjectArtifact project_artifact(const std::vector<PublishedFile>& files, const std::string& version,
                                 const std::string& created) {
    const bool typed = version != "1.0";
    ProjectArtifact out;
    out.blobs.push_back(blob_of(typed ? media::empty_json : media::empty_config, "{}"));
    Ordered manifest{{"schemaVersion", 2}, {"mediaType", media::manifest}};
    if (typed) manifest["artifactType"] = media::project;
    manifest["config"] = descriptor(out.blobs.front());
    manifest["layers"] = Ordered::array();
    for (const PublishedFile& file : files) {
        const bool env = file.kind == PublishedFile::Kind::env_file;
        out.blobs.push_back(blob_of(env ? media::env_file : media::compose_file, file.bytes));
        manifest["layers"].push_back(layer(file, out.blobs.back()));
    }
    manifest["annotations"] = {{"org.opencontainers.image.created", created}};
    out.manifest = manifest.dump(-1, ' ', false, Ordered::error_handler_t::replace);
    return out;
}

std::string images_index(const std::vector<CopiedImage>& images, const registry::Descriptor& project,
                         const std::string& artifact_type) {
    Ordered index{{"schemaVersion", 2}, {"mediaType", registry::media::oci_index}, {"manifests", Ordered::array()}};
    for (const CopiedImage& image : images) {
        Ordered one = descriptor(image.manifest);
        one["annotations"] = {{std::string(annotation::source) + "." + image.domain, image.path}};
        index["manifests"].push_back(one);
    }
    const Ordered notes{{annotation::version, label::compose_version}};
    index["subject"] = descriptor(project);
    if (!artifact_type.empty()) index["subject"]["artifactType"] = artifact_type;
    index["subject"]["annotations"] = notes;
    index["annotations"] = notes;
    return index.dump(-1, ' ', false, Ordered::error_handler_t::replace);
}

std::string with_referrer(const std::string& before, const registry::Descriptor& referrer) {
    Ordered index;
    if (parse_untrusted(before).is_object()) index = Ordered::parse(before, nullptr, false);
    if (!index.is_object() || !index.contains("manifests") || !index["manifests"].is_array())
        index = {{"schemaVersion", 2}, {"mediaType", registry::media::oci_index}, {"manifests", Ordered::array()}};
    for (const Ordered& one : index["manifests"])
        if (one.is_object() && one.value("digest", Ordered()) == referrer.digest) return index.dump();
    index["manifests"].push_back(descriptor(referrer));
    return index.dump(-1, ' ', false, Ordered::error_handler_t::replace);
}

} // namespace davit::remote
