#include "supervisor/client/frame.hpp"

#include "base/error.hpp"

#include <cstdint>

namespace davit::supervisor {

std::string encode_frame(std::string_view body) {
    if (body.size() > frame_limit)
        throw error(Errc::failed, "a message of {} bytes is too long for the control socket", body.size());
    auto n = static_cast<std::uint32_t>(body.size());
    std::string out;
    out.reserve(body.size() + 4);
    for (int shift = 0; shift < 32; shift += 8) out += static_cast<char>((n >> shift) & 0xff);
    out += body;
    return out;
}

std::optional<std::size_t> FrameReader::announced() const {
    if (buffer_.size() - used_ < 4) return std::nullopt;
    std::uint32_t n = 0;
    for (unsigned i = 0; i < 4; ++i) n |= std::uint32_t{static_cast<unsigned char>(buffer_[used_ + i])} << (8 * i);
    return n;
}

void FrameReader::feed(std::string_view bytes) {
    if (used_ > 0) {
        buffer_.erase(0, used_);
        used_ = 0;
    }
    buffer_ += bytes;
    if (auto n = announced(); n && *n > frame_limit)
        throw error(Errc::failed, "a message of {} bytes was announced; at most {} are accepted", *n, frame_limit);
}

std::optional<std::string> FrameReader::next() {
    auto n = announced();
    if (!n) return std::nullopt;
    if (*n > frame_limit)
        throw error(Errc::failed, "a message of {} bytes was announced; at most {} are accepted", *n, frame_limit);
    if (buffer_.size() - used_ - 4 < *n) return std::nullopt;
    std::string body = buffer_.substr(used_ + 4, *n);
    used_ += 4 + *n;
    return body;
}

} // namespace davit::supervisor
