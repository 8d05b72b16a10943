// Frames of the control socket: u32 little-endian length, then that many bytes.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace davit::supervisor {

// A plan of a thousand services is about 1 MB.
inline constexpr std::size_t frame_limit = 16u << 20;

std::string encode_frame(std::string_view body);

class FrameReader {
public:
    // Throws (failed) when a frame announces more than the limit; the stream is lost then.
    void feed(std::string_view bytes);
    std::optional<std::string> next();

private:
    std::optional<std::size_t> announced() const;
    std::string buffer_;
    std::size_t used_ = 0; // bytes of buffer_ already given out
};

} // namespace davit::supervisor
