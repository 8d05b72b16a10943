#include "build/crypto.hpp"

#include "base/error.hpp"

#include <dlfcn.h>
#include <openssl/opensslv.h>

namespace davit::build {

namespace {

#define DAVIT_TEXT_(x) #x
#define DAVIT_TEXT(x) DAVIT_TEXT_(x)
constexpr const char* library_name = "libcrypto.so." DAVIT_TEXT(OPENSSL_SHLIB_VERSION);
#undef DAVIT_TEXT
#undef DAVIT_TEXT_

template <typename F>
void take(void* library, F& to, const char* name) {
    to = reinterpret_cast<F>(::dlsym(library, name));
    if (!to) throw error(Errc::unsupported, "keys cannot be used: {}", ::dlerror());
}

Crypto opened() {
    void* library = ::dlopen(library_name, RTLD_NOW | RTLD_LOCAL);
    if (!library)
        throw error(Errc::unsupported, "keys cannot be used: {}", ::dlerror())
            .with_hint(fmt::format("install the package that has {}", library_name));
    Crypto c;
    take(library, c.BIO_free, "BIO_free");
    take(library, c.BIO_new_mem_buf, "BIO_new_mem_buf");
    take(library, c.BN_CTX_free, "BN_CTX_free");
    take(library, c.BN_CTX_new, "BN_CTX_new");
    take(library, c.BN_bin2bn, "BN_bin2bn");
    take(library, c.BN_bn2bin, "BN_bn2bin");
    take(library, c.BN_clear_free, "BN_clear_free");
    take(library, c.BN_div, "BN_div");
    take(library, c.BN_dup, "BN_dup");
    take(library, c.BN_is_zero, "BN_is_zero");
    take(library, c.BN_new, "BN_new");
    take(library, c.BN_num_bits, "BN_num_bits");
    take(library, c.BN_sub_word, "BN_sub_word");
    take(library, c.ECDSA_SIG_free, "ECDSA_SIG_free");
    take(library, c.ECDSA_SIG_get0_r, "ECDSA_SIG_get0_r");
    take(library, c.ECDSA_SIG_get0_s, "ECDSA_SIG_get0_s");
    take(library, c.ERR_clear_error, "ERR_clear_error");
    take(library, c.EVP_DecodeBlock, "EVP_DecodeBlock");
    take(library, c.EVP_DigestSign, "EVP_DigestSign");
    take(library, c.EVP_DigestSignInit, "EVP_DigestSignInit");
    take(library, c.EVP_MD_CTX_free, "EVP_MD_CTX_free");
    take(library, c.EVP_MD_CTX_new, "EVP_MD_CTX_new");
    take(library, c.EVP_PKEY_CTX_free, "EVP_PKEY_CTX_free");
    take(library, c.EVP_PKEY_CTX_new_from_name, "EVP_PKEY_CTX_new_from_name");
    take(library, c.EVP_PKEY_free, "EVP_PKEY_free");
    take(library, c.EVP_PKEY_fromdata, "EVP_PKEY_fromdata");
    take(library, c.EVP_PKEY_fromdata_init, "EVP_PKEY_fromdata_init");
    take(library, c.EVP_PKEY_get0_type_name, "EVP_PKEY_get0_type_name");
    take(library, c.EVP_PKEY_get_bits, "EVP_PKEY_get_bits");
    take(library, c.EVP_PKEY_get_bn_param, "EVP_PKEY_get_bn_param");
    take(library, c.EVP_PKEY_get_raw_public_key, "EVP_PKEY_get_raw_public_key");
    take(library, c.EVP_PKEY_get_utf8_string_param, "EVP_PKEY_get_utf8_string_param");
    take(library, c.EVP_PKEY_is_a, "EVP_PKEY_is_a");
    take(library, c.EVP_PKEY_new_raw_private_key, "EVP_PKEY_new_raw_private_key");
    take(library, c.EVP_get_digestbyname, "EVP_get_digestbyname");
    take(library, c.OSSL_PARAM_BLD_free, "OSSL_PARAM_BLD_free");
    take(library, c.OSSL_PARAM_BLD_new, "OSSL_PARAM_BLD_new");
    take(library, c.OSSL_PARAM_BLD_push_BN, "OSSL_PARAM_BLD_push_BN");
    take(library, c.OSSL_PARAM_BLD_push_octet_string, "OSSL_PARAM_BLD_push_octet_string");
    take(library, c.OSSL_PARAM_BLD_push_utf8_string, "OSSL_PARAM_BLD_push_utf8_string");
    take(library, c.OSSL_PARAM_BLD_to_param, "OSSL_PARAM_BLD_to_param");
    take(library, c.OSSL_PARAM_free, "OSSL_PARAM_free");
    take(library, c.PEM_read_bio_PrivateKey, "PEM_read_bio_PrivateKey");
    take(library, c.d2i_ECDSA_SIG, "d2i_ECDSA_SIG");
    return c;
}

} // namespace

const Crypto& crypto() {
    static const Crypto loaded = opened();
    return loaded;
}

} // namespace davit::build
