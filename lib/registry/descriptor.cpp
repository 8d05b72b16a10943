#include "registry/descriptor.hpp"

#include "base/error.hpp"

namespace davit::registry {

std::string hex_of(const std::string& digest) { return digest.substr(digest.find(':') + 1); }

Hasher::Kind hash_kind(const std::string& digest) {
    return digest.starts_with("sha512:") ? Hasher::Kind::sha512 : Hasher::Kind::sha256;
}

void verify_bytes(const Descriptor& descriptor, std::string_view bytes) {
    Hasher hash(hash_kind(descriptor.digest));
    hash.update(bytes);
    if (hash.hex() != hex_of(descriptor.digest))
        throw error(Errc::failed, "corrupt document: its bytes do not have the digest {}", descriptor.digest);
}

} // namespace davit::registry
