#include "registry/copy.hpp"

#include "base/error.hpp"
#include "base/json_read.hpp"
#include "base/thread.hpp"

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <thread>

namespace davit::registry {

namespace {

constexpr int deepest_index = 8;
constexpr std::size_t blobs_at_once = 5;

Descriptor descriptor_of(const Json& json) {
    Descriptor out;
    if (json.is_object()) {
        out.media_type = text_of(json, "mediaType");
        out.digest = text_of(json, "digest");
        out.size = unsigned_of(json, "size");
    }
    if (!is_digest(out.digest)) throw error(Errc::failed, "a manifest names '{}', which is no digest", out.digest);
    return out;
}

std::vector<Descriptor> descriptors_of(const Json& document, const char* key) {
    std::vector<Descriptor> out;
    if (const auto list = document.find(key); list != document.end() && list->is_array())
        for (const Json& one : *list) out.push_back(descriptor_of(one));
    return out;
}

// May be given on by those who made it alone: it stays where its URLs lead.
bool is_withheld(const Descriptor& layer) {
    return layer.media_type.find("nondistributable") != std::string::npos ||
           layer.media_type.find("rootfs.foreign") != std::string::npos;
}

// A blob from its beginning, whose last bytes come only when it is what its digest says: not every registry looks at
// what it is given.
class CheckedSource : public archive::ByteSource {
public:
    CheckedSource(std::unique_ptr<archive::ByteSource> from, const Descriptor& blob, std::string domain)
        : from_(std::move(from)), hashed_(*from_, hash_kind(blob.digest)), blob_(blob), domain_(std::move(domain)) {}
    std::size_t read(char* to, std::size_t max) override {
        const std::size_t n = hashed_.read(to, max);
        if (n > 0 && hashed_.bytes() == blob_.size && hashed_.hex() != hex_of(blob_.digest))
            throw error(Errc::failed, "the registry {} sends something else than {}", domain_, blob_.digest);
        return n;
    }

private:
    std::unique_ptr<archive::ByteSource> from_;
    archive::TeeSource hashed_;
    Descriptor blob_;
    std::string domain_;
};

} // namespace

Descriptor Copier::copy(const Reference& from, RegistryClient& source) {
    return in_context("copying " + from.familiar(), [&] {
        const auto document = source.manifest(from.selector());
        contents({from, source}, document, 0);
        return Descriptor{document.media_type, document.digest, document.bytes.size(), std::nullopt, {}};
    });
}

void Copier::contents(const Source& from, const RegistryClient::Document& document, int depth) {
    if (here_.contains(document.digest)) return;
    if (from.name.domain() == to_.domain() && from.name.path() == to_.path()) return;
    if (depth > deepest_index) throw error(Errc::failed, "indexes in indexes, more than {} deep", deepest_index);
    const Json json = parse_untrusted(document.bytes);
    if (!json.is_object()) throw error(Errc::failed, "the manifest {} is no JSON object", document.digest);
    for (const Descriptor& member : descriptors_of(json, "manifests"))
        contents(from, from.client.manifest(member.digest), depth + 1);
    std::vector<Descriptor> list = descriptors_of(json, "layers");
    std::erase_if(list, is_withheld);
    if (json.contains("config")) list.push_back(descriptor_of(json["config"]));
    blobs(from, list);
    uploader_.manifest(document.digest, document.digest, document.media_type, document.bytes, stop_);
    here_.insert(document.digest);
}

void Copier::blobs(const Source& from, const std::vector<Descriptor>& list) {
    std::vector<Descriptor> todo;
    for (const Descriptor& one : list)
        if (here_.insert(one.digest).second) todo.push_back(one);
    std::stop_source stop;
    const std::stop_callback forward(stop_, [&] { stop.request_stop(); });
    std::atomic<std::size_t> next{0};
    std::mutex mutex;
    std::exception_ptr failure;
    const auto work = [&] {
        for (std::size_t n; (n = next.fetch_add(1)) < todo.size() && !stop.stop_requested();) try {
                blob(from, todo[n], stop.get_token());
            } catch (...) {
                const std::lock_guard lock(mutex);
                if (!failure) failure = std::current_exception(); // the others only say "cancelled"
                stop.request_stop();
            }
    };
    {
        std::vector<std::jthread> pool;
        add_workers(pool, std::min(blobs_at_once, todo.size()), work);
        work();
    }
    if (failure) std::rethrow_exception(failure);
    if (stop_.stop_requested()) throw error(Errc::interrupted, "cancelled");
}

void Copier::blob(const Source& from, const Descriptor& descriptor, const std::stop_token& stop) {
    BlobPush push;
    push.blob = descriptor;
    if (from.name.domain() == to_.domain()) {
        target_.want("repository:" + from.name.path() + ":pull");
        push.sources = {from.name.path()};
    }
    push.open = [&](std::uint64_t offset) -> std::unique_ptr<archive::ByteSource> {
        auto source = from.client.blob(descriptor, offset, stop);
        if (offset > 0) return source; // the registry itself has to see then
        return std::make_unique<CheckedSource>(std::move(source), descriptor, from.name.domain());
    };
    uploader_.push(push, stop);
}

} // namespace davit::registry
