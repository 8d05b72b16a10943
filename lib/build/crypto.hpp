// What is used of libcrypto: opened with the first key, as a link would cost every command its loading (see base/hash).
#pragma once

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>

namespace davit::build {

// Each member is the function of its name.
struct Crypto {
    decltype(&::BIO_free) BIO_free = nullptr;
    decltype(&::BIO_new_mem_buf) BIO_new_mem_buf = nullptr;
    decltype(&::BN_CTX_free) BN_CTX_free = nullptr;
    decltype(&::BN_CTX_new) BN_CTX_new = nullptr;
    decltype(&::BN_bin2bn) BN_bin2bn = nullptr;
    decltype(&::BN_bn2bin) BN_bn2bin = nullptr;
    decltype(&::BN_clear_free) BN_clear_free = nullptr;
    decltype(&::BN_div) BN_div = nullptr;
    decltype(&::BN_dup) BN_dup = nullptr;
    decltype(&::BN_is_zero) BN_is_zero = nullptr;
    decltype(&::BN_new) BN_new = nullptr;
    decltype(&::BN_num_bits) BN_num_bits = nullptr;
    decltype(&::BN_sub_word) BN_sub_word = nullptr;
    decltype(&::ECDSA_SIG_free) ECDSA_SIG_free = nullptr;
    decltype(&::ECDSA_SIG_get0_r) ECDSA_SIG_get0_r = nullptr;
    decltype(&::ECDSA_SIG_get0_s) ECDSA_SIG_get0_s = nullptr;
    decltype(&::ERR_clear_error) ERR_clear_error = nullptr;
    decltype(&::EVP_DecodeBlock) EVP_DecodeBlock = nullptr;
    decltype(&::EVP_DigestSign) EVP_DigestSign = nullptr;
    decltype(&::EVP_DigestSignInit) EVP_DigestSignInit = nullptr;
    decltype(&::EVP_MD_CTX_free) EVP_MD_CTX_free = nullptr;
    decltype(&::EVP_MD_CTX_new) EVP_MD_CTX_new = nullptr;
    decltype(&::EVP_PKEY_CTX_free) EVP_PKEY_CTX_free = nullptr;
    decltype(&::EVP_PKEY_CTX_new_from_name) EVP_PKEY_CTX_new_from_name = nullptr;
    decltype(&::EVP_PKEY_free) EVP_PKEY_free = nullptr;
    decltype(&::EVP_PKEY_fromdata) EVP_PKEY_fromdata = nullptr;
    decltype(&::EVP_PKEY_fromdata_init) EVP_PKEY_fromdata_init = nullptr;
    decltype(&::EVP_PKEY_get0_type_name) EVP_PKEY_get0_type_name = nullptr;
    decltype(&::EVP_PKEY_get_bits) EVP_PKEY_get_bits = nullptr;
    decltype(&::EVP_PKEY_get_bn_param) EVP_PKEY_get_bn_param = nullptr;
    decltype(&::EVP_PKEY_get_raw_public_key) EVP_PKEY_get_raw_public_key = nullptr;
    decltype(&::EVP_PKEY_get_utf8_string_param) EVP_PKEY_get_utf8_string_param = nullptr;
    decltype(&::EVP_PKEY_is_a) EVP_PKEY_is_a = nullptr;
    decltype(&::EVP_PKEY_new_raw_private_key) EVP_PKEY_new_raw_private_key = nullptr;
    decltype(&::EVP_get_digestbyname) EVP_get_digestbyname = nullptr;
    decltype(&::OSSL_PARAM_BLD_free) OSSL_PARAM_BLD_free = nullptr;
    decltype(&::OSSL_PARAM_BLD_new) OSSL_PARAM_BLD_new = nullptr;
    decltype(&::OSSL_PARAM_BLD_push_BN) OSSL_PARAM_BLD_push_BN = nullptr;
    decltype(&::OSSL_PARAM_BLD_push_octet_string) OSSL_PARAM_BLD_push_octet_string = nullptr;
    decltype(&::OSSL_PARAM_BLD_push_utf8_string) OSSL_PARAM_BLD_push_utf8_string = nullptr;
    decltype(&::OSSL_PARAM_BLD_to_param) OSSL_PARAM_BLD_to_param = nullptr;
    decltype(&::OSSL_PARAM_free) OSSL_PARAM_free = nullptr;
    decltype(&::PEM_read_bio_PrivateKey) PEM_read_bio_PrivateKey = nullptr;
    decltype(&::d2i_ECDSA_SIG) d2i_ECDSA_SIG = nullptr;
};

// Throws unsupported where the library is missing.
const Crypto& crypto();

} // namespace davit::build
