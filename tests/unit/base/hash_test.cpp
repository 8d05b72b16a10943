#include "base/hash.hpp"
#include "base/hmac.hpp"

#include <doctest/doctest.h>

using namespace davit;

// FIPS 180-4 examples.
TEST_CASE("hash: SHA-256 and SHA-512 of the standard's examples") {
    CHECK(sha256_hex("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    CHECK(sha256_hex("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    Hasher wide(Hasher::Kind::sha512);
    wide.update("abc");
    CHECK(wide.hex() == "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
                        "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f");
}

TEST_CASE("hash: pieces give the same digest as the whole") {
    Hasher h;
    for (char c : std::string("the same bytes")) h.update(&c, 1);
    CHECK(h.hex() == sha256_hex("the same bytes"));
}

TEST_CASE("hash: a million times a, in pieces and at once") {
    const std::string million(1'000'000, 'a');
    const std::string expected = "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0";
    CHECK(sha256_hex(million) == expected);
    for (std::size_t piece : {std::size_t{1}, std::size_t{1000}, std::size_t{65536}, million.size()}) {
        Hasher h;
        for (std::size_t at = 0; at < million.size(); at += piece)
            h.update(std::string_view(million).substr(at, piece));
        CAPTURE(piece);
        CHECK(h.hex() == expected);
    }
}

TEST_CASE(
    "the hash of a text is that of the stream at every length around a block, on both sides of what OpenSSL does") {
    for (std::size_t base : {std::size_t{0}, std::size_t{64 * 1024 - 150}}) {
        std::string text(base, 'x');
        for (int i = 0; i < 300; ++i) {
            Hasher h;
            h.update(std::string_view(text).substr(0, base));
            h.update(std::string_view(text).substr(base));
            CAPTURE(text.size());
            CHECK(sha256_hex(text) == h.hex());
            text += static_cast<char>(i * 7);
        }
    }
}

TEST_CASE("a keyed hash is that of RFC 4231") {
    CHECK(hmac_sha256_hex(std::string(20, '\x0b'), "Hi There") ==
          "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
    CHECK(hmac_sha256_hex("Jefe", "what do ya want for nothing?") ==
          "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    CHECK(hmac_sha256_hex(std::string(131, '\xaa'), "Test Using Larger Than Block-Size Key - Hash Key First") ==
          "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}
