#include "build/ssh_wire.hpp"

namespace davit::build {

SshWriter& SshWriter::byte(unsigned char value) {
    out_ += static_cast<char>(value);
    return *this;
}

SshWriter& SshWriter::number(std::uint32_t value) {
    for (int shift = 24; shift >= 0; shift -= 8) byte(static_cast<unsigned char>(value >> shift));
    return *this;
}

SshWriter& SshWriter::text(std::string_view bytes) {
    number(static_cast<std::uint32_t>(bytes.size()));
    out_ += bytes;
    return *this;
}

SshWriter& SshWriter::big(std::string_view bytes) {
    while (!bytes.empty() && bytes.front() == '\0') bytes.remove_prefix(1);
    const bool reads_negative = !bytes.empty() && (static_cast<unsigned char>(bytes.front()) & 0x80U) != 0;
    return text(reads_negative ? std::string(1, '\0') + std::string(bytes) : std::string(bytes));
}

std::string_view SshReader::take(std::size_t n) {
    if (!ok_ || n > rest_.size()) {
        ok_ = false;
        return {};
    }
    const std::string_view out = rest_.substr(0, n);
    rest_.remove_prefix(n);
    return out;
}

unsigned char SshReader::byte() {
    const std::string_view one = take(1);
    return one.empty() ? 0 : static_cast<unsigned char>(one[0]);
}

std::uint32_t SshReader::number() {
    std::uint32_t out = 0;
    for (char c : take(4)) out = out << 8U | static_cast<unsigned char>(c);
    return out;
}

std::string_view SshReader::text() { return take(number()); }

std::string_view SshReader::big() {
    std::string_view out = text();
    while (!out.empty() && out.front() == '\0') out.remove_prefix(1);
    return out;
}

} // namespace davit::build
