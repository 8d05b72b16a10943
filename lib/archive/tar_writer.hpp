// Writes plain tars whose bytes depend on their contents only: owner 0:0, time 0.
#pragma once

#include "archive/byte_source.hpp"

#include <cstdint>
#include <functional>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>

namespace davit::archive {

class TarWriter {
public:
    // The fd stays the caller's. A stop is Errc::interrupted at the next piece.
    explicit TarWriter(int fd, std::stop_token stop = {}) : fd_(fd), stop_(std::move(stop)) {}
    // Paths up to 100 bytes.
    void directory(const std::string& path);
    void file(const std::string& path, std::string_view bytes);
    // size bytes of from; Errc::failed if it has fewer.
    void file(const std::string& path, ByteSource& from, std::uint64_t size);
    // size bytes that produce() gives to its sink, which throws Errc::failed for more; fewer are Errc::failed too.
    using Sink = std::function<void(std::string_view)>;
    void file(const std::string& path, std::uint64_t size, const std::function<void(const Sink&)>& produce);
    void finish(); // the end mark

private:
    void header(const std::string& path, char type, std::uint32_t mode, std::uint64_t size);
    void pad(std::uint64_t size);
    void write(std::string_view bytes);
    int fd_;
    std::stop_token stop_;
};

} // namespace davit::archive
