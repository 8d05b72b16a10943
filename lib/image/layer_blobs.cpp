#include "image/layer_blobs.hpp"

#include "archive/gzip.hpp"
#include "archive/inflate.hpp"
#include "archive/zstd_stream.hpp"
#include "base/error.hpp"
#include "base/hash.hpp"
#include "base/sys.hpp"
#include "image/layer_ingest.hpp"
#include "image/store_impl.hpp"

#include <cerrno>
#include <fcntl.h>
#include <memory>
#include <optional>
#include <sys/stat.h>
#include <unistd.h>

namespace davit::image {

namespace {

constexpr std::string_view docker_layer = "application/vnd.docker.image.rootfs.diff.tar";
constexpr std::string_view oci_layer = registry::media::oci_layer;
constexpr std::string_view docker_mark = ".", oci_mark = "+"; // before the compression's name

const char* suffix_of(BlobForm form) {
    switch (form) {
    case BlobForm::gzip: return "+gzip";
    case BlobForm::zstd: return "+zstd";
    case BlobForm::plain: break;
    }
    return "";
}

// The bytes of a blob on their way into its file.
class BlobFile {
public:
    BlobFile(const std::string& path, BlobForm form) : fd_(sys::open(path, O_WRONLY | O_CREAT | O_EXCL, 0600)) {
        const auto keep = [this](std::string_view bytes) {
            hash_.update(bytes);
            size_ += bytes.size();
            sys::write_all(fd_.get(), bytes);
        };
        if (form == BlobForm::gzip) gzip_.emplace(keep);
        else if (form == BlobForm::zstd) zstd_.emplace(keep);
        else plain_ = keep;
    }

    void data(std::string_view bytes) {
        if (gzip_) gzip_->data(bytes);
        else if (zstd_) zstd_->data(bytes);
        else plain_(bytes);
    }

    // Its digest and size; the file is closed to writers and on the disk.
    registry::Descriptor finish() {
        if (gzip_) gzip_->finish();
        if (zstd_) zstd_->finish();
        if (::fchmod(fd_.get(), 0444) < 0 || ::fsync(fd_.get()) < 0) throw make_sys_error(errno, "closing a blob");
        return {"", "sha256:" + hash_.hex(), size_, std::nullopt, {}};
    }

private:
    UniqueFd fd_;
    Hasher hash_;
    std::uint64_t size_ = 0;
    std::optional<archive::GzipStream> gzip_;
    std::optional<archive::ZstdStream> zstd_;
    TarSink plain_;
};

void inflate_blob(const std::string& path, const std::string& digest, const TarSink& sink) {
    archive::FileSource file(sys::open(path, O_RDONLY), digest);
    auto plain = archive::make_inflater(file);
    constexpr std::size_t piece = 256 * 1024;
    auto buffer = std::make_unique<char[]>(piece);
    while (const std::size_t n = plain->read(buffer.get(), piece)) sink({buffer.get(), n});
}

} // namespace

std::string layer_type_for(const std::string& manifest_type, const std::string& layer_type) {
    const bool docker = manifest_type == registry::media::docker_manifest;
    const std::string_view from = docker ? oci_layer : docker_layer, to = docker ? docker_layer : oci_layer;
    if (!layer_type.starts_with(from)) return layer_type;
    const std::string rest = layer_type.substr(from.size());
    if (rest.empty()) return std::string(to);
    if (!rest.starts_with(docker ? oci_mark : docker_mark)) return layer_type;
    return std::string(to) + std::string(docker ? docker_mark : oci_mark) + rest.substr(1);
}

bool is_to_be_made(const Store& store, const registry::Descriptor& blob, const Layer& layer) {
    return blob.digest == layer.diff_id && !store.impl().has_blob(blob.digest);
}

void write_layer(const Store& store, const Layer& layer, const std::string& blob, const BlobMaker& maker,
                 const TarSink& sink) {
    const Store::Impl& impl = store.impl();
    Hasher hash(registry::hash_kind(layer.diff_id));
    const TarSink hashed = [&](std::string_view bytes) {
        hash.update(bytes);
        sink(bytes);
    };
    const bool of_record = !blob.empty() && impl.has_blob(blob);
    const std::string& from = of_record ? blob : layer.digest;
    if (of_record || impl.has_blob(from)) {
        inflate_blob(impl.blob_path(from), from, hashed);
    } else {
        if (!maker) throw error(Errc::failed, "the store has no blob of layer {}", layer.diff_id);
        const UniqueFd directory = sys::open(impl.path(layer.directory), O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
        maker(layer, directory.get(), hashed);
    }
    const std::string got = layer.diff_id.substr(0, layer.diff_id.find(':') + 1) + hash.hex();
    if (got != layer.diff_id)
        throw error(Errc::failed, "the files of layer {} are not what they were when it was made: they are {} now",
                    layer.diff_id, got)
            .with_hint("somebody has changed " + impl.path(layer.directory) +
                       ", or another version of davit made it: build the image again with --no-cache");
}

registry::Descriptor gzip_layer(Store& store, Lease& lease, const std::vector<std::string>& diff_ids, std::size_t i,
                                const Layer& layer, const BlobMaker& maker, const std::string& manifest_type,
                                const std::function<void(std::uint64_t)>& progress, const std::stop_token& stop) {
    registry::Descriptor out =
        make_layer_blob(store, lease, diff_ids, i, layer, maker, BlobForm::gzip, false, progress, stop);
    out.media_type = layer_type_for(manifest_type, out.media_type);
    return out;
}

registry::Descriptor make_layer_blob(Store& store, Lease& lease, const std::vector<std::string>& diff_ids,
                                     std::size_t i, const Layer& layer, const BlobMaker& maker, BlobForm form,
                                     bool force, const std::function<void(std::uint64_t)>& progress,
                                     const std::stop_token& stop) {
    Store::Impl& impl = store.impl();
    const std::string media_type = std::string(oci_layer) + suffix_of(form);
    const FileLock lock = lock_digest(impl, layer.diff_id, stop);
    auto match = impl.match_layer(diff_ids, i);
    if (match) {
        store.extend(lease, match->record.blob.digest);
        const std::string type = layer_type_for(registry::media::oci_manifest, match->record.blob.media_type);
        // Another process was faster, or it was pulled so.
        if (impl.has_blob(match->record.blob.digest) && (!force || type == media_type)) return match->record.blob;
    }
    const IngestSession session(impl);
    const std::string file = session.path() + "/blob";
    BlobFile blob(file, form);
    std::uint64_t read = 0;
    write_layer(store, layer, match ? match->record.blob.digest : "", maker, [&](std::string_view bytes) {
        if (stop.stop_requested()) throw error(Errc::interrupted, "cancelled");
        blob.data(bytes);
        read += bytes.size();
        if (progress) progress(read);
    });
    registry::Descriptor out = blob.finish();
    out.media_type = media_type;
    store.extend(lease, out.digest);
    if (::rename(file.c_str(), impl.blob_path(out.digest).c_str()) < 0)
        throw sys_error(errno, "keeping the blob of layer {}", layer.diff_id);
    if (match) {
        match->record.blob = out;
        impl.write_layer(match->key, match->record, impl.is_synced(match->key));
    }
    return out;
}

} // namespace davit::image
