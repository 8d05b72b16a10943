#include "remote/project_artifact.hpp"

#include "base/hash.hpp"
#include "davit/version.hpp"
#include "remote/artifact_types.hpp"

#include <nlohmann/json.hpp>

namespace davit::remote {

namespace {

using Json = nlohmann::ordered_json;

ArtifactBlob blob_of(const char* media_type, const std::string& bytes) {
    return {media_type, "sha256:" + sha256_hex(bytes), bytes};
}

Json descriptor(const ArtifactBlob& blob) {
    return {{"mediaType", blob.media_type}, {"digest", blob.digest}, {"size", blob.bytes.size()}};
}

Json layer(const PublishedFile& file, const ArtifactBlob& blob) {
    Json out = descriptor(blob);
    Json& notes = out["annotations"];
    notes[annotation::version] = version();
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
    Json manifest{{"schemaVersion", 2}, {"mediaType", media::manifest}};
    if (typed) manifest["artifactType"] = media::project;
    manifest["config"] = descriptor(out.blobs.front());
    manifest["layers"] = Json::array();
    for (const PublishedFile& file : files) {
        const bool env = file.kind == PublishedFile::Kind::env_file;
        out.blobs.push_back(blob_of(env ? media::env_file : media::compose_file, file.bytes));
        manifest["layers"].push_back(layer(file, out.blobs.back()));
    }
    manifest["annotations"] = {{"org.opencontainers.image.created", created}};
    out.manifest = manifest.dump(-1, ' ', false, Json::error_handler_t::replace);
    return out;
}

} // namespace davit::remote
