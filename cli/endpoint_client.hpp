// What docker's client looks at before it connects. davit connects to nothing, but a script that asks for what cannot
// be is told so, as by docker.
#pragma once

#include <optional>
#include <string>

namespace davit::cli {

struct TlsFlags {
    bool wanted = false; // --tls, --tlsverify
    std::optional<std::string> ca, certificate, key;
};
// What flags say hides the environment: DOCKER_TLS, DOCKER_TLS_VERIFY, DOCKER_CERT_PATH.
void take_tls_flags(const TlsFlags& flags);
// Throws Error(usage) when TLS is asked for and one of its files is not there.
void check_tls_files();

// Throws Error(usage) for a DOCKER_API_VERSION that is none.
void check_api_version();
// What it says, else davit's own.
std::string client_api_version();

} // namespace davit::cli
