// The module davit-registry.so: HttpSession over libcurl's multi interface.
#include "registry/http.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <curl/curl.h>
#include <netdb.h>
#include <new>
#include <string>
#include <string_view>
#include <sys/socket.h>

namespace davit::registry {

namespace {

constexpr std::size_t spill_limit = 1 << 20; // bytes kept beyond what read() asked for
constexpr std::size_t most_header_bytes = 1 << 20;
constexpr long connect_timeout = 15; // s

void init_once() {
    static const CURLcode done = curl_global_init(CURL_GLOBAL_ALL);
    static_cast<void>(done);
}

HttpFailure failure_of(CURLcode code) {
    switch (code) {
    case CURLE_OK: return HttpFailure::none;
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY: return HttpFailure::resolve;
    case CURLE_COULDNT_CONNECT: return HttpFailure::connect;
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR: return HttpFailure::tls;
    case CURLE_OPERATION_TIMEDOUT: return HttpFailure::timeout;
    default: return HttpFailure::broken;
    }
}

class CurlSession : public HttpSession {
public:
    CurlSession() : multi_(curl_multi_init()), easy_(curl_easy_init()) {}
    CurlSession(const CurlSession&) = delete;
    ~CurlSession() override {
        finish();
        if (easy_) curl_easy_cleanup(easy_);
        if (multi_) curl_multi_cleanup(multi_);
    }

    bool usable() const { return multi_ && easy_; }

    const HttpResponse& start(const HttpRequest& request, const std::stop_token& stop) override {
        finish();
        response_ = HttpResponse();
        spill_.clear();
        spill_at_ = 0;
        head_done_ = ended_ = paused_ = false;
        header_bytes_ = 0;
        error_[0] = 0;
        stop_ = stop;
        set_options(request);
        curl_multi_add_handle(multi_, easy_);
        running_ = true;
        std::stop_callback wake(stop_, [this] { curl_multi_wakeup(multi_); });
        while (!head_done_ && !ended_) step();
        return response_;
    }

    std::size_t read(char* to, std::size_t max) override {
        to_ = to;
        room_ = max;
        take_spill();
        {
            std::stop_callback wake(stop_, [this] { curl_multi_wakeup(multi_); });
            while (room_ == max && !ended_) step();
        }
        if (room_ == max) take_spill(); // what came with the end
        std::size_t n = max - room_;
        to_ = nullptr;
        room_ = 0;
        return n;
    }

    const HttpResponse& response() const override { return response_; }

private:
    void finish() {
        if (running_) curl_multi_remove_handle(multi_, easy_);
        running_ = false;
        curl_slist_free_all(headers_);
        headers_ = nullptr;
    }

    template <typename T>
    void set(CURLoption option, T value) {
        curl_easy_setopt(easy_, option, value);
    }

    void set_body(const HttpRequest& r) {
        if (r.method == "HEAD") return set(CURLOPT_NOBODY, 1L);
        if (r.method == "GET") return;
        // A server that does not know the question costs a second each time.
        headers_ = curl_slist_append(headers_, "Expect:");
        if (r.upload) {
            set(CURLOPT_UPLOAD, 1L);
            set(CURLOPT_INFILESIZE_LARGE, static_cast<curl_off_t>(r.upload->size()));
            set(CURLOPT_UPLOAD_BUFFERSIZE, 512L * 1024);
            set(CURLOPT_READFUNCTION, &CurlSession::on_upload);
            set(CURLOPT_READDATA, r.upload);
            // No way back: libcurl would send it all again by itself where the registry has part of it.
        } else if (r.method != "DELETE") {
            set(CURLOPT_POST, 1L);
            set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(r.body.size()));
            set(CURLOPT_COPYPOSTFIELDS, r.body.data());
            if (r.body.empty()) headers_ = curl_slist_append(headers_, "Content-Type:"); // there is no form
        }
        set(CURLOPT_CUSTOMREQUEST, r.method.c_str());
    }

    void set_options(const HttpRequest& r) {
        curl_easy_reset(easy_); // keeps connections, sessions and DNS
        for (const auto& [name, value] : r.headers)
            headers_ = curl_slist_append(headers_, (name + ": " + value).c_str());
        set(CURLOPT_URL, r.url.c_str());
        set(CURLOPT_PROTOCOLS_STR, "http,https");
        set_body(r);
        set(CURLOPT_HTTPHEADER, headers_);
        set(CURLOPT_USERAGENT, "davit");
        set(CURLOPT_NOSIGNAL, 1L);
        set(CURLOPT_OPENSOCKETFUNCTION, &CurlSession::on_socket);
        set(CURLOPT_OPENSOCKETDATA, this);
        set(CURLOPT_BUFFERSIZE, 512L * 1024);
        set(CURLOPT_CONNECTTIMEOUT, std::min(connect_timeout, static_cast<long>(r.stall_seconds)));
        set(CURLOPT_LOW_SPEED_LIMIT, 1L);
        set(CURLOPT_LOW_SPEED_TIME, static_cast<long>(r.stall_seconds));
        set(CURLOPT_ERRORBUFFER, error_);
        set(CURLOPT_HEADERFUNCTION, &CurlSession::on_header);
        set(CURLOPT_HEADERDATA, this);
        set(CURLOPT_WRITEFUNCTION, &CurlSession::on_body);
        set(CURLOPT_WRITEDATA, this);
        set(CURLOPT_SSL_VERIFYPEER, r.tls.verify ? 1L : 0L);
        set(CURLOPT_SSL_VERIFYHOST, r.tls.verify ? 2L : 0L);
        if (!r.tls.ca_file.empty()) set(CURLOPT_CAINFO, r.tls.ca_file.c_str());
        if (!r.tls.client_cert.empty()) set(CURLOPT_SSLCERT, r.tls.client_cert.c_str());
        if (!r.tls.client_key.empty()) set(CURLOPT_SSLKEY, r.tls.client_key.c_str());
    }

    void step() {
        if (stop_.stop_requested()) return end(HttpFailure::cancelled, "cancelled");
        moved_ = false;
        if (paused_) {
            paused_ = false;
            curl_easy_pause(easy_, CURLPAUSE_CONT); // calls on_body()
        }
        int running = 0;
        CURLMcode code = curl_multi_perform(multi_, &running);
        if (code != CURLM_OK) return end(HttpFailure::broken, curl_multi_strerror(code));
        if (!running) {
            int left = 0;
            CURLMsg* message = curl_multi_info_read(multi_, &left);
            CURLcode result = message ? message->data.result : CURLE_OK;
            head_done_ = head_done_ || result == CURLE_OK;
            long os = 0;
            curl_easy_getinfo(easy_, CURLINFO_OS_ERRNO, &os);
            response_.refused = result == CURLE_COULDNT_CONNECT && os == ECONNREFUSED;
            return end(failure_of(result), error_[0] ? error_ : curl_easy_strerror(result));
        }
        if (!moved_) curl_multi_poll(multi_, nullptr, 0, 1000, nullptr);
    }

    void end(HttpFailure failure, const char* text) {
        ended_ = true;
        response_.failure = failure;
        if (failure != HttpFailure::none) response_.failure_text = text;
    }

    void take_spill() {
        std::size_t n = std::min(room_, spill_.size() - spill_at_);
        if (n == 0) return;
        std::memcpy(to_, spill_.data() + spill_at_, n);
        to_ += n;
        room_ -= n;
        spill_at_ += n;
        if (spill_at_ == spill_.size()) {
            spill_.clear();
            spill_at_ = 0;
        }
    }

    // As libcurl would open it; which address it is for nobody tells once that has failed.
    static curl_socket_t on_socket(void* self, curlsocktype, curl_sockaddr* to) {
        char host[NI_MAXHOST], port[NI_MAXSERV];
        if (::getnameinfo(&to->addr, to->addrlen, host, sizeof host, port, sizeof port,
                          NI_NUMERICHOST | NI_NUMERICSERV) == 0) {
            const bool bracketed = to->family == AF_INET6;
            static_cast<CurlSession*>(self)->response_.address =
                (bracketed ? "[" : "") + std::string(host) + (bracketed ? "]:" : ":") + port;
        }
        return ::socket(to->family, to->socktype | SOCK_CLOEXEC, to->protocol);
    }

    static std::size_t on_upload(char* to, std::size_t, std::size_t max, void* body) {
        const std::size_t n = static_cast<HttpBody*>(body)->read(to, max);
        return n == HttpBody::failed ? CURL_READFUNC_ABORT : n;
    }

    static std::size_t on_header(char* data, std::size_t, std::size_t size, void* self) {
        auto* session = static_cast<CurlSession*>(self);
        if ((session->header_bytes_ += size) > most_header_bytes) return 0; // ends the transfer
        session->header({data, size});
        return size;
    }

    void header(std::string_view line) {
        moved_ = true;
        while (line.ends_with('\n') || line.ends_with('\r')) line.remove_suffix(1);
        if (line.starts_with("HTTP/")) { // a 1xx answer or a proxy's may come first
            response_.headers.clear();
            return;
        }
        if (line.empty()) {
            long status = 0;
            curl_easy_getinfo(easy_, CURLINFO_RESPONSE_CODE, &status);
            response_.status = static_cast<int>(status);
            head_done_ = status >= 200;
            return;
        }
        auto colon = line.find(':');
        if (colon == std::string_view::npos) return;
        std::string name(line.substr(0, colon));
        for (char& c : name) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
        auto value = line.substr(colon + 1);
        while (value.starts_with(' ') || value.starts_with('\t')) value.remove_prefix(1);
        while (value.ends_with(' ')) value.remove_suffix(1);
        response_.headers.emplace(std::move(name), value);
    }

    static std::size_t on_body(char* data, std::size_t, std::size_t size, void* self) {
        return static_cast<CurlSession*>(self)->body(data, size);
    }

    std::size_t body(const char* data, std::size_t size) {
        if (spill_.size() - spill_at_ >= spill_limit) {
            paused_ = true;
            return CURL_WRITEFUNC_PAUSE;
        }
        moved_ = true;
        std::size_t direct = spill_.empty() ? std::min(size, room_) : 0;
        if (direct > 0) {
            std::memcpy(to_, data, direct);
            to_ += direct;
            room_ -= direct;
        }
        spill_.append(data + direct, size - direct);
        return size;
    }

    CURLM* multi_;
    CURL* easy_;
    curl_slist* headers_ = nullptr;
    HttpResponse response_;
    std::stop_token stop_;
    std::string spill_;
    std::size_t spill_at_ = 0;
    char* to_ = nullptr;
    std::size_t room_ = 0;
    char error_[CURL_ERROR_SIZE] = {};
    bool running_ = false, head_done_ = false, ended_ = false, paused_ = false;
    std::size_t header_bytes_ = 0;
    bool moved_ = false; // a callback ran: no reason to wait
};

} // namespace

} // namespace davit::registry

extern "C" __attribute__((visibility("default"))) davit::registry::HttpSession* davit_registry_session(unsigned abi) {
    if (abi != davit::registry::http_module_abi) return nullptr;
    davit::registry::init_once();
    auto* session = new (std::nothrow) davit::registry::CurlSession;
    if (session && !session->usable()) {
        delete session;
        return nullptr;
    }
    return session;
}
