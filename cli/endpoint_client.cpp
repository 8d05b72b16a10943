#include "cli/endpoint_client.hpp"

#include "base/error.hpp"
#include "cli/docker_version.hpp"
#include "cli/endpoint.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <unistd.h>

namespace davit::cli {

namespace {

TlsFlags tls_flags; // of this process: set once, before anything is done

std::string variable(const char* name) {
    const char* value = std::getenv(name);
    return value ? value : "";
}

std::string tls_file(const std::optional<std::string>& flag, const char* name) {
    if (flag) return *flag;
    const std::string path = variable("DOCKER_CERT_PATH");
    return (path.empty() ? docker_config_directory() : path) + "/" + name;
}

void require_readable(const std::string& file) {
    if (file.empty() || ::access(file.c_str(), R_OK) == 0) return;
    const int why = errno;
    std::string said = std::strerror(why);
    if (said[0] >= 'A' && said[0] <= 'Z') said[0] = static_cast<char>(said[0] - 'A' + 'a');
    throw error(Errc::usage, "Failed to initialize: unable to resolve docker endpoint: open {}: {}", file, said);
}

// MAJOR.MINOR, with or without "v" before it.
bool is_api_version(std::string_view text) {
    if (text.starts_with('v')) text.remove_prefix(1);
    const std::size_t dot = text.find('.');
    const auto number = [](std::string_view part) {
        return !part.empty() && std::all_of(part.begin(), part.end(), [](char c) { return c >= '0' && c <= '9'; });
    };
    return dot != std::string_view::npos && number(text.substr(0, dot)) && number(text.substr(dot + 1));
}

} // namespace

void take_tls_flags(const TlsFlags& flags) { tls_flags = flags; }

void check_tls_files() {
    if (!tls_flags.wanted && variable("DOCKER_TLS").empty() && variable("DOCKER_TLS_VERIFY").empty()) return;
    require_readable(tls_file(tls_flags.ca, "ca.pem"));
    // A client need not have a certificate of its own where none was named.
    if (tls_flags.certificate) require_readable(*tls_flags.certificate);
    if (tls_flags.key) require_readable(*tls_flags.key);
}

void check_api_version() {
    const std::string asked = variable("DOCKER_API_VERSION");
    if (asked.empty() || is_api_version(asked)) return;
    throw error(Errc::usage, "Failed to initialize: invalid API version ({}): must be formatted <major>.<minor>",
                asked);
}

std::string client_api_version() {
    std::string asked = variable("DOCKER_API_VERSION");
    if (asked.starts_with('v')) asked.erase(0, 1);
    return asked.empty() ? docker_api_version : asked;
}

} // namespace davit::cli
