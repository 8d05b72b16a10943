#include "davit/publish.hpp"

#include "base/date.hpp"
#include "base/error.hpp"
#include "base/hash.hpp"
#include "base/sys.hpp"
#include "registry/copy.hpp"
#include "registry/push.hpp"
#include "registry/reference.hpp"
#include "remote/artifact_types.hpp"
#include "remote/project_artifact.hpp"

#include <algorithm>

namespace davit {

namespace {

registry::RegistryOptions options_of(const Publication& publication, const registry::Reference& to,
                                     const std::stop_token& stop) {
    registry::RegistryOptions out;
    registry::read_daemon_config(out);
    out.stop = stop;
    if (publication.insecure) out.insecure_registries.push_back(to.domain());
    return out;
}

class ProjectPush {
public:
    ProjectPush(const Publication& publication, const registry::Reference& reference, const std::stop_token& stop)
        : publication_(publication), reference_(reference), options_(options_of(publication, reference, stop)),
          client_(registry::registry_endpoint(reference.domain(), options_.insecure_registries), reference.path(),
                  options_, registry::Purpose::push),
          uploader_(client_) {}

    registry::Descriptor files() {
        const std::string version = publication_.oci_version.empty() ? "1.1" : publication_.oci_version;
        try {
            return artifact(version);
        } catch (const Error& e) {
            // A registry that does not know artifacts refuses the manifest: neither login nor network is to blame.
            const bool unknown =
                e.kind() != Errc::denied && e.kind() != Errc::unavailable && e.kind() != Errc::interrupted;
            if (!publication_.oci_version.empty() || !unknown) throw;
            return artifact("1.0");
        }
    }

    // The images into the repository, and an index of them that refers to the project. It has no tag: it is found as
    // what refers to the project's manifest.
    std::string images(const registry::Descriptor& project, const std::function<void(const std::string&)>& copied) {
        registry::Copier copier(reference_, client_, uploader_, options_.stop);
        std::vector<remote::CopiedImage> all;
        for (const std::string& name : publication_.images) {
            const auto from = registry::Reference::parse(name);
            registry::RegistryClient source(registry::registry_endpoint(from.domain(), options_.insecure_registries),
                                            from.path(), options_);
            const auto manifest = copier.copy(from, source);
            const bool known = std::any_of(all.begin(), all.end(),
                                           [&](const auto& one) { return one.manifest.digest == manifest.digest; });
            if (!known) all.push_back({from.domain(), from.path(), manifest});
            if (copied) copied(name);
        }
        const std::string index = remote::images_index(all, project, artifact_type_);
        const std::string digest = "sha256:" + sha256_hex(index);
        if (!uploader_.manifest(digest, digest, registry::media::oci_index, index, options_.stop))
            list_referrer(project.digest, {registry::media::oci_index, digest, index.size(), std::nullopt, {}});
        return digest;
    }

private:
    registry::Descriptor artifact(const std::string& version) {
        const auto artifact = remote::project_artifact(publication_.files, version, rfc3339(sys::realtime_ns()));
        for (const auto& blob : artifact.blobs) {
            registry::BlobPush push;
            push.blob = {blob.media_type, blob.digest, blob.bytes.size(), std::nullopt, {}};
            push.open = [&](std::uint64_t offset) {
                return std::make_unique<archive::MemorySource>(blob.bytes.substr(offset));
            };
            uploader_.push(push, options_.stop);
        }
        const std::string digest = "sha256:" + sha256_hex(artifact.manifest);
        const std::string& selector = reference_.tag().empty() ? digest : reference_.tag();
        uploader_.manifest(selector, digest, remote::media::manifest, artifact.manifest, options_.stop);
        artifact_type_ = version == "1.0" ? "" : remote::media::project;
        return {remote::media::manifest, digest, artifact.manifest.size(), std::nullopt, {}};
    }

    // Where a registry keeps no list of what refers to a manifest, a tag is that list (distribution-spec 1.1).
    void list_referrer(const std::string& subject, const registry::Descriptor& referrer) {
        std::string tag = subject, before;
        std::replace(tag.begin(), tag.end(), ':', '-');
        try {
            before = client_.manifest(tag).bytes;
        } catch (const Error& e) {
            if (e.kind() != Errc::not_found) throw;
        }
        const std::string list = remote::with_referrer(before, referrer);
        uploader_.manifest(tag, "sha256:" + sha256_hex(list), registry::media::oci_index, list, options_.stop);
    }

    const Publication& publication_;
    const registry::Reference& reference_;
    registry::RegistryOptions options_;
    registry::RegistryClient client_;
    registry::Uploader uploader_;
    std::string artifact_type_;
};

} // namespace

PublishedProject publish(const Publication& publication, const std::string& repository, std::stop_token stop,
                         const std::function<void(const std::string& image)>& copied) {
    const auto reference = registry::Reference::parse(repository);
    if (!reference.digest().empty())
        throw error(Errc::usage, "a name with a digest cannot be published").with_hint("name it by its tag");
    return in_context("publishing " + reference.familiar(), [&] {
        ProjectPush push(publication, reference, stop);
        const auto project = push.files();
        PublishedProject out{reference.canonical(), project.digest, {}};
        if (!publication.images.empty()) out.images = push.images(project, copied);
        return out;
    });
}

} // namespace davit
