#include "base/hash.hpp"

#include "base/error.hpp"

#include <dlfcn.h>
#include <openssl/evp.h>
#include <openssl/opensslv.h>

namespace davit {

namespace {

// Loaded when the first long stream is digested: linked, libcrypto alone is 2.7 of the 3.5 million
// instructions that loading libraries costs every `davit ps`.
struct Crypto {
    decltype(&EVP_MD_CTX_new) make = nullptr;
    decltype(&EVP_MD_CTX_free) free = nullptr;
    decltype(&EVP_sha256) sha256 = nullptr;
    decltype(&EVP_sha512) sha512 = nullptr;
    decltype(&EVP_sha1) sha1 = nullptr;
    decltype(&EVP_md5) md5 = nullptr;
    decltype(&EVP_DigestInit_ex) init = nullptr;
    decltype(&EVP_DigestUpdate) update = nullptr;
    decltype(&EVP_DigestFinal_ex) final = nullptr;

    Crypto() {
#define DAVIT_STRING_(x) #x
#define DAVIT_STRING(x) DAVIT_STRING_(x)
        constexpr const char* name = "libcrypto.so." DAVIT_STRING(OPENSSL_SHLIB_VERSION);
#undef DAVIT_STRING
#undef DAVIT_STRING_
        void* library = ::dlopen(name, RTLD_NOW | RTLD_LOCAL);
        if (!library)
            throw error(Errc::unsupported, "digests cannot be computed: {}", ::dlerror())
                .with_hint(fmt::format("install the package that has {}", name));
        take(library, make, "EVP_MD_CTX_new");
        take(library, free, "EVP_MD_CTX_free");
        take(library, sha256, "EVP_sha256");
        take(library, sha512, "EVP_sha512");
        take(library, sha1, "EVP_sha1");
        take(library, md5, "EVP_md5");
        take(library, init, "EVP_DigestInit_ex");
        take(library, update, "EVP_DigestUpdate");
        take(library, final, "EVP_DigestFinal_ex");
    }

    template <typename F>
    static void take(void* library, F& to, const char* name) {
        to = reinterpret_cast<F>(::dlsym(library, name));
        if (!to) throw error(Errc::unsupported, "digests cannot be computed: {}", ::dlerror());
    }
};

const Crypto& crypto() {
    static const Crypto loaded;
    return loaded;
}

} // namespace

struct Hasher::Impl {
    explicit Impl(Kind k) : kind(k) {
        if (kind != Kind::sha256) begin();
    }
    Impl(const Impl&) = delete;
    ~Impl() {
        if (ctx) crypto().free(ctx);
    }
    void begin() {
        ctx = crypto().make();
        const Crypto& c = crypto();
        const EVP_MD* md = (kind == Kind::sha256   ? c.sha256
                            : kind == Kind::sha512 ? c.sha512
                            : kind == Kind::sha1   ? c.sha1
                                                   : c.md5)();
        if (!ctx || crypto().init(ctx, md, nullptr) != 1)
            throw Error(Errc::failed, "starting a digest: OpenSSL refused");
        crypto().update(ctx, small.data(), small.size());
        small = {};
    }
    void update(std::string_view bytes) {
        if (!ctx && small.size() + bytes.size() <= small_limit) {
            small += bytes;
            return;
        }
        if (!ctx) begin();
        crypto().update(ctx, bytes.data(), bytes.size());
    }

    // A manifest or a configuration is digested sooner than libcrypto is loaded (3 ms).
    static constexpr std::size_t small_limit = 64 * 1024;
    Kind kind;
    std::string small; // until it is more than that
    EVP_MD_CTX* ctx = nullptr;
};

Hasher::Hasher(Kind kind) : impl_(std::make_unique<Impl>(kind)) {}
Hasher::Hasher(Hasher&&) noexcept = default;
Hasher& Hasher::operator=(Hasher&&) noexcept = default;
Hasher::~Hasher() = default;

void Hasher::update(const void* data, std::size_t size) { impl_->update({static_cast<const char*>(data), size}); }

std::string Hasher::hex() {
    if (!impl_->ctx) return sha256_hex(impl_->small);
    unsigned char raw[EVP_MAX_MD_SIZE];
    unsigned n = 0;
    crypto().final(impl_->ctx, raw, &n);
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
