#include "image/remote.hpp"

#include "base/error.hpp"
#include "image/ingest.hpp"
#include "image/url.hpp"

#include <algorithm>

namespace davit::image {

namespace {

RegistryEndpoint endpoint_of(const Reference& reference, const PullOptions& options) {
    const std::string host = reference.domain() == "docker.io" ? "registry-1.docker.io" : reference.domain();
    const std::string without_port = host.substr(0, host.rfind(':'));
    const bool insecure =
        is_loopback(host) ||
        std::any_of(options.insecure_registries.begin(), options.insecure_registries.end(),
                    [&](const std::string& listed) { return listed == host || listed == without_port; });
    return {reference.domain(), {"https", host, "/"}, insecure};
}

RegistryOptions registry_options(const PullOptions& options) {
    RegistryOptions out;
    out.credentials = options.credentials ? options.credentials : CredentialSource(default_credentials);
    out.warning = options.warning;
    out.max_attempts = options.max_attempts;
    out.stop = options.stop;
    return out;
}

} // namespace

RemoteImage::RemoteImage(const Reference& reference, const PullOptions& options)
    : reference_(reference), client_(endpoint_of(reference, options), reference.path(), registry_options(options)) {}

std::string RemoteImage::digest() {
    if (!reference_.digest().empty()) return reference_.digest();
    std::string answered = client_.digest_of(reference_.tag());
    return answered.empty() ? manifest().digest : answered; // some registries say it only with the manifest
}

RegistryClient::Document RemoteImage::manifest() { return client_.manifest(reference_.selector()); }

std::string RemoteImage::blob(const Descriptor& descriptor, std::size_t most) {
    if (descriptor.size > most)
        throw error(Errc::failed, "{} of {} has {} bytes, more than the {} expected here", descriptor.digest,
                    reference_.familiar(), descriptor.size, most);
    auto source = client_.blob(descriptor, 0);
    std::string out;
    char buffer[16384];
    while (std::size_t n = source->read(buffer, sizeof buffer)) {
        out.append(buffer, n);
        if (out.size() > most)
            throw error(Errc::failed, "{} of {} is larger than its manifest says", descriptor.digest,
                        reference_.familiar());
    }
    in_context(reference_.familiar(), [&] { verify_bytes(descriptor, out); });
    return out;
}

} // namespace davit::image
