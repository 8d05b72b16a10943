#include "base/error.hpp"
#include "base/sys.hpp"
#include "build/ssh_agent.hpp"
#include "build/ssh_proxy.hpp"
#include "build/ssh_wire.hpp"
#include "tests/support/temp_dir.hpp"

#include <chrono>
#include <doctest/doctest.h>
#include <fstream>
#include <memory>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <optional>
#include <sys/socket.h>
#include <unistd.h>
#include <vector>

using namespace davit;
using namespace davit::build;

namespace {

using Key = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;

Key generated(const std::string& kind) {
    EVP_PKEY* key = kind == "RSA"       ? EVP_PKEY_Q_keygen(nullptr, nullptr, "RSA", std::size_t{2048})
                    : kind == "ED25519" ? EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519")
                                        : EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", kind.c_str());
    return {key, EVP_PKEY_free};
}

std::string pem(EVP_PKEY* key, const char* passphrase = nullptr) {
    const std::unique_ptr<BIO, decltype(&BIO_free)> bio(BIO_new(BIO_s_mem()), BIO_free);
    PEM_write_bio_PKCS8PrivateKey(bio.get(), key, passphrase ? EVP_aes_128_cbc() : nullptr, passphrase,
                                  passphrase ? static_cast<int>(std::string(passphrase).size()) : 0, nullptr, nullptr);
    char* text = nullptr;
    const long size = BIO_get_mem_data(bio.get(), &text);
    return {text, static_cast<std::size_t>(size)};
}

bool verifies(EVP_PKEY* key, const EVP_MD* digest, const std::string& data, std::string_view signature) {
    const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(), EVP_MD_CTX_free);
    EVP_DigestVerifyInit(context.get(), nullptr, digest, nullptr, key);
    return EVP_DigestVerify(context.get(), reinterpret_cast<const unsigned char*>(signature.data()), signature.size(),
                            reinterpret_cast<const unsigned char*>(data.data()), data.size()) == 1;
}

// An unprotected ed25519 key as ssh-keygen writes it.
std::string openssh_file(EVP_PKEY* key, const std::string& cipher = "none", const std::string& kind = "ssh-ed25519") {
    std::string pub(32, '\0'), seed(32, '\0');
    std::size_t size = 32;
    EVP_PKEY_get_raw_public_key(key, reinterpret_cast<unsigned char*>(pub.data()), &size);
    EVP_PKEY_get_raw_private_key(key, reinterpret_cast<unsigned char*>(seed.data()), &size);
    const std::string blob = SshWriter().text(kind).text(pub).take();
    std::string secret = SshWriter().number(7).number(7).text(kind).text(pub).text(seed + pub).text("me@here").take();
    for (char n = 1; secret.size() % 8 != 0; ++n) secret += n;
    const std::string all = std::string("openssh-key-v1\0", 15) +
                            SshWriter().text(cipher).text("none").text("").number(1).text(blob).text(secret).take();
    std::string base64((all.size() + 2) / 3 * 4 + 1, '\0');
    const int n = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(base64.data()),
                                  reinterpret_cast<const unsigned char*>(all.data()), static_cast<int>(all.size()));
    base64.resize(static_cast<std::size_t>(n));
    std::string out = "-----BEGIN OPENSSH PRIVATE KEY-----\n";
    for (std::size_t at = 0; at < base64.size(); at += 70) out += base64.substr(at, 70) + "\n";
    return out + "-----END OPENSSH PRIVATE KEY-----\n";
}

std::string sign_request(const SshKey& key, const std::string& data, unsigned flags) {
    return SshWriter().byte(13).text(key.blob()).text(data).number(flags).take();
}

Errc kind_of(const std::string& text) {
    try {
        SshKey::parse(text, "key");
    } catch (const Error& e) {
        return e.kind();
    }
    return Errc{};
}

} // namespace

TEST_CASE("ssh: ed25519 keys of ssh-keygen's form sign, and are listed with their comment") {
    const Key key = generated("ED25519");
    const std::vector<SshKey> keys{SshKey::parse(openssh_file(key.get()), "k")};
    const std::string list = agent_answer(keys, "\x0b");
    SshReader in(list);
    CHECK(in.byte() == 12);
    CHECK(in.number() == 1);
    CHECK(in.text() == keys[0].blob());
    CHECK(in.text() == "me@here");
    CHECK(in.ok());
    const std::string answer = agent_answer(keys, sign_request(keys[0], "data", 0));
    SshReader signed_data(answer);
    CHECK(signed_data.byte() == 14);
    SshReader signature(signed_data.text());
    CHECK(signature.text() == "ssh-ed25519");
    CHECK(verifies(key.get(), nullptr, "data", signature.text()));
}

TEST_CASE("ssh: RSA keys sign with the digest that is asked for") {
    const Key key = generated("RSA");
    const std::vector<SshKey> keys{SshKey::parse(pem(key.get()), "k")};
    struct {
        unsigned flags;
        const char* name;
        const EVP_MD* digest;
    } cases[] = {{SshKey::rsa_sha256, "rsa-sha2-256", EVP_sha256()},
                 {SshKey::rsa_sha512, "rsa-sha2-512", EVP_sha512()}};
    for (const auto& c : cases) {
        const std::string answer = agent_answer(keys, sign_request(keys[0], "data", c.flags));
        SshReader in(answer);
        CHECK(in.byte() == 14);
        SshReader signature(in.text());
        CHECK(signature.text() == c.name);
        CHECK(verifies(key.get(), c.digest, "data", signature.text()));
    }
}

TEST_CASE("ssh: ECDSA keys give their two numbers") {
    for (const auto& [curve, name] : {std::pair{"P-256", "ecdsa-sha2-nistp256"}, {"P-521", "ecdsa-sha2-nistp521"}}) {
        const SshKey key = SshKey::parse(pem(generated(curve).get()), "k");
        SshReader blob(key.blob());
        CHECK(blob.text() == name);
        const std::string answer = agent_answer({key}, sign_request(key, "data", 0));
        SshReader in(answer);
        CHECK(in.byte() == 14);
        SshReader signature(in.text());
        CHECK(signature.text() == name);
        SshReader numbers(signature.text());
        CHECK(!numbers.big().empty());
        CHECK(!numbers.big().empty());
        CHECK(numbers.ok());
        CHECK(numbers.rest().empty());
    }
}

TEST_CASE("ssh: what is no key, or one with a passphrase, is told apart") {
    const Key key = generated("ED25519");
    CHECK(kind_of("no key at all\n") == Errc::failed);
    CHECK(kind_of("") == Errc::failed);
    CHECK(kind_of(pem(key.get(), "secret")) == Errc::denied);
    CHECK(kind_of(openssh_file(key.get(), "aes256-ctr")) == Errc::denied);
    CHECK(kind_of(openssh_file(key.get(), "none", "sk-ssh-ed25519@openssh.com")) == Errc::unsupported);
    std::string cut = openssh_file(key.get());
    cut.erase(200, 71);
    CHECK(kind_of(cut) == Errc::failed);
}

TEST_CASE("ssh: the agent refuses what it does not do, and messages that end early") {
    const SshKey key = SshKey::parse(openssh_file(generated("ED25519").get()), "k");
    const std::string refused("\x05", 1);
    const std::string request = sign_request(key, "data", 0);
    for (std::size_t n = 0; n < request.size(); ++n) CHECK(agent_answer({key}, request.substr(0, n)) == refused);
    CHECK(agent_answer({}, request) == refused);
    CHECK(agent_answer({key}, "\x11") == refused); // add an identity
    CHECK(agent_answer({key}, "\x13") == refused); // remove all
    std::string received = framed("ab") + framed("c") + std::string("\0\0\0\x05x", 5);
    CHECK(take_message(received) == "ab");
    CHECK(take_message(received) == "c");
    CHECK(!take_message(received));
    std::string large("\x7f\0\0\0", 4), nothing("\0\0\0\0", 4);
    CHECK_THROWS_AS(take_message(large), Error);
    CHECK_THROWS_AS(take_message(nothing), Error);
}

TEST_CASE("ssh: keys are served at a socket, to several at once, and a message that comes in pieces is one") {
    const test::TempDir directory;
    const std::string path = directory / "agent";
    SshSource source;
    source.keys.push_back(SshKey::parse(openssh_file(generated("ED25519").get()), "k"));
    const SshProxy proxy(path, source, 0600, ::getuid(), ::getgid());
    const UniqueFd one = sys::connect_unix(path, SOCK_STREAM), two = sys::connect_unix(path, SOCK_STREAM);
    const std::string ask = framed("\x0b");
    const auto answer_of = [](int fd) {
        std::string out(5, '\0');
        std::size_t have = 0;
        for (ssize_t n; have < out.size() && (n = ::read(fd, out.data() + have, out.size() - have)) > 0;)
            have += static_cast<std::size_t>(n);
        return have == out.size() ? out.back() : '\0';
    };
    sys::write_all(one.get(), ask.substr(0, 2));
    sys::write_all(two.get(), ask);
    CHECK(answer_of(two.get()) == 12);
    sys::write_all(one.get(), ask.substr(2));
    CHECK(answer_of(one.get()) == 12);
}

TEST_CASE("ssh: a step that asks and never reads, or connects without end, keeps nobody waiting") {
    const test::TempDir directory;
    const std::string path = directory / "agent";
    SshSource source;
    source.keys.push_back(SshKey::parse(openssh_file(generated("ED25519").get()), "k"));
    auto proxy = std::make_optional<SshProxy>(path, source, 0600, ::getuid(), ::getgid());
    const UniqueFd deaf = sys::connect_unix(path, SOCK_STREAM);
    std::vector<UniqueFd> many; // more than are served at once wait, up to the listener's backlog
    for (int i = 0; i < 100; ++i) many.push_back(sys::connect_unix(path, SOCK_STREAM));
    const std::string ask = framed("\x0b");
    while (::send(deaf.get(), ask.data(), ask.size(), MSG_DONTWAIT | MSG_NOSIGNAL) > 0) {}
    const auto began = std::chrono::steady_clock::now();
    proxy.reset();
    CHECK(std::chrono::steady_clock::now() - began < std::chrono::seconds(5));
}
