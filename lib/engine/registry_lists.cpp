// Lists of several platforms' manifests, put together at the registry: nothing of it comes into the store.
#include "davit/registry.hpp"

#include "base/error.hpp"
#include "base/hash.hpp"
#include "image/manifest.hpp"
#include "registry/push.hpp"
#include "registry/reference.hpp"
#include "registry/remote_image.hpp"

#include <utility>

namespace davit {

namespace {

constexpr std::size_t most_config = 8 << 20;

registry::RegistryOptions list_options(const std::string& domain, bool insecure, std::stop_token stop) {
    registry::RegistryOptions out;
    registry::read_daemon_config(out);
    out.stop = std::move(stop);
    if (insecure) out.insecure_registries.push_back(domain);
    return out;
}

registry::RegistryClient client_for(const registry::Reference& reference, registry::Purpose purpose, bool insecure,
                                    std::stop_token stop) {
    const registry::RegistryOptions options = list_options(reference.domain(), insecure, std::move(stop));
    return {registry::registry_endpoint(reference.domain(), options.insecure_registries), reference.path(), options,
            purpose};
}

// What another repository has, into this one.
class Copier {
public:
    Copier(const registry::Reference& from, const registry::Reference& to, registry::RegistryClient& source,
           registry::Uploader& target, const std::stop_token& stop)
        : from_(from), to_(to), source_(source), target_(target), stop_(stop) {}

    void manifest(const std::string& digest) {
        const auto document = source_.manifest(digest);
        if (image::kind_of_document(document.bytes) == image::DocumentKind::index) {
            for (const auto& entry : image::parse_index(document.bytes)) manifest(entry.digest);
        } else {
            const image::Manifest parsed = image::parse_manifest(document.bytes);
            blob(parsed.config);
            for (const auto& layer : parsed.layers) blob(layer);
        }
        target_.manifest(digest, digest, document.media_type, document.bytes, stop_);
    }

private:
    void blob(const registry::Descriptor& descriptor) {
        registry::BlobPush push;
        push.blob = descriptor;
        if (from_.domain() == to_.domain()) push.sources = {from_.path()};
        push.open = [&](std::uint64_t offset) { return source_.blob(descriptor, offset, stop_); };
        target_.push(push, stop_);
    }

    const registry::Reference &from_, &to_;
    registry::RegistryClient& source_;
    registry::Uploader& target_;
    const std::stop_token& stop_;
};

} // namespace

image::Platform remote_platform(const std::string& image, const RemoteManifest& manifest, bool insecure,
                                std::stop_token stop) {
    const auto reference = registry::Reference::parse(image);
    const image::Manifest parsed = image::parse_manifest(manifest.bytes);
    registry::RemoteImage remote(reference, list_options(reference.domain(), insecure, std::move(stop)));
    return image::parse_configuration(remote.blob(parsed.config, most_config)).platform;
}

std::string push_list(const RemoteList& list, bool insecure, std::stop_token stop) {
    const auto to = registry::Reference::parse(list.name);
    if (!to.digest().empty())
        throw error(Errc::usage, "a name with a digest cannot be pushed").with_hint("name it by its tag");
    return in_context("pushing " + to.familiar(), [&] {
        registry::RegistryClient target = client_for(to, registry::Purpose::push, insecure, stop);
        registry::Uploader uploader(target);
        for (const std::string& text : list.sources) {
            const auto from = registry::Reference::parse(text);
            if (from.domain() == to.domain() && from.path() == to.path()) continue;
            if (from.domain() == to.domain()) target.want("repository:" + from.path() + ":pull");
            registry::RegistryClient source = client_for(from, registry::Purpose::pull, insecure, stop);
            Copier(from, to, source, uploader, stop).manifest(from.digest());
        }
        const std::string digest = "sha256:" + sha256_hex(list.bytes);
        uploader.manifest(to.tag(), digest, list.media_type, list.bytes, stop);
        return digest;
    });
}

} // namespace davit
