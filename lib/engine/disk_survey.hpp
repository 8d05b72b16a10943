// How much space files take.
#pragma once

#include "base/dir.hpp"

#include <cstdint>
#include <fcntl.h>
#include <string>
#include <string_view>
#include <sys/stat.h>
#include <unistd.h>

namespace davit {

// What the files at and below a path take on the disk. Containers change what is below: nothing is followed.
class DiskSurvey {
public:
    // Blocks; what cannot be read counts nothing. Of all calls together the first 200,000 entries: a hint is not worth
    // minutes.
    std::uint64_t bytes(const std::string& path) { return below(AT_FDCWD, path.c_str(), deepest); }

private:
    std::uint64_t below(int parent, const char* name, int depth) {
        const int fd = ::openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0) return 0;
        const Dir dir(::fdopendir(fd));
        if (!dir) {
            ::close(fd);
            return 0;
        }
        std::uint64_t sum = 0;
        while (const dirent* entry = seen_ < most_looked_at ? ::readdir(dir.get()) : nullptr) {
            struct stat st {};
            const std::string_view is = entry->d_name;
            if (is == "." || is == ".." || ::fstatat(fd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0) continue;
            ++seen_;
            sum += static_cast<std::uint64_t>(st.st_blocks) * block;
            if (S_ISDIR(st.st_mode) && depth > 0) sum += below(fd, entry->d_name, depth - 1);
        }
        return sum;
    }
    static constexpr int most_looked_at = 200'000;
    static constexpr int deepest = 100; // descriptors
    static constexpr std::uint64_t block = 512;
    int seen_ = 0;
};

} // namespace davit
