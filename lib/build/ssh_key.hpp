// A private key in a file, as ssh-keygen and openssl write them: ed25519, RSA, ECDSA on NIST's curves.
#pragma once

#include <memory>
#include <string>
#include <string_view>

struct evp_pkey_st;

namespace davit::build {

class SshKey {
public:
    // Blocks on the disk. Errors: not_found, denied (a passphrase protects it), unsupported (another kind of key),
    // failed (no key).
    static SshKey read(const std::string& path);
    // The same of a file's text; messages call it `name`.
    static SshKey parse(const std::string& text, const std::string& name);

    const std::string& blob() const { return blob_; } // of the public key, as the protocol has it
    const std::string& comment() const { return comment_; }
    // The signature as the agent protocol has it. flags: of SSH_AGENTC_SIGN_REQUEST, which choose RSA's digest. Empty:
    // the library refuses.
    std::string sign(std::string_view data, unsigned flags) const;

    // Flags of the protocol.
    static constexpr unsigned rsa_sha256 = 2, rsa_sha512 = 4;

private:
    std::shared_ptr<evp_pkey_st> key_;
    std::string kind_; // "ssh-ed25519", "ssh-rsa", "ecdsa-sha2-nistp256"
    std::string blob_, comment_;
    friend class SshKeyReader;
};

} // namespace davit::build
