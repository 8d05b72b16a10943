// Writes plain tars whose bytes depend on their contents only: owner 0:0, time 0.
#pragma once

#include "archive/byte_source.hpp"

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace davit::archive {

class TarWriter {
public:
    explicit TarWriter(int fd) : fd_(fd) {} // stays the caller's
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
    int fd_;
};

} // namespace davit::archive
