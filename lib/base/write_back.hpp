// The disk begins with what was written before somebody waits for it.
#pragma once

#include <cstdint>
#include <fcntl.h>

namespace davit {

// Of a part of a file. A later sync waits less; promises nothing.
inline void start_write_back(int fd, std::uint64_t offset, std::uint64_t size) noexcept {
    ::sync_file_range(fd, static_cast<off64_t>(offset), static_cast<off64_t>(size), SYNC_FILE_RANGE_WRITE);
}

} // namespace davit
