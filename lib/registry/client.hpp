// A repository of a registry: manifests and blobs by the distribution protocol, with whatever
// authentication it asks for.
#pragma once

#include "archive/byte_source.hpp"
#include "davit/error.hpp"
#include "registry/descriptor.hpp"
#include "registry/http.hpp"
#include "registry/options.hpp"
#include "registry/url.hpp"

#include <functional>
#include <initializer_list>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

namespace davit::registry {

struct RegistryEndpoint {
    std::string domain;    // as in references; credentials are asked for it
    Url base;              // "https://registry-1.docker.io/"
    bool insecure = false; // unverified TLS, and plain HTTP when TLS fails
};

// domain as in references. Plain HTTP is allowed on loopback and for the insecure registries ("host[:port]").
RegistryEndpoint registry_endpoint(const std::string& domain, const std::vector<std::string>& insecure_registries);

// What the client is for: it decides for which rights a token is asked at once, and what refusals are called.
enum class Purpose { pull, push, login };

// May be used from several threads at once.
class RegistryClient {
public:
    // repository: empty for a login.
    RegistryClient(RegistryEndpoint endpoint, std::string repository, RegistryOptions options,
                   Purpose purpose = Purpose::pull);
    ~RegistryClient();

    const RegistryEndpoint& endpoint() const { return endpoint_; }
    const std::string& repository() const { return repository_; }
    const RegistryOptions& options() const { return options_; }

    struct Document {
        std::string bytes, digest, media_type;
    };
    // The digest a tag has now, asked for without a download; empty if the registry does not say.
    std::string digest_of(const std::string& selector);
    // selector: a tag or a digest. Verified against the digest, or against what the registry claims.
    Document manifest(const std::string& selector);
    // Goes on after interruptions by itself, by Range requests.
    // Ended by stop as well as by the options' one.
    std::unique_ptr<archive::ByteSource> blob(const Descriptor& blob, std::uint64_t offset,
                                              const std::stop_token& stop = {});

    // A session of the pool for as long as it lives.
    class Exchange {
    public:
        Exchange(RegistryClient& client, std::unique_ptr<HttpSession> session)
            : client_(&client), session_(std::move(session)) {}
        Exchange(Exchange&&) = default;
        Exchange& operator=(Exchange&&) = default;
        ~Exchange() {
            if (session_) client_->give_back(std::move(session_));
        }
        HttpSession& session() { return *session_; }
        const HttpResponse& response() const { return session_->response(); }
        std::string body(std::size_t max);      // small answers
        const Url& url() const { return url_; } // that was asked last, after redirects
        bool own() const { return own_; }       // it is the registry that answers, not whom it led to

    private:
        friend class RegistryClient;
        RegistryClient* client_;
        std::unique_ptr<HttpSession> session_;
        Url url_;
        bool own_ = true;
    };

    using Headers = std::vector<std::pair<std::string, std::string>>;
    struct Request {
        std::string method = "GET";
        std::string path;           // below /v2/<repository>/
        std::optional<Url> at = {}; // in its place; credentials go there if it is the registry
        Headers headers = {};
        std::string body = {};
        HttpBody* upload = nullptr; // in its place
    };
    // Sends, authenticates and follows redirects; whatever the answer is. Errc::interrupted, denied (no token).
    Exchange send_once(const Request& request, const std::stop_token& stop = {});
    // Retries as well; throws unless the answer is 2xx or one of `also`.
    Exchange send(const Request& request, const std::stop_token& stop = {}, std::initializer_list<int> also = {});
    // The error for an answer of send_once(); reads its body.
    Error failure(const Request& request, Exchange& exchange) const;
    // A right that a token is to have from the next one on: "repository:team/base:pull".
    void want(const std::string& scope);
    // GET from somebody else, who gets none of the registry's credentials.
    Exchange get_elsewhere(const Url& url, const Headers& headers, const std::stop_token& stop = {});

private:
    friend class Exchange;
    Exchange borrow();
    void give_back(std::unique_ptr<HttpSession> session);
    HttpTls tls_for(const std::string& host) const;
    void start(Exchange& exchange, const Request& request, const Url& url, const std::string& authorization,
               const std::stop_token& stop);
    void start_following(Exchange& exchange, const Request& request, Url url, const std::string& authorization,
                         const std::stop_token& stop);
    Url url_of(const Request& request) const;
    bool reached() const;
    const std::stop_token& either(const std::stop_token& stop) const {
        return stop.stop_possible() ? stop : options_.stop;
    }
    bool fall_back_to_http(const HttpResponse& response, const Url& tried);
    std::string authorization() const;
    // A fresh Authorization header for a 401; empty if there is nothing (more) to offer.
    std::string authenticate(const HttpResponse& response, const std::string& used);
    std::string bearer_token(const std::map<std::string, std::string>& challenge,
                             const std::optional<Credentials>& credentials);
    std::vector<std::string> token_scopes(const std::string& asked);
    void show_warnings(const HttpResponse& response);

    RegistryEndpoint endpoint_;
    std::string repository_;
    RegistryOptions options_;
    Purpose purpose_;
    mutable std::mutex mutex_;
    std::vector<std::unique_ptr<HttpSession>> idle_;
    std::string authorization_;
    std::vector<std::string> scopes_;
    bool had_credentials_ = false;
    bool reached_ = false;            // it has answered once: failures may be transient
    std::mutex authentication_mutex_; // one thread at a time asks for a token
};

// Whether the same request may succeed a little later.
bool is_transient(const HttpResponse& response);
int retry_after(const HttpResponse& response); // s; 0: it does not say
// Waits, doubled each time, with jitter; Errc::interrupted on stop.
void back_off(int attempt, int at_least_seconds, const std::stop_token& stop);
// What the registry says in its errors document, or its status line's text.
std::string registry_message(const HttpResponse& response, const std::string& body);
Error refused_credentials(const std::string& domain, const std::string& user, const std::string& said, Purpose purpose);
Error needs_login(const std::string& domain, const std::string& name, const std::string& said, Purpose purpose);
// The error for an answer that is no success.
Error registry_error(const RegistryEndpoint& endpoint, const std::string& repository, const std::string& path,
                     const HttpResponse& response, const std::string& body, bool had_credentials,
                     Purpose purpose = Purpose::pull);

} // namespace davit::registry
