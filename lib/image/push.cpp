#include "image/push.hpp"

#include "base/error.hpp"
#include "base/hash.hpp"
#include "base/sys.hpp"
#include "base/thread.hpp"
#include "image/manifest.hpp"
#include "image/platform.hpp"
#include "image/pull.hpp"
#include "image/store_impl.hpp"
#include "registry/push.hpp"

#include <algorithm>
#include <atomic>
#include <exception>
#include <fcntl.h>
#include <map>
#include <mutex>
#include <set>
#include <thread>

namespace davit::image {

namespace {

constexpr int usual_parallel = 5;

// Repositories of one registry, by the digests of the blobs that they have had: those of the images that were pulled
// from or pushed to them. A wrong guess costs nothing: the upload goes on where the mount was refused.
class KnownPlaces {
public:
    KnownPlaces(const Store& store, const registry::Reference& reference) : store_(store), reference_(reference) {}

    std::vector<std::string> of(const std::string& digest) {
        const std::lock_guard lock(mutex_);
        if (!read_) read();
        read_ = true;
        const auto it = places_.find(digest);
        if (it == places_.end()) return {};
        return {it->second.begin(), it->second.end()};
    }

private:
    void read() {
        const Store::Impl& impl = store_.impl();
        for (const auto& name : impl.names()) {
            const auto other = registry::Reference::try_parse(name.reference);
            if (!other || other->digest().empty() || other->domain() != reference_.domain() ||
                other->path() == reference_.path())
                continue;
            const auto record = impl.image_record(name.id);
            if (!record) continue;
            for (const auto& layer : record->layers) {
                places_[layer.digest].insert(other->path());
                if (const auto known = impl.layer(layer.diff_id)) places_[known->blob.digest].insert(other->path());
            }
        }
    }

    const Store& store_;
    const registry::Reference& reference_;
    std::mutex mutex_;
    std::map<std::string, std::set<std::string>> places_;
    bool read_ = false;
};

bool is_foreign(const registry::Descriptor& layer) {
    return layer.media_type.find("nondistributable") != std::string::npos ||
           layer.media_type.find("rootfs.foreign") != std::string::npos;
}

class Pusher {
public:
    Pusher(Store& store, const registry::Reference& reference, const PushOptions& options)
        : store_(store), impl_(store.impl()), reference_(reference), options_(options),
          client_(registry::registry_endpoint(reference.domain(), options.insecure_registries), reference.path(),
                  options, registry::Purpose::push),
          uploader_(client_), places_(store, reference), lease_(store.empty_lease()) {}

    Pushed run() {
        if (!reference_.digest().empty())
            throw error(Errc::usage, "a name with a digest cannot be pushed").with_hint("name it by its tag");
        const auto several = options_.platform.empty() ? store_.index_of(reference_) : std::nullopt;
        if (several && several->is_whole()) return push_index(*several);
        if (several) tell_of_missing(*several);
        read_image(named_image());
        const Pushed done = push_image(reference_.tag());
        store_.tag(image_, reference_.with_digest(done.digest));
        return done;
    }

private:
    // What the registry is to have of an image: its bytes, of which the tag, or the manifest's digest, is the name.
    Pushed push_image(const std::string& tag) {
        push_layers();
        push_config();
        return push_manifest(tag);
    }

    Image named_image() const {
        auto image = options_.platform.empty() ? store_.find(reference_)
                                               : store_.find(reference_, parse_platform(options_.platform));
        if (image) return std::move(*image);
        if (const auto other = store_.find(reference_))
            throw error(Errc::not_found, "the image is for {}, not for the platform {}", to_string(other->platform),
                        options_.platform);
        auto missing =
            error(Errc::not_found, "an image does not exist locally with the tag: {}", reference_.familiar());
        hint_at_others(missing, store_, reference_);
        throw missing;
    }

    // Attestations are of no platform: nobody misses them in what is sent on.
    void tell_of_missing(const Index& index) const {
        std::string missing;
        for (const auto& entry : parse_index(store_.impl().read_blob(index.document.digest))) {
            const bool here = std::any_of(index.members.begin(), index.members.end(),
                                          [&](const Variant& m) { return m.manifest_digest == entry.digest; });
            if (here || !entry.platform || entry.platform->os == "unknown") continue;
            missing += (missing.empty() ? "" : ", ") + to_string(*entry.platform);
        }
        if (!missing.empty() && options_.warning)
            options_.warning(fmt::format("not all platforms of {} are here: it is pushed without {}",
                                         reference_.familiar(), missing));
    }

    Pushed push_index(const Index& index) {
        const std::string json = impl_.read_blob(index.document.digest);
        store_.extend(lease_, index.document.digest);
        tell_of_missing(index);
        std::map<std::string, registry::Descriptor> sent;
        std::vector<std::string> ids;
        for (const Variant& member : index.members) {
            const auto image = impl_.image(member.id);
            if (!image) throw error(Errc::failed, "the image {} is gone from the store", member.id);
            read_image(*image);
            const Pushed done = push_image("");
            sent[member.manifest_digest] = {manifest_.media_type, done.digest, done.size, std::nullopt, {}};
            ids.push_back(member.id);
        }
        push_attestations(index, sent);
        const std::string written = rewrite_index(json, sent);
        const std::string digest = "sha256:" + sha256_hex(written);
        uploader_.manifest(reference_.tag(), digest, index.document.media_type, written, options_.stop);
        if (written == json) {
            store_.tag(index, reference_.with_digest(digest));
        } else { // with the compressed layers, as the registry has it
            store_.tag(store_.put_index(lease_, written, index.document.media_type, ids),
                       reference_.with_digest(digest));
        }
        return {digest, written.size()};
    }

    // Those of manifests that go as they were attested: layers that are compressed only now make others of them.
    void push_attestations(const Index& index, std::map<std::string, registry::Descriptor>& sent) {
        for (const auto& one : index.attestations) {
            const std::string json = impl_.read_blob(one.digest);
            const auto attestation = parse_attestation(json);
            const auto subject = attestation ? sent.find(attestation->subject) : sent.end();
            if (subject == sent.end() || subject->first != subject->second.digest) {
                if (options_.warning)
                    options_.warning("an attestation of " + reference_.familiar() +
                                     " is left out: it is of another manifest than the one that is pushed");
                continue;
            }
            store_.extend(lease_, one.digest);
            for (const auto& blob : attestation->blobs) push_blob(blob, "", options_.stop);
            uploader_.manifest(one.digest, one.digest, one.media_type, json, options_.stop);
            sent[one.digest] = one;
        }
    }

    void read_image(Image image) {
        // Once the collector cannot take it any more.
        std::string lines = image.id + "\n" + image.manifest_digest;
        for (const auto& layer : image.layers) lines += "\n" + layer.digest + "\n" + layer.directory;
        store_.extend(lease_, lines);
        if (!impl_.image(image.id)) throw error(Errc::not_found, "the image {} is gone from the store", image.id);
        image_ = std::move(image);
        diff_ids_.clear();
        manifest_json_ = store_.manifest_json(image_);
        manifest_ = parse_manifest(manifest_json_);
        if (manifest_.media_type.empty()) manifest_.media_type = registry::media::oci_manifest;
        if (manifest_.layers.size() != image_.layers.size())
            throw error(Errc::failed, "the manifest has {} layers, the image {}", manifest_.layers.size(),
                        image_.layers.size());
        for (const auto& layer : image_.layers) diff_ids_.push_back(layer.diff_id);
    }

    void report(const PushProgress& progress) {
        const std::lock_guard lock(progress_mutex_);
        if (options_.progress) options_.progress(progress);
    }

    void push_layers() {
        std::vector<std::size_t> todo;
        for (std::size_t i = 0; i < manifest_.layers.size(); ++i) {
            const auto first = std::find(diff_ids_.begin(), diff_ids_.end(), diff_ids_[i]) - diff_ids_.begin();
            if (static_cast<std::size_t>(first) < i) continue; // the same layer twice
            todo.push_back(i);
            report({diff_ids_[i], PushProgress::Stage::waiting, 0, manifest_.layers[i].size, {}});
        }
        // The biggest first: it decides when all is done.
        std::stable_sort(todo.begin(), todo.end(),
                         [&](auto a, auto b) { return manifest_.layers[a].size > manifest_.layers[b].size; });
        const auto wanted =
            static_cast<std::size_t>(options_.max_parallel > 0 ? options_.max_parallel : usual_parallel);
        std::stop_source stop;
        std::stop_callback forward(options_.stop, [&] { stop.request_stop(); });
        std::atomic<std::size_t> next{0};
        std::mutex failure_mutex;
        std::exception_ptr failure;
        auto work = [&] {
            for (std::size_t n; (n = next.fetch_add(1)) < todo.size();) {
                try {
                    if (stop.stop_requested()) throw error(Errc::interrupted, "cancelled");
                    push_layer(todo[n], stop.get_token());
                } catch (...) {
                    const std::lock_guard lock(failure_mutex);
                    if (!failure) failure = std::current_exception(); // the others only say "cancelled"
                    stop.request_stop();
                    return;
                }
            }
        };
        {
            std::vector<std::jthread> pool;
            add_workers(pool, std::min(wanted, todo.size()), work);
            work();
        }
        if (failure) std::rethrow_exception(failure);
        for (std::size_t i = 0; i < manifest_.layers.size(); ++i) // the twins
            manifest_.layers[i] = manifest_.layers[static_cast<std::size_t>(
                std::find(diff_ids_.begin(), diff_ids_.end(), diff_ids_[i]) - diff_ids_.begin())];
    }

    // The blob that stands for the layer: the manifest's own, one it was unpacked from, or one that is made now.
    registry::Descriptor blob_of(std::size_t i, const std::stop_token& stop) {
        const registry::Descriptor& named = manifest_.layers[i];
        if (impl_.has_blob(named.digest)) return named;
        if (const auto match = impl_.match_layer(diff_ids_, i)) {
            extend(match->record.blob.digest);
            if (impl_.has_blob(match->record.blob.digest)) {
                registry::Descriptor blob = match->record.blob;
                blob.media_type = layer_type_for(manifest_.media_type, blob.media_type);
                return blob;
            }
        }
        if (!is_to_be_made(store_, named, image_.layers[i]))
            throw error(Errc::failed, "the store has no blob of layer {}", diff_ids_[i])
                .with_hint("pull or load the image again");
        std::uint64_t told = 0;
        Lease own = store_.empty_lease(); // several threads: a lease is one's own
        const auto blob = gzip_layer(
            store_, own, diff_ids_, i, image_.layers[i], options_.blobs, manifest_.media_type,
            [&](std::uint64_t done) {
                if (done - told < (1u << 20)) return;
                told = done;
                report({diff_ids_[i], PushProgress::Stage::preparing, done, named.size, {}});
            },
            stop);
        extend(blob.digest);
        return blob;
    }

    void extend(const std::string& digest) {
        const std::lock_guard lock(lease_mutex_);
        store_.extend(lease_, digest);
    }

    void push_layer(std::size_t i, const std::stop_token& stop) {
        const std::string& id = diff_ids_[i];
        if (is_foreign(manifest_.layers[i])) return report({id, PushProgress::Stage::skipped, 0, 0, {}});
        const registry::Descriptor blob = blob_of(i, stop);
        const auto done = push_blob(blob, id, stop);
        using How = registry::PushedBlob::How;
        const auto stage = done.how == How::present   ? PushProgress::Stage::present
                           : done.how == How::mounted ? PushProgress::Stage::mounted
                                                      : PushProgress::Stage::pushed;
        manifest_.layers[i] = blob;
        report({id, stage, blob.size, blob.size, done.from});
    }

    registry::PushedBlob push_blob(const registry::Descriptor& blob, const std::string& id,
                                   const std::stop_token& stop) {
        registry::BlobPush push;
        push.blob = blob;
        push.open = [&](std::uint64_t offset) {
            return std::make_unique<archive::FileSource>(sys::open(impl_.blob_path(blob.digest), O_RDONLY), blob.digest,
                                                         offset);
        };
        std::uint64_t told = 0;
        push.progress = [&](std::uint64_t sent) {
            if (id.empty() || (sent != blob.size && sent >= told && sent - told < (1u << 20))) return;
            told = sent;
            report({id, PushProgress::Stage::pushing, sent, blob.size, {}});
        };
        push.sources = places_.of(blob.digest);
        return uploader_.push(push, stop);
    }

    void push_config() {
        registry::Descriptor config = manifest_.config;
        config.size = blob_bytes(impl_.blob_path(config.digest));
        push_blob(config, "", options_.stop);
    }

    // tag: empty: known by its digest only.
    Pushed push_manifest(const std::string& tag) {
        const Manifest original = parse_manifest(manifest_json_);
        const bool same = std::equal(original.layers.begin(), original.layers.end(), manifest_.layers.begin(),
                                     [](const auto& a, const auto& b) { return a.digest == b.digest; });
        // What was digested stays as it is to the byte, unless it names blobs that nobody has.
        const std::string json = same ? manifest_json_ : write_manifest(manifest_);
        const std::string digest = same ? image_.manifest_digest : "sha256:" + sha256_hex(json);
        uploader_.manifest(tag.empty() ? digest : tag, digest, manifest_.media_type, json, options_.stop);
        return {digest, json.size()};
    }

    Store& store_;
    Store::Impl& impl_;
    const registry::Reference& reference_;
    const PushOptions& options_;
    registry::RegistryClient client_;
    registry::Uploader uploader_;
    KnownPlaces places_;
    Lease lease_;
    std::mutex lease_mutex_, progress_mutex_;
    Image image_;
    std::string manifest_json_;
    Manifest manifest_;
    std::vector<std::string> diff_ids_;
};

} // namespace

void PushTotals::add(const PushProgress& p) {
    using Stage = PushProgress::Stage;
    Layer& layer = layers_[p.layer];
    layer.done = p.stage != Stage::waiting && p.stage != Stage::preparing && p.stage != Stage::pushing;
    // What its blob's size will be is known when it is made.
    if (p.total > 0 && p.stage != Stage::preparing) layer.total = p.total;
    layer.current = layer.done ? layer.total : p.stage == Stage::pushing ? p.current : 0;
    current_ = total_ = 0;
    std::size_t done = 0;
    for (const auto& [id, state] : layers_) {
        current_ += state.current;
        total_ += state.total;
        done += state.done ? 1 : 0;
    }
    text_ = fmt::format("{} of {} layers", done, layers_.size());
}

Pushed push(Store& store, const registry::Reference& reference, const PushOptions& options) {
    try {
        return Pusher(store, reference, options).run();
    } catch (const Error& e) {
        if (e.kind() == Errc::interrupted) throw;
        Error out(e.kind(), "failed to push " + reference.familiar() + ": " + e.what());
        out.with_os(e.os()).with_at(e.at()).with_hint(e.hint());
        for (const auto& context : e.context()) out.with_context(context);
        throw out;
    }
}

} // namespace davit::image
