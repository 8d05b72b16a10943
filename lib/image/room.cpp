#include "image/room.hpp"

#include "base/error.hpp"

#include <cerrno>
#include <sys/statvfs.h>

namespace davit::image {

namespace {

constexpr std::uint64_t look_every = 64u << 10; // bytes; a look costs a microsecond
constexpr unsigned kept_free = 100;             // the part of it

bool is_low(std::uint64_t free, std::uint64_t all) { return all > 0 && free < all / kept_free; }

} // namespace

void require_room(const std::string& path, std::uint64_t bytes, std::uint64_t keep_free, const std::string& what) {
    struct statvfs disk {};
    if (::statvfs(path.c_str(), &disk) < 0) throw sys_error(errno, "looking at the disk of {}", path);
    const std::uint64_t free = std::uint64_t{disk.f_bavail} * disk.f_frsize;
    if (free >= keep_free && free - keep_free >= bytes) return;
    throw sys_error(ENOSPC, "{} takes at least {} of the disk of {}, which has {} left and is to keep {}", what, bytes,
                    path, free, keep_free)
        .with_hint("'davit image prune' makes room");
}

std::size_t RoomKeeper::read(char* to, std::size_t max) {
    const std::size_t n = from_.read(to, max);
    unchecked_ += n;
    if (unchecked_ < look_every) return n;
    unchecked_ = 0;
    struct statvfs disk {};
    if (::statvfs(path_.c_str(), &disk) < 0) return n;
    if (is_low(disk.f_bavail, disk.f_blocks) || is_low(disk.f_favail, disk.f_files))
        throw sys_error(ENOSPC, "the image would take the last {} of the disk of {}",
                        is_low(disk.f_bavail, disk.f_blocks) ? "room" : "inodes", path_);
    return n;
}

} // namespace davit::image
