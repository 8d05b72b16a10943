#include "build/files/file_bytes.hpp"

#include "base/error.hpp"
#include "base/hash.hpp"
#include "base/sys.hpp"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <linux/fs.h>
#include <memory>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <unistd.h>

namespace davit::build {

namespace {

constexpr std::size_t block_size = 256 * 1024;

struct Buffer {
    std::unique_ptr<char[]> bytes{new char[block_size]};
};

char* shared_buffer() {
    static thread_local Buffer buffer;
    return buffer.bytes.get();
}

bool same(const struct stat& a, const struct stat& b) {
    return a.st_size == b.st_size && a.st_mtim.tv_sec == b.st_mtim.tv_sec && a.st_mtim.tv_nsec == b.st_mtim.tv_nsec &&
           a.st_ctim.tv_sec == b.st_ctim.tv_sec && a.st_ctim.tv_nsec == b.st_ctim.tv_nsec && a.st_ino == b.st_ino;
}

// The next bytes at an offset; 0: the end.
std::size_t read_at(int fd, char* to, std::uint64_t offset, std::uint64_t most) {
    for (;;) {
        const auto want = static_cast<std::size_t>(std::min<std::uint64_t>(most, block_size));
        const ssize_t n = ::pread(fd, to, want, static_cast<off_t>(offset));
        if (n >= 0) return static_cast<std::size_t>(n);
        if (errno != EINTR) throw make_sys_error(errno, "reading a file");
    }
}

void write_at(int fd, const char* from, std::size_t size, std::uint64_t offset) {
    while (size) {
        const ssize_t n = ::pwrite(fd, from, size, static_cast<off_t>(offset));
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) throw make_sys_error(errno, "writing a copied file");
        from += n;
        size -= static_cast<std::size_t>(n);
        offset += static_cast<std::uint64_t>(n);
    }
}

// Where the next data of a file with holes begins, and ends: size, where there is no more.
struct Extent {
    std::uint64_t begin, end;
};
Extent extent_at(int fd, std::uint64_t offset, std::uint64_t size) {
    const off_t begin = ::lseek(fd, static_cast<off_t>(offset), SEEK_DATA);
    if (begin < 0 || static_cast<std::uint64_t>(begin) >= size)
        return {errno == ENXIO || begin >= 0 ? size : offset, size};
    const off_t end = ::lseek(fd, begin, SEEK_HOLE);
    return {static_cast<std::uint64_t>(begin),
            end < 0 ? size : std::min<std::uint64_t>(static_cast<std::uint64_t>(end), size)};
}

void hash_zeros(Hasher& hash, std::uint64_t size) {
    static const std::array<char, 65536> zeros{};
    for (; size; size -= std::min<std::uint64_t>(size, zeros.size()))
        hash.update(zeros.data(), static_cast<std::size_t>(std::min<std::uint64_t>(size, zeros.size())));
}

// Reads up to `size` bytes, holes by their extents; to < 0: nowhere. Returns how many there were.
std::uint64_t pass_bytes(int from, int to, std::uint64_t size, bool holes, Hasher& hash) {
    char* const buffer = shared_buffer();
    std::uint64_t at = 0;
    while (at < size) {
        const Extent extent = holes ? extent_at(from, at, size) : Extent{at, size};
        hash_zeros(hash, extent.begin - at);
        at = extent.begin;
        while (at < extent.end) {
            const std::size_t n = read_at(from, buffer, at, extent.end - at);
            if (n == 0) return at; // it was cut short meanwhile
            hash.update(buffer, n);
            if (to >= 0) write_at(to, buffer, n, at);
            at += n;
        }
    }
    if (to >= 0 && holes && ::ftruncate(to, static_cast<off_t>(at)) < 0)
        throw make_sys_error(errno, "writing a copied file");
    return at;
}

bool has_holes(const struct stat& st) { return st.st_blocks * 512 < st.st_size; }

// Up to `size` bytes by a call that copies some of what is left, returning how many. False: it cannot do
// these two files at all.
template <typename Call>
bool copy_by(Call call, std::uint64_t size) {
    std::uint64_t left = size;
    while (left) {
        const ssize_t n = call(static_cast<std::size_t>(std::min<std::uint64_t>(left, 1u << 30)));
        if (n < 0 && errno == EINTR) continue;
        if (n < 0 && left == size) return false;
        if (n < 0) throw make_sys_error(errno, "copying a file");
        if (n == 0) break;
        left -= static_cast<std::uint64_t>(n);
    }
    return true;
}

// Within the kernel, by sharing blocks where the file system can. An overlay takes copy_file_range() from
// another overlay only.
bool clone_bytes(int from, int to, std::uint64_t size) {
    return ::ioctl(to, FICLONE, from) == 0 ||
           copy_by([&](std::size_t most) { return ::copy_file_range(from, nullptr, to, nullptr, most, 0); }, size) ||
           copy_by([&](std::size_t most) { return ::sendfile(to, from, nullptr, most); }, size);
}

struct stat status_of(int fd) {
    struct stat st {};
    if (::fstat(fd, &st) < 0) throw make_sys_error(errno, "looking at a file");
    return st;
}

} // namespace

UniqueFd open_bytes(int path_fd) { return sys::reopen(path_fd, O_RDONLY | O_NONBLOCK | O_NOCTTY); }

FileDigest copy_bytes(int from, int to, struct stat& status, HashCache* cache) {
    const bool holes = has_holes(status);
    const auto size = static_cast<std::uint64_t>(status.st_size);
    const auto known = cache && !holes ? cache->find(status) : std::nullopt;
    if (known && clone_bytes(from, to, size)) {
        // A tick may lie between a change and its ctime's next value; the cache believes only older ones,
        // so what was unchanged until now is what was hashed then.
        if (same(status, status_of(from)) && status_of(to).st_size == status.st_size) return *known;
        status.st_size = status_of(to).st_size;
        Hasher hash;
        pass_bytes(to, -1, static_cast<std::uint64_t>(status.st_size), false, hash);
        return digest_from_hex(hash.hex());
    }
    const std::int64_t began = sys::realtime_ns();
    Hasher hash;
    const std::uint64_t copied = pass_bytes(from, to, size, holes, hash);
    const FileDigest digest = digest_from_hex(hash.hex());
    if (cache && copied == size && same(status, status_of(from))) cache->put(status, digest, began);
    status.st_size = static_cast<off_t>(copied);
    return digest;
}

FileDigest hash_bytes(int path_fd, struct stat& status, HashCache* cache) {
    if (cache)
        if (const auto known = cache->find(status)) return *known;
    const std::int64_t began = sys::realtime_ns();
    const UniqueFd fd = open_bytes(path_fd);
    Hasher hash;
    const auto size = static_cast<std::uint64_t>(status.st_size);
    const std::uint64_t read = pass_bytes(fd.get(), -1, size, has_holes(status), hash);
    const FileDigest digest = digest_from_hex(hash.hex());
    if (cache && read == size && same(status, status_of(fd.get()))) cache->put(status, digest, began);
    status.st_size = static_cast<off_t>(read);
    return digest;
}

} // namespace davit::build
