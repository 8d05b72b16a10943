// Reads tar streams: v7, ustar, star, PAX (local and global), GNU long names, base-256 numbers, GNU and PAX
// sparse files. Own code because layers need whiteouts, PAX xattrs and control over each path.
#pragma once

#include "archive/byte_source.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace davit::archive {

struct TarEntry {
    enum class Type { file, hardlink, symlink, char_device, block_device, directory, fifo };
    struct Segment {
        std::uint64_t offset = 0, length = 0;
    };

    Type type = Type::file;
    std::string path;       // as written: may be absolute, may hold ".."
    std::string link;       // target of hardlink and symlink
    std::uint32_t mode = 0; // permission bits with setuid, setgid, sticky
    std::uint32_t uid = 0, gid = 0;
    std::int64_t mtime = 0; // seconds since 1970
    std::uint32_t mtime_ns = 0;
    std::uint64_t size = 0; // bytes the file will have; of other types 0
    unsigned device_major = 0, device_minor = 0;
    std::vector<std::pair<std::string, std::string>> xattrs;
    bool sparse = false;
    std::vector<Segment> segments; // of a sparse file: where its stored bytes belong, ascending
};

class TarReader {
public:
    // from must outlive the reader.
    explicit TarReader(ByteSource& from);

    // The next entry; what is left of the last one's data is skipped. false: the archive's end.
    // Throws Errc::failed "corrupt tar …" with the offset.
    bool next(TarEntry& entry);
    // Stored bytes of the present entry, piece by piece; empty: no more. Valid until the next call.
    std::string_view data();
    // Where the present entry's stored data begins and how long it is.
    std::uint64_t data_offset() const { return position(); }
    std::uint64_t data_size() const { return data_left_; }

private:
    struct Header;
    using Records = std::map<std::string, std::string, std::less<>>;

    std::uint64_t position() const { return base_ + begin_; }
    bool fill(std::size_t want);
    bool read_block(char* block);
    void pass_over(std::uint64_t bytes);
    std::string read_payload(std::uint64_t size, const char* what);
    bool read_header(Header& header);
    void apply_records(TarEntry& entry, std::uint64_t& stored);
    void read_old_sparse(const Header& header, TarEntry& entry, std::uint64_t stored);
    void read_pax_sparse(TarEntry& entry, std::uint64_t stored);
    void read_sparse_map_from_data(TarEntry& entry, std::uint64_t& stored);
    void check_segments(const TarEntry& entry) const;
    const std::string* record(std::string_view key) const;
    [[noreturn]] void corrupt(std::string_view what) const;

    ByteSource& from_;
    std::vector<char> buffer_;
    std::size_t begin_ = 0, end_ = 0; // unread bytes of the buffer
    std::uint64_t base_ = 0;          // offset of the buffer's start in the stream
    std::uint64_t data_left_ = 0, padding_ = 0;
    Records global_, local_;
    std::size_t global_size_ = 0, local_size_ = 0;                    // bytes of the headers they came in
    std::vector<std::pair<std::string, std::string>> sparse_numbers_; // PAX 0.0 repeats its keys
};

} // namespace davit::archive
