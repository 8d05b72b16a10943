#include "build/ssh_key.hpp"

#include "base/error.hpp"
#include "base/file.hpp"
#include "build/crypto.hpp"
#include "build/ssh_wire.hpp"

#include <algorithm>
#include <array>
#include <openssl/core_names.h>
#include <optional>
#include <utility>
#include <vector>

namespace davit::build {

namespace {

constexpr std::size_t largest_key = 1U << 20; // bytes of the file

template <auto Free>
struct Freed {
    template <typename T>
    void operator()(T* p) const {
        (crypto().*Free)(p);
    }
};
using Bio = std::unique_ptr<BIO, Freed<&Crypto::BIO_free>>;
using Number = std::unique_ptr<BIGNUM, Freed<&Crypto::BN_clear_free>>;
using Key = std::unique_ptr<EVP_PKEY, Freed<&Crypto::EVP_PKEY_free>>;
using KeyContext = std::unique_ptr<EVP_PKEY_CTX, Freed<&Crypto::EVP_PKEY_CTX_free>>;
using Builder = std::unique_ptr<OSSL_PARAM_BLD, Freed<&Crypto::OSSL_PARAM_BLD_free>>;
using Params = std::unique_ptr<OSSL_PARAM, Freed<&Crypto::OSSL_PARAM_free>>;
using Digest = std::unique_ptr<EVP_MD_CTX, Freed<&Crypto::EVP_MD_CTX_free>>;
using EcSignature = std::unique_ptr<ECDSA_SIG, Freed<&Crypto::ECDSA_SIG_free>>;

struct Curve {
    const char* ssh;     // "nistp256"
    const char* openssl; // its group
    const char* other;   // the group's other name
    const char* digest;
};
constexpr Curve curves[] = {{"nistp256", "prime256v1", "P-256", "SHA256"},
                            {"nistp384", "secp384r1", "P-384", "SHA384"},
                            {"nistp521", "secp521r1", "P-521", "SHA512"}};

const Curve* curve_named(std::string_view name) {
    for (const Curve& curve : curves)
        if (name == curve.ssh || name == curve.openssl || name == curve.other) return &curve;
    return nullptr;
}

Number number_of(std::string_view bytes) {
    return Number(crypto().BN_bin2bn(reinterpret_cast<const unsigned char*>(bytes.data()),
                                     static_cast<int>(bytes.size()), nullptr));
}

std::string bytes_of(const BIGNUM* number) {
    std::string out((static_cast<std::size_t>(crypto().BN_num_bits(number)) + 7) / 8, '\0');
    crypto().BN_bn2bin(number, reinterpret_cast<unsigned char*>(out.data()));
    return out;
}

Key from_parameters(const char* algorithm, const Builder& builder) {
    const Params params(crypto().OSSL_PARAM_BLD_to_param(builder.get()));
    const KeyContext context(crypto().EVP_PKEY_CTX_new_from_name(nullptr, algorithm, nullptr));
    EVP_PKEY* out = nullptr;
    if (!params || !context || crypto().EVP_PKEY_fromdata_init(context.get()) <= 0 ||
        crypto().EVP_PKEY_fromdata(context.get(), &out, EVP_PKEY_KEYPAIR, params.get()) <= 0)
        return nullptr;
    return Key(out);
}

// What a file in PEM's form holds between its lines.
std::optional<std::string> armoured(const std::string& text, std::string_view label) {
    const std::string begin = "-----BEGIN " + std::string(label) + "-----",
                      end = "-----END " + std::string(label) + "-----";
    const auto from = text.find(begin), to = text.find(end);
    if (from == std::string::npos || to == std::string::npos || to < from) return std::nullopt;
    std::string base64;
    for (std::size_t i = from + begin.size(); i < to; ++i)
        if (text[i] > ' ') base64 += text[i];
    if (base64.empty() || base64.size() % 4 != 0) return std::nullopt;
    std::string out(base64.size() / 4 * 3, '\0');
    const int n = crypto().EVP_DecodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                                           reinterpret_cast<const unsigned char*>(base64.data()),
                                           static_cast<int>(base64.size()));
    if (n < 0) return std::nullopt;
    out.resize(static_cast<std::size_t>(n) - static_cast<std::size_t>(std::count(base64.end() - 2, base64.end(), '=')));
    return out;
}

Error protected_key(const std::string& name) {
    return error(Errc::denied, "the key {} is protected by a passphrase", name)
        .with_hint("`ssh-add " + name + "` asks for it; --ssh default passes the agent on");
}

} // namespace

class SshKeyReader {
public:
    SshKeyReader(const std::string& text, const std::string& name) : text_(text), name_(name) {}

    SshKey run() {
        if (const auto own = armoured(text_, "OPENSSH PRIVATE KEY")) read_openssh(*own);
        else read_pem();
        if (!key_) throw error(Errc::failed, "{} holds no private key", name_);
        describe();
        out_.key_ = std::shared_ptr<EVP_PKEY>(key_.release(), crypto().EVP_PKEY_free);
        crypto().ERR_clear_error();
        return std::move(out_);
    }

private:
    void read_openssh(std::string_view bytes) {
        constexpr std::string_view magic("openssh-key-v1\0", 15);
        if (!bytes.starts_with(magic)) throw error(Errc::failed, "{} holds no private key", name_);
        SshReader outer(bytes.substr(magic.size()));
        if (outer.text() != "none") throw protected_key(name_);
        outer.text(); // how the passphrase becomes a key
        outer.text();
        if (outer.number() != 1) throw error(Errc::unsupported, "{} holds several keys", name_);
        outer.text(); // the public key, which follows once more
        SshReader in(outer.text());
        const bool intact = in.number() == in.number();
        const std::string kind(in.text());
        if (kind == "ssh-ed25519") read_ed25519(in);
        else if (kind == "ssh-rsa") read_rsa(in);
        else if (kind.starts_with("ecdsa-sha2-nistp")) read_ecdsa(in);
        else throw unsupported(kind);
        out_.comment_ = in.text();
        if (!intact || !in.ok() || !outer.ok()) throw error(Errc::failed, "the key {} is damaged", name_);
    }

    Error unsupported(const std::string& kind) const {
        return error(Errc::unsupported, "{} is a key of a kind that davit does not serve ({})", name_, kind)
            .with_hint("ed25519, RSA and ECDSA keys are; an agent serves all: --ssh default");
    }

    void read_ed25519(SshReader& in) {
        in.text(); // the public key
        const std::string_view both = in.text();
        constexpr std::size_t seed = 32;
        if (both.size() < seed) return;
        key_.reset(crypto().EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr,
                                                         reinterpret_cast<const unsigned char*>(both.data()), seed));
    }

    void read_rsa(SshReader& in) {
        std::array<Number, 6> parts; // n e d, q's inverse, p q
        for (Number& part : parts) part = number_of(in.big());
        const auto& [n, e, d, inverse, p, q] = parts;
        const auto reduced = [&](const Number& prime) { // d mod (prime - 1)
            Number less(crypto().BN_dup(prime.get())), out(crypto().BN_new());
            const std::unique_ptr<BN_CTX, Freed<&Crypto::BN_CTX_free>> context(crypto().BN_CTX_new());
            if (!less || !out || !context || crypto().BN_sub_word(less.get(), 1) != 1 ||
                crypto().BN_is_zero(less.get()) ||
                crypto().BN_div(nullptr, out.get(), d.get(), less.get(), context.get()) != 1)
                return Number();
            return out;
        };
        const Number dp = reduced(p), dq = reduced(q);
        const Builder builder(crypto().OSSL_PARAM_BLD_new());
        if (!dp || !dq || !builder) return;
        for (const auto& [name, value] : {std::pair{OSSL_PKEY_PARAM_RSA_N, n.get()},
                                          {OSSL_PKEY_PARAM_RSA_E, e.get()},
                                          {OSSL_PKEY_PARAM_RSA_D, d.get()},
                                          {OSSL_PKEY_PARAM_RSA_FACTOR1, p.get()},
                                          {OSSL_PKEY_PARAM_RSA_FACTOR2, q.get()},
                                          {OSSL_PKEY_PARAM_RSA_EXPONENT1, dp.get()},
                                          {OSSL_PKEY_PARAM_RSA_EXPONENT2, dq.get()},
                                          {OSSL_PKEY_PARAM_RSA_COEFFICIENT1, inverse.get()}})
            if (crypto().OSSL_PARAM_BLD_push_BN(builder.get(), name, value) != 1) return;
        key_ = from_parameters("RSA", builder);
    }

    void read_ecdsa(SshReader& in) {
        const Curve* curve = curve_named(in.text());
        const std::string point(in.text());
        const Number secret = number_of(in.big());
        const Builder builder(crypto().OSSL_PARAM_BLD_new());
        if (!curve || !secret || !builder) return;
        if (crypto().OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME, curve->openssl, 0) !=
                1 ||
            crypto().OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(),
                                                      point.size()) != 1 ||
            crypto().OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_PRIV_KEY, secret.get()) != 1)
            return;
        key_ = from_parameters("EC", builder);
    }

    void read_pem() {
        const Bio bio(crypto().BIO_new_mem_buf(text_.data(), static_cast<int>(text_.size())));
        bool asked = false;
        const auto no_passphrase = [](char*, int, int, void* told) {
            *static_cast<bool*>(told) = true;
            return -1;
        };
        key_.reset(crypto().PEM_read_bio_PrivateKey(bio.get(), nullptr, no_passphrase, &asked));
        if (!key_ && asked) throw protected_key(name_);
    }

    // The public half, as the protocol has it.
    void describe() {
        SshWriter blob;
        if (crypto().EVP_PKEY_is_a(key_.get(), "ED25519") != 0) {
            std::string raw(32, '\0');
            std::size_t size = raw.size();
            crypto().EVP_PKEY_get_raw_public_key(key_.get(), reinterpret_cast<unsigned char*>(raw.data()), &size);
            out_.kind_ = "ssh-ed25519";
            blob.text(out_.kind_).text(raw);
        } else if (crypto().EVP_PKEY_is_a(key_.get(), "RSA") != 0) {
            out_.kind_ = "ssh-rsa";
            blob.text(out_.kind_).big(part(OSSL_PKEY_PARAM_RSA_E)).big(part(OSSL_PKEY_PARAM_RSA_N));
        } else if (crypto().EVP_PKEY_is_a(key_.get(), "EC") != 0) {
            std::array<char, 64> group{};
            crypto().EVP_PKEY_get_utf8_string_param(key_.get(), OSSL_PKEY_PARAM_GROUP_NAME, group.data(), group.size(),
                                                    nullptr);
            const Curve* curve = curve_named(group.data());
            if (!curve) throw unsupported(group.data());
            const std::string x = part(OSSL_PKEY_PARAM_EC_PUB_X), y = part(OSSL_PKEY_PARAM_EC_PUB_Y);
            const std::size_t width = (static_cast<std::size_t>(crypto().EVP_PKEY_get_bits(key_.get())) + 7) / 8;
            std::string point(1, '\4'); // not compressed
            for (const std::string* half : {&x, &y})
                point += std::string(width - std::min(width, half->size()), '\0') + *half;
            out_.kind_ = std::string("ecdsa-sha2-") + curve->ssh;
            blob.text(out_.kind_).text(curve->ssh).text(point);
        } else {
            throw unsupported(crypto().EVP_PKEY_get0_type_name(key_.get()));
        }
        out_.blob_ = blob.take();
        if (out_.comment_.empty()) out_.comment_ = name_;
    }

    std::string part(const char* name) const {
        BIGNUM* number = nullptr;
        if (crypto().EVP_PKEY_get_bn_param(key_.get(), name, &number) != 1)
            throw error(Errc::failed, "the key {} is damaged", name_);
        return bytes_of(Number(number).get());
    }

    const std::string& text_;
    const std::string& name_;
    Key key_;
    SshKey out_;
};

SshKey SshKey::parse(const std::string& text, const std::string& name) { return SshKeyReader(text, name).run(); }

SshKey SshKey::read(const std::string& path) {
    const std::string text = read_file(path);
    if (text.size() > largest_key) throw error(Errc::failed, "{} holds no private key", path);
    return parse(text, path);
}

namespace {

std::string signed_by(EVP_PKEY* key, const char* digest, std::string_view data) {
    const Digest context(crypto().EVP_MD_CTX_new());
    const EVP_MD* how = digest ? crypto().EVP_get_digestbyname(digest) : nullptr;
    const auto* bytes = reinterpret_cast<const unsigned char*>(data.data());
    std::size_t size = 0;
    if (!context || crypto().EVP_DigestSignInit(context.get(), nullptr, how, nullptr, key) <= 0 ||
        crypto().EVP_DigestSign(context.get(), nullptr, &size, bytes, data.size()) <= 0)
        return {};
    std::string out(size, '\0');
    if (crypto().EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(out.data()), &size, bytes,
                                data.size()) <= 0)
        return {};
    out.resize(size);
    return out;
}

// DER's sequence of two numbers → two mpints.
std::string as_mpints(const std::string& der) {
    const auto* at = reinterpret_cast<const unsigned char*>(der.data());
    const EcSignature both(crypto().d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(der.size())));
    if (!both) return {};
    SshWriter out;
    out.big(bytes_of(crypto().ECDSA_SIG_get0_r(both.get()))).big(bytes_of(crypto().ECDSA_SIG_get0_s(both.get())));
    return out.take();
}

} // namespace

std::string SshKey::sign(std::string_view data, unsigned flags) const {
    std::string kind = kind_, signature;
    if (kind_ == "ssh-ed25519") {
        signature = signed_by(key_.get(), nullptr, data);
    } else if (kind_ == "ssh-rsa") {
        const char* digest = (flags & rsa_sha512) != 0 ? "SHA512" : (flags & rsa_sha256) != 0 ? "SHA256" : "SHA1";
        if ((flags & (rsa_sha512 | rsa_sha256)) != 0)
            kind = (flags & rsa_sha512) != 0 ? "rsa-sha2-512" : "rsa-sha2-256";
        signature = signed_by(key_.get(), digest, data);
    } else if (const Curve* curve = curve_named(std::string_view(kind_).substr(11))) { // after "ecdsa-sha2-"
        signature = as_mpints(signed_by(key_.get(), curve->digest, data));
    }
    crypto().ERR_clear_error();
    if (signature.empty()) return {};
    SshWriter out;
    return out.text(kind).text(signature).take();
}

} // namespace davit::build
