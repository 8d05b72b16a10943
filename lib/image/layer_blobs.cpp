#include "image/layer_blobs.hpp"

#include "archive/gzip.hpp"
#include "archive/inflate.hpp"
#include "base/error.hpp"
#include "base/hash.hpp"
#include "base/sys.hpp"
#include "image/layer_ingest.hpp"
#include "image/store_impl.hpp"

#include <cerrno>
#include <fcntl.h>
#include <memory>
#include <sys/stat.h>
#include <unistd.h>

namespace davit::image {

namespace {

constexpr const char* docker_gzip_layer = "application/vnd.docker.image.rootfs.diff.tar.gzip";
constexpr const char* oci_gzip_layer = "application/vnd.oci.image.layer.v1.tar+gzip";

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
    if (docker && layer_type == oci_gzip_layer) return docker_gzip_layer;
    if (!docker && layer_type == docker_gzip_layer) return oci_gzip_layer;
    return layer_type;
}

bool is_to_be_made(const Store& store, const registry::Descriptor& blob, const Layer& layer) {
    return blob.digest == layer.diff_id && !store.impl().has_blob(blob.digest);
}

void write_layer(const Store& store, const Layer& layer, const BlobMaker& maker, const TarSink& sink) {
    const Store::Impl& impl = store.impl();
    Hasher hash(registry::hash_kind(layer.diff_id));
    const TarSink hashed = [&](std::string_view bytes) {
        hash.update(bytes);
        sink(bytes);
    };
    const auto record = impl.layer(layer.diff_id);
    if (record && record->blob.digest != layer.diff_id && impl.has_blob(record->blob.digest)) {
        inflate_blob(impl.blob_path(record->blob.digest), record->blob.digest, hashed);
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
    Store::Impl& impl = store.impl();
    const FileLock lock = lock_digest(impl, layer.diff_id, stop);
    auto match = impl.match_layer(diff_ids, i);
    if (match && match->record.blob.digest != layer.diff_id) {
        store.extend(lease, match->record.blob.digest);
        if (impl.has_blob(match->record.blob.digest)) { // another process was faster
            match->record.blob.media_type = layer_type_for(manifest_type, match->record.blob.media_type);
            return match->record.blob;
        }
    }
    const IngestSession session(impl);
    const std::string file = session.path() + "/blob";
    const UniqueFd fd = sys::open(file, O_WRONLY | O_CREAT | O_EXCL, 0600);
    Hasher hash;
    registry::Descriptor out;
    archive::GzipStream gzip([&](std::string_view bytes) {
        hash.update(bytes);
        out.size += bytes.size();
        sys::write_all(fd.get(), bytes);
    });
    std::uint64_t read = 0;
    write_layer(store, layer, maker, [&](std::string_view bytes) {
        if (stop.stop_requested()) throw error(Errc::interrupted, "cancelled");
        gzip.data(bytes);
        read += bytes.size();
        if (progress) progress(read);
    });
    gzip.finish();
    out.digest = "sha256:" + hash.hex();
    out.media_type = layer_type_for(manifest_type, oci_gzip_layer);
    store.extend(lease, out.digest);
    if (::fchmod(fd.get(), 0444) < 0 || ::fsync(fd.get()) < 0) throw sys_error(errno, "closing {}", file);
    if (::rename(file.c_str(), impl.blob_path(out.digest).c_str()) < 0)
        throw sys_error(errno, "keeping the blob of layer {}", layer.diff_id);
    if (match) {
        match->record.blob = out;
        impl.write_layer(match->key, match->record, impl.is_synced(match->key));
    }
    return out;
}

} // namespace davit::image
