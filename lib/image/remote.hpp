// What a registry has, looked at without bringing it into the store.
#pragma once

#include "image/manifest.hpp"
#include "image/pull.hpp"
#include "image/reference.hpp"
#include "image/registry.hpp"

#include <string>

namespace davit::image {

// Blocks on the network. Errors as of pull(). For one thread at a time.
class RemoteImage {
public:
    // options: credentials, insecure registries, warning, attempts and stop are used.
    RemoteImage(const Reference& reference, const PullOptions& options);

    // The digest of what the reference's tag, or digest, names now.
    std::string digest();
    RegistryClient::Document manifest();
    // Verified; Errc::failed if it is larger than `most` bytes.
    std::string blob(const Descriptor& descriptor, std::size_t most);

private:
    Reference reference_;
    RegistryClient client_;
};

} // namespace davit::image
