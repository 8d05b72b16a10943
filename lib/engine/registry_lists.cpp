// Lists of several platforms' manifests, put together at the registry: nothing of it comes into the store.
#include "davit/registry.hpp"

#include "base/error.hpp"
#include "base/hash.hpp"
#include "image/manifest.hpp"
#include "registry/copy.hpp"
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

} // namespace

std::string remote_config(const std::string& image, const RemoteManifest& manifest, bool insecure,
                          std::stop_token stop) {
    const auto reference = registry::Reference::parse(image);
    const image::Manifest parsed = image::parse_manifest(manifest.bytes);
    registry::RemoteImage remote(reference, list_options(reference.domain(), insecure, std::move(stop)));
    return remote.blob(parsed.config, most_config);
}

image::Platform remote_platform(const std::string& image, const RemoteManifest& manifest, bool insecure,
                                std::stop_token stop) {
    return image::parse_configuration(remote_config(image, manifest, insecure, std::move(stop))).platform;
}

std::string push_list(const RemoteList& list, bool insecure, std::stop_token stop) {
    const auto to = registry::Reference::parse(list.name);
    if (!to.digest().empty())
        throw error(Errc::usage, "a name with a digest cannot be pushed").with_hint("name it by its tag");
    return in_context("pushing " + to.familiar(), [&] {
        registry::RegistryClient target = client_for(to, registry::Purpose::push, insecure, stop);
        registry::Uploader uploader(target);
        registry::Copier copier(to, target, uploader, stop);
        for (const std::string& text : list.sources) {
            const auto from = registry::Reference::parse(text);
            if (from.domain() == to.domain() && from.path() == to.path()) continue;
            registry::RegistryClient source = client_for(from, registry::Purpose::pull, insecure, stop);
            copier.copy(from, source);
        }
        const std::string digest = "sha256:" + sha256_hex(list.bytes);
        uploader.manifest(to.tag(), digest, list.media_type, list.bytes, stop);
        return digest;
    });
}

} // namespace davit
