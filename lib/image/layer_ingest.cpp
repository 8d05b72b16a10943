#include "image/layer_ingest.hpp"

#include "archive/ahead_source.hpp"
#include "archive/inflate.hpp"
#include "base/error.hpp"
#include "base/sys.hpp"
#include "base/write_back.hpp"
#include "image/room.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <fcntl.h>
#include <mutex>
#include <optional>
#include <sys/file.h>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>

namespace davit::image {

namespace {

// A blob as it comes in: what an earlier try left, then the provider's bytes, which are kept too.
class IncomingBlob : public archive::ByteSource {
public:
    IncomingBlob(const std::string& part, BlobProvider& provider, const registry::Descriptor& blob,
                 const IngestOptions& options)
        : provider_(provider), blob_(blob), options_(options), file_(sys::open(part, O_RDWR | O_CREAT | O_CLOEXEC)) {
        struct stat st {};
        if (::fstat(file_.get(), &st) < 0) throw sys_error(errno, "looking at {}", part);
        kept_ = static_cast<std::uint64_t>(st.st_size);
        if (blob.size > 0 && kept_ > blob.size) {
            if (::ftruncate(file_.get(), 0) < 0) throw sys_error(errno, "emptying {}", part);
            kept_ = 0;
        }
        ::posix_fadvise(file_.get(), 0, 0, POSIX_FADV_SEQUENTIAL);
    }

    std::size_t read(char* to, std::size_t max) override {
        if (options_.stop.stop_requested()) throw error(Errc::interrupted, "cancelled");
        std::size_t n = at_ < kept_ ? reread(to, max) : receive(to, max);
        at_ += n;
        // More than promised is an attack on the disk, or a mix-up: no need to read on.
        if (blob_.size > 0 && at_ > blob_.size)
            throw error(Errc::failed, "corrupt layer {}: more than its {} bytes", blob_.digest, blob_.size);
        report();
        return n;
    }

    int file() const { return file_.get(); }

private:
    std::size_t reread(char* to, std::size_t max) {
        ssize_t n = ::pread(file_.get(), to, static_cast<std::size_t>(std::min<std::uint64_t>(max, kept_ - at_)),
                            static_cast<off_t>(at_));
        if (n <= 0) throw sys_error(n < 0 ? errno : EIO, "reading a partial download");
        return static_cast<std::size_t>(n);
    }
    std::size_t receive(char* to, std::size_t max) {
        if (blob_.size > 0 && at_ == blob_.size) return 0;
        if (!source_) {
            source_ = provider_.open(blob_, at_, options_.stop);
            ::lseek(file_.get(), static_cast<off_t>(at_), SEEK_SET);
        }
        std::size_t n = source_->read(to, max);
        sys::write_all(file_.get(), {to, n});
        constexpr std::uint64_t worth_a_call = 8u << 20;
        if (at_ + n - begun_ >= worth_a_call) {
            start_write_back(file_.get(), begun_, at_ + n - begun_);
            begun_ = at_ + n;
        }
        return n;
    }
    void report() {
        if (!options_.progress || (at_ - reported_ < (1 << 20) && at_ != blob_.size)) return;
        reported_ = at_;
        options_.progress({blob_.digest, PullProgress::Stage::downloading, at_, blob_.size});
    }

    BlobProvider& provider_;
    const registry::Descriptor& blob_;
    const IngestOptions& options_;
    UniqueFd file_;
    std::unique_ptr<archive::ByteSource> source_;
    std::uint64_t kept_ = 0, at_ = 0, reported_ = 0;
    std::uint64_t begun_ = 0; // of the file: on its way to the disk
};

constexpr std::uint64_t worth_a_thread = 1 << 20; // bytes of a blob

[[noreturn]] void corrupt(const registry::Descriptor& blob, std::string_view why) {
    throw error(Errc::failed, "corrupt layer {}: {}", blob.digest, why);
}

archive::Unpacked unpack_verified(archive::ByteSource& from, const registry::Descriptor& blob,
                                  const std::string& diff_id, const std::string& to) {
    RoomKeeper bounded_blob(from, to); // a manifest need not tell its size
    archive::TeeSource compressed(bounded_blob, registry::hash_kind(blob.digest));
    archive::Unpacked out;
    std::string plain_hex;
    std::optional<Error> damage;
    try {
        auto inflater = archive::make_inflater(compressed);
        std::optional<archive::AheadSource> ahead;
        if (blob.size >= worth_a_thread && std::thread::hardware_concurrency() > 1) ahead.emplace(*inflater);
        RoomKeeper bounded(ahead ? static_cast<archive::ByteSource&>(*ahead) : *inflater, to);
        archive::TeeSource plain(bounded, registry::hash_kind(diff_id));
        out = archive::unpack_layer(plain, to);
        plain.drain();
        plain_hex = plain.hex();
    } catch (Error& e) {
        if (e.kind() != Errc::failed || e.os()) throw;
        damage = std::move(e);
    }
    compressed.drain();
    if (blob.size > 0 && compressed.bytes() != blob.size)
        corrupt(blob, fmt::format("it has {} of {} bytes", compressed.bytes(), blob.size));
    if (compressed.hex() != registry::hex_of(blob.digest)) corrupt(blob, "its bytes do not have that digest");
    if (damage) {
        damage->with_context("unpacking layer " + blob.digest);
        throw *damage; // the registry holds it like that
    }
    if (plain_hex != registry::hex_of(diff_id))
        corrupt(blob, "its contents are not " + diff_id + ", which the image asks for");
    return out;
}

} // namespace

IngestSession::IngestSession(const Store::Impl& store) : path_(store.path("ingest/s-" + sys::random_hex(8))) {
    FileLock lock = store.use(); // the collector must not meet it before it is locked
    sys::make_dirs(path_, 0700);
    lock_ = sys::open(path_, O_RDONLY | O_DIRECTORY);
    if (::flock(lock_.get(), LOCK_EX) < 0) throw sys_error(errno, "locking {}", path_);
}

IngestSession::~IngestSession() {
    try {
        sys::remove_tree(path_);
    } catch (const Error&) { // the collector will find it
    }
}

std::string IngestSession::fresh() {
    std::string out = path_ + "/" + sys::random_hex(8);
    if (::mkdir(out.c_str(), 0755) < 0) throw sys_error(errno, "making {}", out);
    if (::chmod(out.c_str(), 0755) < 0) throw sys_error(errno, "making {}", out);
    return out;
}

FileLock lock_digest(const Store::Impl& store, const std::string& digest, const std::stop_token& stop) {
    const std::string file = store.path("locks/" + registry::hex_of(digest));
    if (auto lock = FileLock::try_acquire(file); lock && lock->still_at(file))
        return std::move(*lock); // the collector removes it
    std::mutex mutex;
    std::condition_variable_any stopped;
    std::unique_lock hold(mutex);
    for (;;) { // flock(2) can be waited for or cancelled, not both
        if (stopped.wait_for(hold, stop, std::chrono::milliseconds(50), [] { return false; }) || stop.stop_requested())
            throw error(Errc::interrupted, "cancelled");
        if (auto lock = FileLock::try_acquire(file); lock && lock->still_at(file)) return std::move(*lock);
    }
}

UnpackedLayer ingest_layer(Store::Impl& store, IngestSession& session, BlobProvider& provider,
                           const registry::Descriptor& blob, const std::string& diff_id, const IngestOptions& options) {
    UnpackedLayer out;
    out.directory = session.fresh();
    if (store.has_blob(blob.digest)) {
        archive::FileSource file(sys::open(store.blob_path(blob.digest), O_RDONLY), blob.digest);
        try {
            out.result = unpack_verified(file, blob, diff_id, out.directory);
            return out;
        } catch (const Error& e) {
            if (e.kind() != Errc::failed || e.os()) throw;
            store.discard(store.blob_path(blob.digest)); // the disk lied: fetch it again
            out.directory = session.fresh();
        }
    }
    const std::string part = store.path("ingest/" + registry::hex_of(blob.digest) + ".part");
    if (const std::string whole = provider.own_file(blob); !whole.empty()) {
        ::unlink(part.c_str());
        if (::link(whole.c_str(), part.c_str()) < 0) throw sys_error(errno, "taking {}", blob.digest);
    }
    try {
        IncomingBlob incoming(part, provider, blob, options);
        out.result = unpack_verified(incoming, blob, diff_id, out.directory);
        if (::fchmod(incoming.file(), 0444) < 0) throw sys_error(errno, "closing {}", part);
    } catch (const Error& e) {
        const bool resumable = provider.is_remote() && (e.kind() == Errc::unavailable || e.kind() == Errc::interrupted);
        if (!resumable) ::unlink(part.c_str());
        throw;
    }
    if (::rename(part.c_str(), store.blob_path(blob.digest).c_str()) < 0)
        throw sys_error(errno, "keeping {}", blob.digest);
    return out;
}

} // namespace davit::image
