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
