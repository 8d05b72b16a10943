// Values as the ssh protocols write them: numbers big-endian, texts after their length.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace davit::build {

class SshWriter {
public:
    SshWriter& byte(unsigned char value);
    SshWriter& number(std::uint32_t value);
    SshWriter& text(std::string_view bytes);
    // A number of any size, big-endian and not negative, as mpint.
    SshWriter& big(std::string_view bytes);
    std::string take() { return std::move(out_); }

private:
    std::string out_;
};

// Reads nothing that is not there: what ends early is empty or 0, and ok() is false from then on.
class SshReader {
public:
    explicit SshReader(std::string_view bytes) : rest_(bytes) {}
    unsigned char byte();
    std::uint32_t number();
    std::string_view text();
    std::string_view big(); // an mpint without its leading zero
    bool ok() const { return ok_; }
    std::string_view rest() const { return rest_; }

private:
    std::string_view take(std::size_t n);
    std::string_view rest_;
    bool ok_ = true;
};

} // namespace davit::build
