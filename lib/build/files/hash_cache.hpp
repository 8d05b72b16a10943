// Digests of files that were hashed before, by what stat(2) tells of them.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <sys/stat.h>
#include <vector>

namespace davit::build {

using FileDigest = std::array<char, 32>; // sha256

FileDigest digest_from_hex(std::string_view hex);

// A file is the same while device, inode, size, mtime and ctime are, and nobody can set a ctime. Not
// believed is a file that changed within a clock tick of being hashed: a later change may have left the
// same ctime. One file in a directory of the caller's, read on first use; damage makes it empty.
// May be used from several threads at once.
class HashCache {
public:
    explicit HashCache(std::string directory, std::size_t most = 500'000);

    std::optional<FileDigest> find(const struct stat& status);
    // status: before and after the file was read, the same. began: CLOCK_REALTIME before it was, in ns.
    void put(const struct stat& status, const FileDigest& digest, std::int64_t began_ns);
    // Writes what is new; beyond `most` entries, those of builds longest ago go. Does not wait for the disk.
    void save();

private:
    struct Key {
        std::uint64_t device, inode, size;
        std::int64_t mtime, ctime; // ns
        auto operator<=>(const Key&) const = default;
    };
    struct Entry {
        Key key;
        std::uint64_t used; // the number of the save() that last saw it in use
        FileDigest digest;
    };
    static Key key_of(const struct stat& status);
    void load();

    std::string directory_;
    std::size_t most_;
    std::mutex mutex_;
    bool loaded_ = false, changed_ = false;
    std::uint64_t turn_ = 1;
    std::vector<Entry> entries_; // sorted
    std::map<Key, FileDigest> fresh_;
};

} // namespace davit::build
