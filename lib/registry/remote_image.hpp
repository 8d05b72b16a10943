// What a registry has, looked at without bringing it into the store.
#pragma once

#include "registry/client.hpp"
#include "registry/reference.hpp"

#include <string>

namespace davit::registry {

// Blocks on the network. Errors as of image::pull(). For one thread at a time.
class RemoteImage {
public:
    // The mirrors are not asked.
    RemoteImage(const Reference& reference, const RegistryOptions& options);

    // The digest of what the reference's tag, or digest, names now.
    std::string digest();
    RegistryClient::Document manifest();
    // Verified; Errc::failed if it is larger than `most` bytes.
    std::string blob(const Descriptor& descriptor, std::size_t most);

private:
    Reference reference_;
    RegistryClient client_;
};

} // namespace davit::registry
