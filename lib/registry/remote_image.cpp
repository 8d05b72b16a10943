#include "registry/remote_image.hpp"

#include "base/error.hpp"

namespace davit::registry {

RemoteImage::RemoteImage(const Reference& reference, const RegistryOptions& options)
    : reference_(reference),
      client_(registry_endpoint(reference.domain(), options.insecure_registries), reference.path(), options) {}

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

} // namespace davit::registry
