// One file by http or https.
#pragma once

#include "build/files/hash_cache.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>

namespace davit::build {

struct HttpFileOptions {
    // Of a secret by its id: HTTP_AUTH_HEADER_HOST is the whole Authorization header, HTTP_AUTH_TOKEN_HOST a
    // bearer token. Only the host itself gets it, none that a redirect leads to.
    std::function<std::optional<std::string>(const std::string& id)> secret;
    std::uint64_t most_bytes = std::uint64_t{64} << 30;
    std::string memory;    // HttpMemory's directory; empty: each time anew
    std::string ssh_agent; // of git over ssh: a socket, in the place of the user's own
    std::stop_token stop;
};

struct HttpFile {
    std::string sha256, sha512; // hex; of sha512 nothing unless it was asked for
    std::int64_t modified = 0;  // seconds since the epoch; 0: the server did not say
    std::uint64_t size = 0;
    std::string etag, last_modified; // as the server wrote them
};

// The file's bytes go to fd, from its start. Redirects are followed; what broke off is tried again. Throws Error
// with the URL and the status: not_found, denied, unavailable …
HttpFile download(const std::string& url, int fd, const HttpFileOptions& options, bool with_sha512 = false);

// The same where `before` is what an earlier download of that URL told: nothing is sent, and nothing comes to fd, when
// the server says that it has not changed. nullopt then.
std::optional<HttpFile> download_if_changed(const std::string& url, int fd, const HttpFileOptions& options,
                                            const HttpFile& before, bool with_sha512 = false);

// The last component of the URL's path, decoded; "__unnamed__" without one.
std::string file_name_of(const std::string& url);

// "Sat, 03 Feb 2001 04:05:06 GMT" as seconds since the epoch.
std::optional<std::int64_t> parse_http_date(std::string_view text);

} // namespace davit::build
