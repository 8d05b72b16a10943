// What an image may take of the disk.
//
// A few compressed megabytes can hold any number of bytes or files. Whatever they are, the last
// hundredth of the store's file system stays free for those who share it.
#pragma once

#include "archive/byte_source.hpp"

#include <cstdint>
#include <string>

namespace davit::image {

// Before so many bytes are fetched to below `path`: that as many, and those to be kept free, are there. Throws Error
// with ENOSPC; what: whose bytes.
void require_room(const std::string& path, std::uint64_t bytes, std::uint64_t keep_free, const std::string& what);

class RoomKeeper : public archive::ByteSource {
public:
    // Passes on what comes from `from`, which is written below `path`. Throws Error with ENOSPC.
    RoomKeeper(archive::ByteSource& from, std::string path) : from_(from), path_(std::move(path)) {}
    std::size_t read(char* to, std::size_t max) override;

private:
    archive::ByteSource& from_;
    std::string path_;
    std::uint64_t unchecked_ = 0; // bytes since the last look
};

} // namespace davit::image
