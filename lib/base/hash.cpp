#include "base/hash.hpp"

#include "base/error.hpp"

#include <openssl/evp.h>

namespace davit {

struct Hasher::Impl {
    EVP_MD_CTX* ctx = EVP_MD_CTX_new();
    ~Impl() { EVP_MD_CTX_free(ctx); }
};

Hasher::Hasher(Kind kind) : impl_(std::make_unique<Impl>()) {
    const EVP_MD* md = kind == Kind::sha256 ? EVP_sha256() : EVP_sha512();
    if (!impl_->ctx || EVP_DigestInit_ex(impl_->ctx, md, nullptr) != 1)
        throw Error(Errc::failed, "starting a digest: OpenSSL refused");
}
Hasher::Hasher(Hasher&&) noexcept = default;
Hasher& Hasher::operator=(Hasher&&) noexcept = default;
Hasher::~Hasher() = default;

void Hasher::update(const void* data, std::size_t size) { EVP_DigestUpdate(impl_->ctx, data, size); }

std::string Hasher::hex() {
    unsigned char raw[EVP_MAX_MD_SIZE];
    unsigned n = 0;
    EVP_DigestFinal_ex(impl_->ctx, raw, &n);
    static const char digits[] = "0123456789abcdef";
    std::string out;
    out.reserve(n * 2u);
    for (unsigned i = 0; i < n; ++i) {
        out += digits[raw[i] >> 4];
        out += digits[raw[i] & 15];
    }
    return out;
}

} // namespace davit
