// SHA-256 and SHA-512 by OpenSSL's EVP.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

namespace davit {

class Hasher {
public:
    enum class Kind { sha256, sha512 };
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

std::string sha256_hex(std::string_view bytes);

} // namespace davit
