// The files of an image archive, be it a directory or a tar.
#pragma once

#include "archive/byte_source.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace davit::archive {

class ArchiveFiles {
public:
    virtual ~ArchiveFiles() = default;
    virtual bool has(const std::string& path) const = 0;
    // Errc::not_found.
    virtual std::unique_ptr<ByteSource> open(const std::string& path, std::uint64_t offset) const = 0;
    virtual std::uint64_t size(const std::string& path) const = 0;
    // The file that it is kept in for this archive alone: who wants it may give it a name of its own. Empty: none.
    virtual std::string own_file(const std::string&) const { return {}; }

    std::optional<std::string> read(const std::string& path) const; // small documents
};

std::unique_ptr<ArchiveFiles> open_directory(const std::string& path);
// fd: a seekable file with a plain tar; name is for messages.
std::unique_ptr<ArchiveFiles> open_tar(UniqueFd fd, const std::string& name);
// A plain tar that comes in once, whole: its files are written below `directory`, an empty one of the caller's.
std::unique_ptr<ArchiveFiles> open_stream(ByteSource& from, const std::string& directory, const std::string& name);

} // namespace davit::archive
