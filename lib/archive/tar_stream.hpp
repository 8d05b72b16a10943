// Writes tar streams with everything a file has: PAX records where ustar's fields are too small.
#pragma once

#include "archive/tar_reader.hpp"

#include <cstdint>
#include <functional>
#include <stop_token>
#include <string>
#include <string_view>

namespace davit::archive {

class TarStream {
public:
    using Sink = std::function<void(std::string_view)>;
    // sink gets the bytes in order; what it throws passes through.
    explicit TarStream(Sink sink) : sink_(std::move(sink)) {}

    // entry.size bytes of data() follow for a regular file. Directories' paths end in "/".
    void add(const TarEntry& entry);
    void data(std::string_view bytes);
    // The end mark.
    void finish();
    // Bytes of the regular files so far.
    std::uint64_t file_bytes() const { return files_; }

private:
    void put(std::string_view bytes) { sink_(bytes); }
    void pad();

    Sink sink_;
    std::uint64_t written_ = 0; // of the present entry's data
    std::uint64_t files_ = 0;
};

// To a descriptor, which stays the caller's. Throws Error with EPIPE when its reader is gone, interrupted at a stop.
TarStream::Sink to_fd(int fd, std::stop_token stop = {});

} // namespace davit::archive
