#include "registry/client.hpp"

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/hash.hpp"
#include "registry/challenge.hpp"
#include "registry/reference.hpp"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <random>

namespace davit::registry {

namespace {

constexpr int max_redirects = 10;
constexpr std::size_t max_manifest = 4u << 20;
constexpr std::size_t max_error_body = 64u << 10;
constexpr int longest_wait = 60; // s, of what a Retry-After may ask for

bool is_redirect(int status) {
    return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

} // namespace

bool is_transient(const HttpResponse& r) {
    if (r.failure != HttpFailure::none)
        return r.failure == HttpFailure::broken || r.failure == HttpFailure::timeout ||
               r.failure == HttpFailure::connect;
    return r.status == 429 || r.status == 500 || r.status == 502 || r.status == 503 || r.status == 504;
}

int retry_after(const HttpResponse& r) {
    const std::string value = r.header("retry-after");
    return std::min(std::atoi(value.c_str()), longest_wait);
}

void back_off(int attempt, int at_least_seconds, const std::stop_token& stop) {
    static thread_local std::minstd_rand random(std::random_device{}());
    const int base = 200 << std::min(attempt, 6);
    auto wait = std::chrono::milliseconds(base / 2 + static_cast<int>(random() % static_cast<unsigned>(base)));
    wait = std::max(wait, std::chrono::milliseconds(at_least_seconds * 1000));
    std::mutex mutex;
    std::condition_variable_any never;
    std::unique_lock lock(mutex);
    never.wait_for(lock, stop, wait, [] { return false; });
    if (stop.stop_requested()) throw error(Errc::interrupted, "cancelled");
}

RegistryEndpoint registry_endpoint(const std::string& domain, const std::vector<std::string>& insecure_registries) {
    const std::string host = domain == "docker.io" ? "registry-1.docker.io" : domain;
    const std::string without_port = host.substr(0, host.rfind(':'));
    const bool insecure = is_loopback(host) || std::any_of(insecure_registries.begin(), insecure_registries.end(),
                                                           [&](const std::string& listed) {
                                                               return listed == host || listed == without_port;
                                                           });
    return {domain, {"https", host, "/"}, insecure};
}

RegistryClient::RegistryClient(RegistryEndpoint endpoint, std::string repository, RegistryOptions options,
                               Purpose purpose)
    : endpoint_(std::move(endpoint)), repository_(std::move(repository)), options_(std::move(options)),
      purpose_(purpose) {
    if (purpose == Purpose::push) scopes_.push_back("repository:" + repository_ + ":pull,push");
}
RegistryClient::~RegistryClient() = default;

RegistryClient::Exchange RegistryClient::borrow() {
    {
        std::lock_guard lock(mutex_);
        if (!idle_.empty()) {
            auto session = std::move(idle_.back());
            idle_.pop_back();
            return Exchange(*this, std::move(session));
        }
    }
    return Exchange(*this, make_http_session());
}

void RegistryClient::give_back(std::unique_ptr<HttpSession> session) {
    std::lock_guard lock(mutex_);
    idle_.push_back(std::move(session));
}

std::string RegistryClient::Exchange::body(std::size_t max) {
    std::string out;
    char buffer[16384];
    while (std::size_t n = session_->read(buffer, sizeof buffer)) {
        out.append(buffer, n);
        if (out.size() > max) throw error(Errc::failed, "the registry's answer is longer than {} bytes", max);
    }
    return out;
}

HttpTls RegistryClient::tls_for(const std::string& host) const {
    HttpTls out;
    if (host == endpoint_.base.host) out.verify = !endpoint_.insecure;
    else if (is_loopback(host)) out.verify = false;
    for (const char* root : {"/etc/docker/certs.d/", "/etc/containers/certs.d/"}) {
        const std::string directory = root + host;
        if (exists(directory + "/ca.crt")) out.ca_file = directory + "/ca.crt";
        if (exists(directory + "/client.cert")) out.client_cert = directory + "/client.cert";
        if (exists(directory + "/client.key")) out.client_key = directory + "/client.key";
    }
    if (!out.ca_file.empty()) out.verify = true;
    return out;
}

void RegistryClient::start(Exchange& exchange, const Request& what, const Url& url, const std::string& authorization,
                           const std::stop_token& stop) {
    HttpRequest request;
    request.method = what.method;
    request.url = url.text();
    request.headers = what.headers;
    request.body = what.body;
    request.upload = what.upload;
    request.tls = tls_for(url.host);
    request.stall_seconds = static_cast<int>(options_.stall_timeout.count());
    if (!authorization.empty()) request.headers.emplace_back("Authorization", authorization);
    if (what.upload) what.upload->rewind();
    exchange.url_ = url;
    exchange.session().start(request, either(stop));
    if (exchange.response().failure == HttpFailure::cancelled) throw error(Errc::interrupted, "cancelled");
}

// Storage behind a registry (S3 and its like) refuses requests that carry the registry's token, and
// must not learn it.
void RegistryClient::start_following(Exchange& exchange, const Request& request, Url url,
                                     const std::string& authorization, const std::stop_token& stop) {
    std::string credentials = authorization;
    for (int hops = 0;; ++hops) {
        start(exchange, request, url, credentials, stop);
        if (!is_redirect(exchange.response().status)) return;
        const std::string location = exchange.response().header("location");
        auto next = resolve_url(url, location);
        if (!next || hops == max_redirects)
            throw error(Errc::unavailable, "the registry {} redirects to '{}'", endpoint_.domain, location);
        if (url.scheme == "https" && next->scheme == "http" && !is_loopback(next->host) && !endpoint_.insecure)
            throw error(Errc::denied, "the registry {} redirects from HTTPS to plain HTTP ({})", endpoint_.domain,
                        next->host);
        if (!same_origin(*next, url)) {
            credentials.clear();
            exchange.own_ = false;
        }
        url = std::move(*next);
    }
}

bool RegistryClient::fall_back_to_http(const HttpResponse& r, const Url& tried) {
    if (!endpoint_.insecure || tried.scheme != "https" || r.status != 0) return false;
    if (r.failure != HttpFailure::tls && r.failure != HttpFailure::broken && r.failure != HttpFailure::connect)
        return false;
    std::lock_guard lock(mutex_);
    if (tried.host != endpoint_.base.host) return false;
    if (endpoint_.base.scheme == "http") return true; // another thread has found out meanwhile
    if (reached_) return false;
    endpoint_.base.scheme = "http";
    return true;
}

Url RegistryClient::url_of(const Request& request) const {
    std::lock_guard lock(mutex_);
    Url url = endpoint_.base;
    if (request.at) {
        url = *request.at;
        // Behind a proxy that ends TLS a registry may take itself for plain HTTP.
        if (url.scheme == "http" && endpoint_.base.scheme == "https" && url.host == endpoint_.base.host)
            url.scheme = "https";
        return url;
    }
    url.path += repository_.empty() ? "v2/" : "v2/" + repository_ + "/";
    url.path += request.path;
    return url;
}

bool RegistryClient::reached() const {
    std::lock_guard lock(mutex_);
    return reached_;
}

RegistryClient::Exchange RegistryClient::send_once(const Request& request, const std::stop_token& stop) {
    for (int authentications = 0;;) {
        Exchange exchange = borrow();
        const Url url = url_of(request);
        exchange.own_ = !request.at || same_origin(url, url_of({}));
        const std::string used = exchange.own_ ? authorization() : "";
        start_following(exchange, request, url, used, stop);
        const HttpResponse& r = exchange.response();
        if (r.status == 0 && fall_back_to_http(r, url)) continue;
        show_warnings(r);
        // Who the registry merely leads to does not say where the password goes.
        if (r.status == 401 && exchange.own_ && authentications < 2 && !authenticate(r, used).empty()) {
            ++authentications;
            continue;
        }
        std::lock_guard lock(mutex_);
        reached_ = reached_ || r.status != 0;
        return exchange;
    }
}

Error RegistryClient::failure(const Request& request, Exchange& exchange) const {
    const HttpResponse& r = exchange.response();
    const std::string body = r.status ? exchange.body(max_error_body) : "";
    return registry_error(endpoint_, repository_, request.path, r, body, had_credentials_, purpose_);
}

RegistryClient::Exchange RegistryClient::send(const Request& request, const std::stop_token& stop,
                                              std::initializer_list<int> also) {
    for (int attempt = 0;;) {
        Exchange exchange = send_once(request, stop);
        const HttpResponse& r = exchange.response();
        if (r.status >= 200 && r.status < 300) return exchange;
        if (std::find(also.begin(), also.end(), r.status) != also.end()) return exchange;
        // A registry that has never answered is down, not busy: say so at once.
        if (!reached() || !is_transient(r) || ++attempt >= options_.max_attempts) throw failure(request, exchange);
        back_off(attempt, retry_after(r), either(stop));
    }
}

RegistryClient::Exchange RegistryClient::get_elsewhere(const Url& url, const Headers& headers,
                                                       const std::stop_token& stop) {
    for (int attempt = 0;;) {
        Exchange exchange = borrow();
        start_following(exchange, {.method = "GET", .path = "", .headers = headers}, url, "", stop);
        const HttpResponse& r = exchange.response();
        if (r.status >= 200 && r.status < 300) return exchange;
        if (!is_transient(r) || ++attempt >= options_.max_attempts)
            throw error(Errc::unavailable, "{} does not give the layer: {}", url.text(),
                        r.status ? fmt::format("HTTP status {}", r.status) : r.failure_text);
        back_off(attempt, retry_after(r), either(stop));
    }
}

void RegistryClient::want(const std::string& scope) {
    std::lock_guard lock(mutex_);
    merge_scopes(scopes_, scope);
}

void RegistryClient::show_warnings(const HttpResponse& r) {
    if (!options_.warning) return;
    auto [begin, end] = r.headers.equal_range("warning");
    for (auto it = begin; it != end; ++it) { // 299 - "text", distribution-spec
        auto open = it->second.find('"'), close = it->second.rfind('"');
        if (it->second.starts_with("299 ") && close > open && open != std::string::npos)
            options_.warning(endpoint_.domain + ": " + it->second.substr(open + 1, close - open - 1));
    }
}

namespace {

const RegistryClient::Headers& accept_manifests() {
    static const RegistryClient::Headers headers{{"Accept", std::string(media::oci_index) + ", " + media::oci_manifest +
                                                                ", " + media::docker_list + ", " +
                                                                media::docker_manifest}};
    return headers;
}

} // namespace

std::string RegistryClient::digest_of(const std::string& selector) {
    Exchange exchange = send({.method = "HEAD", .path = "manifests/" + selector, .headers = accept_manifests()});
    std::string digest = exchange.response().header("docker-content-digest");
    return is_digest(digest) ? digest : "";
}

RegistryClient::Document RegistryClient::manifest(const std::string& selector) {
    Exchange exchange = send({.path = "manifests/" + selector, .headers = accept_manifests()});
    Document out;
    out.media_type = exchange.response().header("content-type");
    out.media_type = out.media_type.substr(0, out.media_type.find(';'));
    const std::string claimed = exchange.response().header("docker-content-digest");
    out.bytes = exchange.body(max_manifest);
    if (exchange.response().failure != HttpFailure::none)
        throw registry_error(endpoint_, repository_, "manifests/" + selector, exchange.response(), "",
                             had_credentials_);
    out.digest = is_digest(selector) ? selector : is_digest(claimed) ? claimed : "sha256:" + sha256_hex(out.bytes);
    verify_bytes({out.media_type, out.digest, out.bytes.size(), std::nullopt, {}}, out.bytes);
    return out;
}

namespace {

class RemoteBlob : public archive::ByteSource {
public:
    RemoteBlob(RegistryClient& client, const Descriptor& blob, std::uint64_t offset, const RegistryOptions& options,
               std::stop_token stop)
        : client_(client), blob_(blob), options_(options), stop_(stop.stop_possible() ? std::move(stop) : options.stop),
          at_(offset) {}

    std::size_t read(char* to, std::size_t max) override {
        for (;;) {
            if (!exchange_) open();
            std::size_t n = exchange_->session().read(to, max);
            const HttpFailure failure = exchange_->response().failure;
            if (n > 0) {
                at_ += n;
                failures_ = 0; // attempts count without progress in between
                return n;
            }
            if (failure == HttpFailure::cancelled) throw error(Errc::interrupted, "cancelled");
            if (failure == HttpFailure::none && at_ >= blob_.size) return 0;
            const std::string why =
                failure == HttpFailure::none ? "the answer ended early" : exchange_->response().failure_text;
            exchange_.reset();
            if (++failures_ >= options_.max_attempts)
                throw error(Errc::unavailable, "downloading {} from {} stopped after {} of {} bytes: {}", blob_.digest,
                            client_.endpoint().domain, at_, blob_.size, why)
                    .with_hint("what has come is kept: pull again to go on from there");
            back_off(failures_, 0, stop_);
        }
    }

private:
    // Layers that may not be distributed ("foreign") stand elsewhere; most registries have them none the less.
    RegistryClient::Exchange request(const RegistryClient::Headers& headers) {
        try {
            return client_.send({.path = "blobs/" + blob_.digest, .headers = headers}, stop_);
        } catch (const Error& e) {
            if (e.kind() != Errc::not_found || blob_.urls.empty()) throw;
        }
        for (std::size_t i = 0;; ++i) {
            auto url = parse_url(blob_.urls[i]);
            try {
                if (!url)
                    throw error(Errc::failed, "the layer {} is said to be at '{}', which is no URL", blob_.digest,
                                blob_.urls[i]);
                return client_.get_elsewhere(*url, headers, stop_);
            } catch (const Error& e) {
                if (i + 1 == blob_.urls.size() || e.kind() == Errc::interrupted) throw;
            }
        }
    }

    void open() {
        RegistryClient::Headers headers;
        if (at_ > 0) headers.emplace_back("Range", fmt::format("bytes={}-", at_));
        exchange_.emplace(request(headers));
        if (at_ == 0 || exchange_->response().status == 206) return;
        char scratch[65536]; // the whole blob again: pass over what is here
        for (std::uint64_t left = at_; left > 0;) {
            std::size_t n = exchange_->session().read(
                scratch, static_cast<std::size_t>(std::min<std::uint64_t>(left, sizeof scratch)));
            if (n == 0) return; // read() sees why
            left -= n;
        }
    }

    RegistryClient& client_;
    Descriptor blob_;
    const RegistryOptions& options_;
    std::stop_token stop_;
    std::uint64_t at_;
    int failures_ = 0;
    std::optional<RegistryClient::Exchange> exchange_;
};

} // namespace

std::unique_ptr<archive::ByteSource> RegistryClient::blob(const Descriptor& blob, std::uint64_t offset,
                                                          const std::stop_token& stop) {
    return std::make_unique<RemoteBlob>(*this, blob, offset, options_, stop);
}

} // namespace davit::registry
