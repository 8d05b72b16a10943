#include "build/files/http_file.hpp"

#include "base/error.hpp"
#include "base/hash.hpp"
#include "base/sys.hpp"
#include "base/text_code.hpp"
#include "registry/client.hpp"
#include "registry/http.hpp"
#include "registry/url.hpp"

#include <array>
#include <charconv>
#include <ctime>
#include <memory>
#include <unistd.h>
#include <vector>

namespace davit::build {

namespace {

constexpr int most_redirects = 10, most_attempts = 4;

template <typename T>
std::optional<T> digits(std::string_view text) {
    T out{};
    const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), out);
    return problem == std::errc{} && end == text.data() + text.size() ? std::optional(out) : std::nullopt;
}

// What may be better in a moment.
bool is_passing(const registry::HttpResponse& r) {
    using registry::HttpFailure;
    if (r.failure == HttpFailure::broken || r.failure == HttpFailure::timeout) return true;
    return r.failure == HttpFailure::none && (r.status == 429 || r.status >= 500);
}

bool is_redirect(int status) {
    return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

class HttpDownload {
public:
    HttpDownload(const std::string& url, int fd, const HttpFileOptions& options, bool with_sha512,
                 const HttpFile* before = nullptr)
        : url_(url), fd_(fd), options_(options), with_sha512_(with_sha512), before_(before),
          session_(registry::make_http_session()) {}

    // nullopt: it is what it was.
    std::optional<HttpFile> run() {
        for (int attempt = 0;; ++attempt) {
            const registry::HttpResponse& head = ask();
            constexpr int not_modified = 304;
            if (before_ && head.failure == registry::HttpFailure::none && head.status == not_modified)
                return std::nullopt;
            if (head.failure == registry::HttpFailure::none && head.status >= 200 && head.status < 300 && body())
                return std::move(file_);
            const registry::HttpResponse& end = session_->response();
            if (options_.stop.stop_requested())
                throw error(Errc::interrupted, "{}: the download was interrupted", url_);
            if (!is_passing(end) || attempt + 1 >= most_attempts) throw refusal(end);
            registry::back_off(attempt, 0, options_.stop);
        }
    }

private:
    std::optional<std::string> authorization(const std::string& host) const {
        if (!options_.secret) return std::nullopt;
        const std::size_t colon = host.ends_with(']') ? std::string::npos : host.rfind(':');
        for (const std::string& name : {host, host.substr(0, colon)}) {
            if (auto whole = options_.secret("HTTP_AUTH_HEADER_" + name)) return line(*whole);
            if (auto token = options_.secret("HTTP_AUTH_TOKEN_" + name)) return "Bearer " + line(*token);
        }
        return std::nullopt;
    }

    // A secret's file often ends in a newline; a header holds none.
    static std::string line(const std::string& text) { return text.substr(0, text.find_first_of("\r\n")); }

    const registry::HttpResponse& ask() {
        auto url = registry::parse_url(url_);
        if (!url)
            throw error(Errc::usage, "{}: this is no http or https URL that can be fetched", url_)
                .with_hint("user names and passwords are given by the secret HTTP_AUTH_HEADER_HOST");
        const std::string host = url->host, scheme = url->scheme;
        const auto credentials = authorization(host);
        for (int i = 0; i <= most_redirects; ++i) {
            registry::HttpRequest request;
            request.url = url->text().substr(0, url->text().find('#'));
            // Not to another host, nor in clear what was to be encrypted.
            if (credentials && url->host == host && url->scheme == scheme)
                request.headers.emplace_back("Authorization", *credentials);
            if (before_ && !before_->etag.empty()) request.headers.emplace_back("If-None-Match", before_->etag);
            else if (before_) request.headers.emplace_back("If-Modified-Since", before_->last_modified);
            const registry::HttpResponse& head = session_->start(request, options_.stop);
            if (head.failure != registry::HttpFailure::none || !is_redirect(head.status)) return head;
            const auto next = registry::resolve_url(*url, head.header("location"));
            if (!next)
                throw error(Errc::failed, "{}: it leads to '{}', which is no URL", url_, head.header("location"));
            url = next;
        }
        throw error(Errc::failed, "{}: more than {} redirects", url_, most_redirects);
    }

    // False: it broke off.
    bool body() {
        file_ = {};
        const std::string length = session_->response().header("content-length");
        const auto expected = digits<std::uint64_t>(length);
        if (expected && *expected > options_.most_bytes) throw too_large();
        if (::ftruncate(fd_, 0) < 0 || ::lseek(fd_, 0, SEEK_SET) < 0) throw make_sys_error(errno, "writing a download");
        Hasher sha256, sha512(Hasher::Kind::sha512);
        std::vector<char> buffer(256 * 1024);
        while (const std::size_t n = session_->read(buffer.data(), buffer.size())) {
            file_.size += n;
            if (file_.size > options_.most_bytes) throw too_large();
            sha256.update(buffer.data(), n);
            if (with_sha512_) sha512.update(buffer.data(), n);
            sys::write_all(fd_, {buffer.data(), n});
        }
        if (session_->response().failure != registry::HttpFailure::none) return false;
        file_.sha256 = sha256.hex();
        if (with_sha512_) file_.sha512 = sha512.hex();
        file_.etag = session_->response().header("etag");
        file_.last_modified = session_->response().header("last-modified");
        file_.modified = parse_http_date(file_.last_modified).value_or(0);
        return true;
    }

    Error too_large() const { return error(Errc::failed, "{}: it has more than {} bytes", url_, options_.most_bytes); }

    Error refusal(const registry::HttpResponse& r) const {
        if (r.failure != registry::HttpFailure::none)
            return error(Errc::unavailable, "{}: {}", url_, r.failure_text)
                .with_hint("check the address and the network");
        const Errc kind = r.status == 404 || r.status == 410   ? Errc::not_found
                          : r.status == 401 || r.status == 403 ? Errc::denied
                          : r.status >= 500                    ? Errc::unavailable
                                                               : Errc::failed;
        Error out = error(kind, "{}: the server answered {}", url_, r.status);
        if (kind == Errc::denied)
            out.with_hint("give a token by --secret id=HTTP_AUTH_TOKEN_HOST,src=FILE, HOST as in the URL");
        return out;
    }

    std::string url_;
    int fd_;
    const HttpFileOptions& options_;
    bool with_sha512_;
    const HttpFile* before_;
    std::unique_ptr<registry::HttpSession> session_;
    HttpFile file_;
};

} // namespace

HttpFile download(const std::string& url, int fd, const HttpFileOptions& options, bool with_sha512) {
    return *HttpDownload(url, fd, options, with_sha512).run();
}

std::optional<HttpFile> download_if_changed(const std::string& url, int fd, const HttpFileOptions& options,
                                            const HttpFile& before, bool with_sha512) {
    return HttpDownload(url, fd, options, with_sha512, &before).run();
}

std::string file_name_of(const std::string& url) {
    const auto parsed = registry::parse_url(url);
    std::string path = parsed ? parsed->path.substr(0, parsed->path.find_first_of("?#")) : "";
    path = percent_decode(path);
    while (path.ends_with('/')) path.pop_back();
    const std::string name = path.substr(path.rfind('/') + 1);
    return name.empty() || name == "." || name == ".." || name.find('\0') != std::string::npos ? "__unnamed__" : name;
}

std::optional<std::int64_t> parse_http_date(std::string_view text) {
    static constexpr std::array<std::string_view, 12> months{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                             "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    constexpr std::size_t length = 29;
    if (text.size() != length || text.substr(3, 2) != ", " || !text.ends_with(" GMT")) return std::nullopt;
    std::tm t{};
    const auto day = digits<int>(text.substr(5, 2)), year = digits<int>(text.substr(12, 4));
    const auto hour = digits<int>(text.substr(17, 2)), minute = digits<int>(text.substr(20, 2)),
               second = digits<int>(text.substr(23, 2));
    const auto month = std::find(months.begin(), months.end(), text.substr(8, 3));
    if (!day || !year || !hour || !minute || !second || month == months.end()) return std::nullopt;
    t.tm_mday = *day;
    t.tm_mon = static_cast<int>(month - months.begin());
    t.tm_year = *year - 1900;
    t.tm_hour = *hour;
    t.tm_min = *minute;
    t.tm_sec = *second;
    return static_cast<std::int64_t>(::timegm(&t));
}

} // namespace davit::build
