#include "image/ingest.hpp"

#include "archive/layer_fixup.hpp"
#include "base/error.hpp"
#include "base/hash.hpp"
#include "base/sys.hpp"
#include "base/thread.hpp"
#include "image/late_sync.hpp"
#include "image/layer_ingest.hpp"
#include "image/recover.hpp"
#include "image/room.hpp"
#include "image/store_impl.hpp"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <exception>
#include <fcntl.h>
#include <mutex>
#include <numeric>
#include <thread>
#include <unistd.h>

namespace davit::image {

namespace {

constexpr std::uint64_t max_document = 4u << 20; // what registries accept for a manifest

// One image on its way into the store.
class ImageIngest {
public:
    ImageIngest(Store& store, BlobProvider& provider, const registry::Descriptor& manifest,
                const std::string& manifest_json, const IngestOptions& options)
        : store_(store), impl_(store.impl()), provider_(provider), options_(options), manifest_descriptor_(manifest),
          manifest_json_(manifest_json), manifest_(parse_manifest(manifest_json)), session_(impl_),
          lease_(store.empty_lease()) {
        if (options.progress)
            options_.progress = [this](const PullProgress& p) {
                std::lock_guard lock(progress_mutex_);
                this->user_progress_(p);
            };
        user_progress_ = options.progress;
    }

    Ingested run() {
        protect();
        auto stored = impl_.whole_blob(manifest_.config.digest);
        config_json_ = stored ? std::move(*stored) : read_document(provider_, manifest_.config);
        diff_ids_ = parse_configuration(config_json_).diff_ids;
        if (diff_ids_.size() != manifest_.layers.size())
            throw error(Errc::failed, "the image has {} layers but its configuration names {}", manifest_.layers.size(),
                        diff_ids_.size());
        layers_.resize(diff_ids_.size());
        fetch_layers();
        for (std::size_t i = 0; i < layers_.size(); ++i) assemble(i);
        commit();
        auto image = impl_.image(manifest_.config.digest);
        if (!image) throw error(Errc::failed, "the image {} is gone from the store", manifest_.config.digest);
        return {std::move(*image), std::move(lease_)};
    }

private:
    struct Pending {
        std::optional<Store::Impl::Match> present;
        std::optional<UnpackedLayer> fresh;
        std::size_t same_as = SIZE_MAX; // an earlier layer with the same diffID
    };

    void protect() {
        std::string lines = manifest_descriptor_.digest + "\n" + manifest_.config.digest;
        for (const auto& layer : manifest_.layers) lines += "\n" + layer.digest;
        store_.extend(lease_, lines);
    }

    // Of a pull that was cut off, by the user or the network, everything stays for the next try; of one
    // that cannot succeed, or has no room, nothing: the other layers' downloads were stopped in the middle.
    [[noreturn]] void give_up(const std::exception_ptr& failure, const std::vector<std::size_t>& todo) {
        try {
            std::rethrow_exception(failure);
        } catch (const Error& e) {
            const bool cut_off = e.kind() == Errc::unavailable || e.kind() == Errc::interrupted;
            if (!cut_off || e.os().value() == ENOSPC)
                for (std::size_t i : todo) remove_part(i);
            throw;
        }
    }

    void remove_part(std::size_t i) {
        const std::string lock_file = impl_.path("locks/" + registry::hex_of(diff_ids_[i]));
        const auto lock = FileLock::try_acquire(lock_file);
        if (!lock || !lock->still_at(lock_file)) return; // another process is at it
        ::unlink(impl_.path("ingest/" + registry::hex_of(manifest_.layers[i].digest) + ".part").c_str());
    }

    void report(const registry::Descriptor& blob, PullProgress::Stage stage) {
        if (options_.progress)
            options_.progress({blob.digest, stage, stage == PullProgress::Stage::done ? blob.size : 0, blob.size});
    }

    // A layer that stands, once the collector cannot take it any more.
    bool take_present(std::size_t i) {
        auto match = impl_.match_layer(diff_ids_, i);
        if (!match) return false;
        store_.extend(lease_, match->record.directory);
        match = impl_.match_layer(diff_ids_, i);
        if (!match) return false;
        // A build's layer has no blob: it can be made of the directory.
        const bool made_here = match->record.blob.digest == diff_ids_[i];
        if (!made_here && !impl_.has_blob(manifest_.layers[i].digest) && !impl_.has_blob(match->record.blob.digest))
            return false;
        layers_[i].present = std::move(match);
        report(manifest_.layers[i], PullProgress::Stage::present);
        return true;
    }

    void require_room_for(const std::vector<std::size_t>& todo) const {
        if (options_.keep_free == 0 || todo.empty()) return;
        std::uint64_t bytes = 0;
        for (std::size_t i : todo) bytes += manifest_.layers[i].size;
        require_room(impl_.root, bytes, options_.keep_free, "the image");
    }

    void fetch_layers() {
        std::vector<std::size_t> todo;
        for (std::size_t i = 0; i < layers_.size(); ++i) {
            auto earlier =
                std::find(diff_ids_.begin(), diff_ids_.begin() + static_cast<std::ptrdiff_t>(i), diff_ids_[i]) -
                diff_ids_.begin();
            if (static_cast<std::size_t>(earlier) < i) layers_[i].same_as = static_cast<std::size_t>(earlier);
            else if (!take_present(i)) todo.push_back(i);
        }
        require_room_for(todo);
        // The biggest first: it decides when all is done.
        std::stable_sort(todo.begin(), todo.end(),
                         [&](auto a, auto b) { return manifest_.layers[a].size > manifest_.layers[b].size; });
        for (std::size_t i : todo) report(manifest_.layers[i], PullProgress::Stage::waiting);
        std::size_t threads = options_.threads > 0 ? static_cast<std::size_t>(options_.threads)
                                                   : std::clamp(std::thread::hardware_concurrency(), 1u, 8u);
        threads = std::min(threads, todo.size());
        std::stop_source stop;
        std::stop_callback forward(options_.stop, [&] { stop.request_stop(); });
        IngestOptions options = options_;
        options.stop = stop.get_token();
        std::atomic<std::size_t> next{0};
        std::mutex failure_mutex;
        std::exception_ptr failure;
        auto work = [&] {
            for (std::size_t n; (n = next.fetch_add(1)) < todo.size();) {
                try {
                    if (options.stop.stop_requested()) throw error(Errc::interrupted, "cancelled");
                    fetch(todo[n], options);
                } catch (...) {
                    std::lock_guard lock(failure_mutex);
                    if (!failure) failure = std::current_exception(); // the others only say "cancelled"
                    stop.request_stop();
                    return;
                }
            }
        };
        {
            std::vector<std::jthread> pool;
            add_workers(pool, threads, work);
            work();
        }
        if (failure) give_up(failure, todo);
    }

    void fetch(std::size_t i, const IngestOptions& options) {
        FileLock lock = lock_digest(impl_, diff_ids_[i], options.stop);
        if (take_present(i)) return; // another process was faster
        const registry::Descriptor& blob = manifest_.layers[i];
        UnpackedLayer layer = ingest_layer(impl_, session_, provider_, blob, diff_ids_[i], options);
        if (layer.result.unsettled.empty() || i == 0) keep(i, diff_ids_[i], layer);
        else layers_[i].fresh = std::move(layer);
        report(blob, PullProgress::Stage::done);
    }

    // The session's directory becomes a layer of the store.
    void keep(std::size_t i, const std::string& key, const UnpackedLayer& layer) {
        const std::string before = impl_.stale_directory(key);
        if (!before.empty()) impl_.discard(impl_.path(before));
        LayerRecord record{diff_ids_[i],
                           before.empty() ? impl_.fresh_layer_name() : before,
                           layer.result.size,
                           layer.result.opaque_root,
                           !layer.result.unsettled.empty(),
                           manifest_.layers[i]};
        store_.extend(lease_, record.directory);
        if (::rename(layer.directory.c_str(), impl_.path(record.directory).c_str()) < 0)
            throw sys_error(errno, "keeping layer {}", diff_ids_[i]);
        impl_.write_layer(key, record, false);
        layers_[i].present = Store::Impl::Match{key, record};
    }

    std::vector<std::string> below(std::size_t i) const {
        std::vector<std::string> out;
        while (i-- > 0) {
            out.push_back(impl_.path(layers_[i].present->record.directory));
            if (layers_[i].present->record.opaque_root) break;
        }
        return out;
    }

    void assemble(std::size_t i) {
        Pending& layer = layers_[i];
        if (layer.present) return;
        if (layer.same_as != SIZE_MAX) {
            // The same tar twice: the same directory, unless it depends on what is below it.
            const auto& twin = layers_[layer.same_as].present->record;
            if (!twin.depends) {
                layer.present = layers_[layer.same_as].present;
                return;
            }
            if (take_present(i)) return;
            layer.fresh = ingest_layer(impl_, session_, provider_, manifest_.layers[i], diff_ids_[i], options_);
        }
        in_context("settling layer " + diff_ids_[i],
                   [&] { archive::settle_layer(layer.fresh->directory, layer.fresh->result.unsettled, below(i)); });
        keep(i, chain_id(diff_ids_, i + 1), *layer.fresh);
    }

    // Records that count for good are written after everything they name is on the disk.
    void commit() {
        impl_.write_blob(manifest_.config.digest, config_json_);
        impl_.write_blob(manifest_descriptor_.digest, manifest_json_);
        if (options_.late_sync) return commit_for_now();
        UniqueFd fs = sys::open(impl_.root, O_RDONLY | O_DIRECTORY);
        if (::syncfs(fs.get()) < 0) throw sys_error(errno, "writing the image to the disk");
        for (const Pending& layer : layers_) impl_.write_layer(layer.present->key, layer.present->record, true);
        impl_.write_image(record());
    }

    // In this boot, and after it once a process that nobody waits for has synced.
    void commit_for_now() {
        const std::string& id = manifest_.config.digest;
        std::vector<std::string> unsynced;
        for (const Pending& layer : layers_)
            if (!impl_.is_synced(layer.present->key)) unsynced.push_back(impl_.layer_file(layer.present->key));
        if (unsynced.empty() && impl_.is_image_synced(id)) return impl_.write_image(record());
        unsynced.push_back(impl_.image_file(id));
        note_unsynced(impl_.root, impl_.boot, unsynced);
        impl_.write_image(record(), false);
        start_late_sync(impl_.root);
    }

    ImageRecord record() const {
        ImageRecord record{manifest_.config.digest, manifest_descriptor_, {}};
        for (std::size_t i = 0; i < layers_.size(); ++i) {
            const LayerRecord& layer = layers_[i].present->record;
            const registry::Descriptor& blob = manifest_.layers[i];
            record.layers.push_back({diff_ids_[i], blob.digest, blob.media_type, blob.size, layer.size, layer.directory,
                                     layer.opaque_root});
        }
        return record;
    }

    Store& store_;
    Store::Impl& impl_;
    BlobProvider& provider_;
    IngestOptions options_;
    std::function<void(const PullProgress&)> user_progress_;
    std::mutex progress_mutex_;
    registry::Descriptor manifest_descriptor_;
    const std::string& manifest_json_;
    Manifest manifest_;
    std::string config_json_;
    std::vector<std::string> diff_ids_;
    std::vector<Pending> layers_;
    IngestSession session_;
    Lease lease_;
};

} // namespace

std::string read_document(BlobProvider& provider, const registry::Descriptor& descriptor) {
    if (descriptor.size > max_document)
        throw error(Errc::failed, "the document {} has {} bytes, more than {}", descriptor.digest, descriptor.size,
                    max_document);
    auto source = provider.open(descriptor, 0, {});
    std::string out;
    char buffer[16384];
    while (std::size_t n = source->read(buffer, sizeof buffer)) {
        out.append(buffer, n);
        if (out.size() > max_document)
            throw error(Errc::failed, "the document {} has more than {} bytes", descriptor.digest, max_document);
    }
    registry::verify_bytes(descriptor, out);
    return out;
}

Ingested ingest(Store& store, BlobProvider& provider, const registry::Descriptor& manifest,
                const std::string& manifest_json, const IngestOptions& options) {
    registry::verify_bytes(manifest, manifest_json);
    return ImageIngest(store, provider, manifest, manifest_json, options).run();
}

} // namespace davit::image
