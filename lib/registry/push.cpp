#include "registry/push.hpp"

#include "base/error.hpp"
#include "base/text_code.hpp"
#include "registry/reference.hpp"

#include <algorithm>
#include <charconv>
#include <exception>

namespace davit::registry {

namespace {

constexpr std::uint64_t usual_chunk = 32u << 20; // of what a proxy refuses to take whole
constexpr std::uint64_t smallest_chunk = 1u << 20;
constexpr std::size_t most_mounts = 3; // repositories that are tried

// `size` bytes of a blob from an offset on, as the body of a request.
class BlobBody : public HttpBody {
public:
    BlobBody(const BlobPush& blob, std::uint64_t offset, std::uint64_t size)
        : blob_(blob), offset_(offset), size_(size) {}

    std::uint64_t size() const noexcept override { return size_; }
    std::size_t read(char* to, std::size_t max) noexcept override {
        try {
            if (at_ == size_) return 0;
            if (!source_) source_ = blob_.open(offset_);
            const auto n = source_->read(to, static_cast<std::size_t>(std::min<std::uint64_t>(max, size_ - at_)));
            if (n == 0) throw error(Errc::failed, "the blob {} ends early", blob_.blob.digest);
            at_ += n;
            if (blob_.progress) blob_.progress(offset_ + at_);
            return n;
        } catch (...) {
            failure_ = std::current_exception();
            return failed;
        }
    }
    void rewind() noexcept override {
        source_.reset();
        at_ = 0;
    }
    void rethrow() const {
        if (failure_) std::rethrow_exception(failure_);
    }

private:
    const BlobPush& blob_;
    std::uint64_t offset_, size_, at_ = 0;
    std::unique_ptr<archive::ByteSource> source_;
    std::exception_ptr failure_;
};

} // namespace

std::optional<std::uint64_t> received_bytes(std::string_view range) {
    if (range.starts_with("bytes=")) range.remove_prefix(6);
    if (!range.starts_with("0-")) return std::nullopt;
    range.remove_prefix(2);
    std::uint64_t last = 0;
    auto [end, problem] = std::from_chars(range.data(), range.data() + range.size(), last);
    if (problem != std::errc() || end != range.data() + range.size() || last == UINT64_MAX) return std::nullopt;
    return last == 0 ? 0 : last + 1;
}

std::uint64_t next_chunk(std::uint64_t size, std::uint64_t offset, std::uint64_t chunk, std::uint64_t least) {
    const std::uint64_t left = size - std::min(offset, size);
    return chunk == 0 ? left : std::min(left, std::max(chunk, least));
}

std::optional<std::uint64_t> smaller_chunk(std::uint64_t size, std::uint64_t chunk, std::uint64_t least) {
    const std::uint64_t smaller = chunk == 0 ? std::min(usual_chunk, size / 2) : chunk / 2;
    if (smaller < std::max(least, smallest_chunk)) return std::nullopt;
    return smaller;
}

Url with_query(Url url, const std::string& name, const std::string& value) {
    url.path += (url.path.find('?') == std::string::npos ? "?" : "&") + name + "=" + percent_encode(value);
    return url;
}

bool Uploader::has(const std::string& digest, const std::stop_token& stop) {
    const RegistryClient::Request request{.method = "HEAD", .path = "blobs/" + digest};
    auto exchange = client_.send(request, stop, {400, 401, 403, 404, 405});
    const int status = exchange.response().status;
    if (status < 300) return true;
    // Storage that the registry led to may know no HEAD: then the blob is sent, or mounted.
    if (status == 404 || !exchange.own()) return false;
    throw client_.failure(request, exchange);
}

Uploader::Session Uploader::session_at(const RegistryClient::Exchange& exchange) const {
    const HttpResponse& r = exchange.response();
    const std::string location = r.header("location");
    auto place = location.empty() ? std::nullopt : resolve_url(exchange.url(), location);
    if (!place)
        throw error(Errc::unavailable, "the registry {} does not say where an upload goes ('{}')",
                    client_.endpoint().domain, location);
    Session out;
    out.place = std::move(*place);
    const std::string least = r.header("oci-chunk-min-length");
    std::from_chars(least.data(), least.data() + least.size(), out.least);
    return out;
}

Uploader::Session Uploader::begin(const std::stop_token& stop) {
    return session_at(client_.send({.method = "POST", .path = "blobs/uploads/"}, stop));
}

// A session when the registry does not have it there, or does not let this user read it; nothing when it is mounted.
std::optional<Uploader::Session> Uploader::mount(const BlobPush& blob, const std::string& from,
                                                 const std::stop_token& stop) {
    client_.want("repository:" + from + ":pull");
    const std::string path =
        "blobs/uploads/?mount=" + percent_encode(blob.blob.digest) + "&from=" + percent_encode(from);
    auto exchange = client_.send({.method = "POST", .path = path}, stop, {400, 401, 403, 404, 405});
    if (exchange.response().status == 201) return std::nullopt;
    if (exchange.response().status == 202) return session_at(exchange);
    return begin(stop);
}

void Uploader::cancel(const Session& session, const std::stop_token& stop) {
    try {
        client_.send_once({.method = "DELETE", .path = "blobs/uploads/", .at = session.place}, stop);
    } catch (const Error& e) { // it ends by itself some day
        if (e.kind() == Errc::interrupted) throw;
    }
}

PushedBlob Uploader::push(const BlobPush& blob, const std::stop_token& stop) {
    if (has(blob.blob.digest, stop)) return {PushedBlob::How::present, ""};
    std::optional<Session> session;
    for (std::size_t i = 0; i < std::min(blob.sources.size(), most_mounts); ++i) {
        if (session) cancel(*session, stop);
        session = mount(blob, blob.sources[i], stop);
        if (!session) return {PushedBlob::How::mounted, blob.sources[i]};
    }
    upload(blob, session ? std::move(*session) : begin(stop), stop);
    return {PushedBlob::How::uploaded, ""};
}

// Whether the blob is there already: its last answer may have been lost. Else the session is where to go on.
bool Uploader::resume(const BlobPush& blob, Session& session, const std::stop_token& stop) {
    auto exchange = client_.send_once({.path = "blobs/uploads/", .at = session.place}, stop);
    const HttpResponse& r = exchange.response();
    const auto received = received_bytes(r.header("range"));
    if (r.status >= 200 && r.status < 300 && received && *received <= blob.blob.size) {
        session.offset = *received;
        if (const std::string location = r.header("location"); !location.empty())
            session.place = session_at(exchange).place;
        return false;
    }
    if (has(blob.blob.digest, stop)) return true;
    const std::uint64_t chunk = session.chunk;
    session = begin(stop);
    session.chunk = chunk;
    return false;
}

void Uploader::upload(const BlobPush& blob, Session session, const std::stop_token& stop) {
    const std::uint64_t size = blob.blob.size;
    std::uint64_t furthest = 0;
    for (int failures = 0;;) {
        // All at once ends the upload in one request; the rest of one that was cut off, and chunks, come by PATCH.
        const bool patch = session.offset < size && (session.offset > 0 || session.chunk > 0);
        const std::uint64_t length = next_chunk(size, session.offset, session.chunk, session.least);
        const std::uint64_t before = session.offset;
        BlobBody body(blob, before, length);
        RegistryClient::Request request{.method = patch ? "PATCH" : "PUT", .path = "blobs/uploads/"};
        request.at = patch ? session.place : with_query(session.place, "digest", blob.blob.digest);
        request.headers.emplace_back("Content-Type", "application/octet-stream");
        if (patch) request.headers.emplace_back("Content-Range", fmt::format("{}-{}", before, before + length - 1));
        request.upload = &body;
        auto exchange = client_.send_once(request, stop);
        body.rethrow();
        const HttpResponse& r = exchange.response();
        if (r.status >= 200 && r.status < 300 && !patch) return;
        if (r.status >= 200 && r.status < 300) {
            const auto received = received_bytes(r.header("range"));
            session.place = session_at(exchange).place;
            session.offset = received && *received <= size ? *received : before + length;
            if (session.offset > furthest) failures = 0; // attempts count without progress in between
            furthest = std::max(furthest, session.offset);
            if (session.offset > before) continue;
        }
        if (r.status == 413) {
            const auto chunk = smaller_chunk(size, session.chunk, session.least);
            if (!chunk) throw client_.failure(request, exchange);
            session = begin(stop);
            session.chunk = *chunk;
            continue;
        }
        // 404, 416: the registry and this side disagree on what was sent, or it has forgotten the upload.
        const bool again = is_transient(r) || r.status == 404 || r.status == 416 || r.status < 300;
        if (!again || ++failures >= client_.options().max_attempts) throw client_.failure(request, exchange);
        back_off(failures, retry_after(r), stop.stop_possible() ? stop : client_.options().stop);
        if (resume(blob, session, stop)) return;
        if (session.offset > furthest) failures = 0;
        furthest = std::max(furthest, session.offset);
    }
}

bool Uploader::manifest(const std::string& selector, const std::string& digest, const std::string& media_type,
                        const std::string& bytes, const std::stop_token& stop) {
    auto exchange = client_.send(
        {.method = "PUT", .path = "manifests/" + selector, .headers = {{"Content-Type", media_type}}, .body = bytes},
        stop);
    const std::string claimed = exchange.response().header("docker-content-digest");
    if (is_digest(claimed) && claimed.substr(0, 7) == digest.substr(0, 7) && claimed != digest)
        throw error(Errc::failed, "the registry {} has taken the manifest {} as {}", client_.endpoint().domain, digest,
                    claimed);
    return !exchange.response().header("oci-subject").empty();
}

} // namespace davit::registry
