// SHA-256 and SHA-512; MD5 and SHA-1 for what asks for them by name (bake files). Streams go through OpenSSL's EVP,
// which uses the CPU's instructions; sha256_hex() stands alone, so that what only names things by hash (the supervisor)
// does not load libcrypto.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

namespace davit {

class Hasher {
public:
    enum class Kind { sha256, sha512, sha1, md5 };
    explicit Hasher(Kind kind = Kind::sha256);
    Hasher(Hasher&&) noexcept;
    Hasher& operator=(Hasher&&) noexcept;
    ~Hasher();
    void update(const void* data, std::size_t size);
    void update(std::string_view s) { update(s.data(), s.size()); }
    std::string hex(); // ends the computation

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

// For short texts: 150 MB/s.
std::string sha256_hex(std::string_view bytes);

} // namespace davit
