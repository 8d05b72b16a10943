// HTTP as the registry client needs it. The implementation (libcurl) lives in a module of its own,
// davit-registry.so, opened on first use: linking libcurl costs every command 6 ms.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

namespace davit::registry {

struct HttpTls {
    bool verify = true;
    std::string ca_file, client_cert, client_key; // paths; empty: the system's, none
};

// What a request sends, pulled while the connection takes it. Never throws: what went wrong inside stays with its
// maker.
class HttpBody {
public:
    static constexpr std::size_t failed = static_cast<std::size_t>(-1);
    virtual ~HttpBody() = default;
    virtual std::uint64_t size() const noexcept = 0;
    virtual std::size_t read(char* to, std::size_t max) noexcept = 0; // `failed` ends the transfer
    virtual void rewind() noexcept = 0;                               // to the beginning, before another start()
};

struct HttpRequest {
    std::string method = "GET";
    std::string url;
    std::vector<std::pair<std::string, std::string>> headers;
    std::string body;
    HttpBody* upload = nullptr; // instead of body; must live until the answer's head is there
    HttpTls tls;
    int stall_seconds = 30; // without a byte: HttpFailure::timeout
};

enum class HttpFailure { none, resolve, connect, tls, timeout, broken, cancelled };

struct HttpResponse {
    int status = 0;                                  // 0: there was no answer
    std::multimap<std::string, std::string> headers; // names in lower case
    HttpFailure failure = HttpFailure::none;
    std::string failure_text;
    bool refused = false; // nobody listens there (ECONNREFUSED)
    std::string address;  // the last that was tried: "127.0.0.1:5000", "[::1]:5000"

    std::string header(const std::string& name) const {
        auto it = headers.find(name);
        return it == headers.end() ? std::string() : it->second;
    }
};

// One transfer at a time, connections kept between them. For one thread at a time. Never throws:
// exceptions do not cross into another module. Redirects are not followed.
class HttpSession {
public:
    virtual ~HttpSession() = default;
    // Sends the request, ending a transfer that still runs; blocks until the head of the answer is there.
    virtual const HttpResponse& start(const HttpRequest& request, const std::stop_token& stop) = 0;
    // Body bytes; 0: it has ended, or failed (see response().failure). Blocks.
    virtual std::size_t read(char* to, std::size_t max) = 0;
    virtual const HttpResponse& response() const = 0;
};

// Opens the module on first use. Errc::not_found if it is not installed, unsupported if it is of another davit.
std::unique_ptr<HttpSession> make_http_session();

inline constexpr unsigned http_module_abi = 3;
inline constexpr const char* http_module_entry = "davit_registry_session";
using HttpModuleEntry = HttpSession* (*)(unsigned abi); // null: another ABI

} // namespace davit::registry
