// Streams of bytes that are pulled, so that download, digest, inflation and untar are one pass.
#pragma once

#include "base/fd.hpp"
#include "base/hash.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>

namespace davit::archive {

class ByteSource {
public:
    virtual ~ByteSource() = default;
    // 1 … max bytes; 0: the end. Throws davit::Error. Blocks.
    virtual std::size_t read(char* to, std::size_t max) = 0;
    // Passes over bytes; fewer are there: the end.
    virtual void skip(std::uint64_t bytes);
};

class MemorySource : public ByteSource {
public:
    explicit MemorySource(std::string bytes) : bytes_(std::move(bytes)) {}
    std::size_t read(char* to, std::size_t max) override;

private:
    std::string bytes_;
    std::size_t at_ = 0;
};

// Throws Error(interrupted).
void throw_if_stopped(const std::stop_token& stop);

// Ends the stream when the caller wants no more.
class StoppableSource : public ByteSource {
public:
    StoppableSource(ByteSource& from, std::stop_token stop) : from_(from), stop_(std::move(stop)) {}
    std::size_t read(char* to, std::size_t max) override; // and skip() by it: a piece at a time

private:
    ByteSource& from_;
    std::stop_token stop_;
};

// A range of a seekable file, by pread: several sources may share one description.
class FileSource : public ByteSource {
public:
    FileSource(UniqueFd fd, std::string name, std::uint64_t offset = 0, std::uint64_t size = UINT64_MAX);
    std::size_t read(char* to, std::size_t max) override;
    void skip(std::uint64_t bytes) override;

private:
    UniqueFd fd_;
    std::string name_;
    std::uint64_t at_, end_;
};

// A pipe, terminal or socket, from where it stands. The fd stays the caller's. A stop ends a read that waits for bytes,
// too: Errc::interrupted.
class StreamSource : public ByteSource {
public:
    StreamSource(int fd, std::string name, std::stop_token stop = {});
    std::size_t read(char* to, std::size_t max) override;

private:
    struct Ring {
        int fd;
        void operator()() const noexcept;
    };
    int fd_;
    std::string name_;
    std::stop_token stop_;
    UniqueFd stopped_; // readable from then on
    std::optional<std::stop_callback<Ring>> on_stop_;
};

// Digests and counts what passes, and writes it to copy_to (when ≥ 0) as well.
class TeeSource : public ByteSource {
public:
    TeeSource(ByteSource& from, Hasher::Kind kind, int copy_to = -1) : from_(from), hash_(kind), copy_to_(copy_to) {}
    std::size_t read(char* to, std::size_t max) override;
    // Reads what is left.
    void drain();
    std::uint64_t bytes() const { return bytes_; }
    std::string hex() { return hash_.hex(); } // once, after the end

private:
    ByteSource& from_;
    Hasher hash_;
    int copy_to_;
    std::uint64_t bytes_ = 0;
};

} // namespace davit::archive
