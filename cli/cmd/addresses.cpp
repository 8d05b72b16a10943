// Addresses as they stand on the command line of `network create` and `connect`.
#include "base/error.hpp"
#include "base/units.hpp"
#include "cli/cmd/network.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <array>

namespace davit::cli {

namespace {

constexpr int bits_of_byte = 8;

bool is_v6(const std::string& text) { return text.find(':') != std::string::npos; }

// Nothing: it is no address.
std::optional<std::array<unsigned char, sizeof(in6_addr)>> bytes_of(const std::string& text) {
    std::array<unsigned char, sizeof(in6_addr)> out{};
    if (::inet_pton(is_v6(text) ? AF_INET6 : AF_INET, text.c_str(), out.data()) != 1) return std::nullopt;
    return out;
}

// "10.0.0.0/8" → 8; -1: it has none.
int prefix_of(const std::string& subnet) {
    const std::size_t slash = subnet.find('/');
    if (slash == std::string::npos) return -1;
    const auto bits = parse_int(subnet.substr(slash + 1));
    const int most = is_v6(subnet) ? 128 : 32;
    return bits && *bits >= 0 && *bits <= most ? static_cast<int>(*bits) : -1;
}

} // namespace

bool is_address(const std::string& text) { return bytes_of(text).has_value(); }

bool is_subnet(const std::string& text) { return is_address(text.substr(0, text.find('/'))) && prefix_of(text) >= 0; }

bool is_within(const std::string& address, const std::string& subnet) {
    const auto one = bytes_of(address.substr(0, address.find('/'))),
               base = bytes_of(subnet.substr(0, subnet.find('/')));
    const int prefix = prefix_of(subnet);
    if (!one || !base || prefix < 0) return true; // the engine says what is wrong with it
    for (int bit = 0; bit < prefix; ++bit) {
        const auto byte = static_cast<std::size_t>(bit / bits_of_byte);
        const int mask = 0x80 >> bit % bits_of_byte;
        if (((*one)[byte] & mask) != ((*base)[byte] & mask)) return false;
    }
    return true;
}

const std::string& checked_address(const std::string& text) {
    if (!is_address(text)) throw error(Errc::usage, "failed to parse IP: \"{}\"", text);
    return text;
}

} // namespace davit::cli
