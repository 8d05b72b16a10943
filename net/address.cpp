#include "net/address.hpp"

#include "base/error.hpp"
#include "base/hash.hpp"

#include <arpa/inet.h>
#include <charconv>
#include <cstring>

namespace davit::net {

namespace {

int parse_prefix(std::string_view text, int limit) {
    int value = -1;
    const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (ec != std::errc{} || end != text.data() + text.size() || text.empty() || value < 0 || value > limit) return -1;
    return value;
}

int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

// Keeps `prefix` leading bits; the others become the given value.
void fill_host_bits(std::array<std::uint8_t, 16>& bytes, std::size_t size, int prefix, bool ones) {
    for (std::size_t i = 0; i < size; ++i) {
        const int kept = prefix - static_cast<int>(i) * 8;
        if (kept >= 8) continue;
        const auto mask = static_cast<std::uint8_t>(kept <= 0 ? 0 : 0xff00 >> kept);
        bytes[i] = static_cast<std::uint8_t>((bytes[i] & mask) | (ones ? static_cast<std::uint8_t>(~mask) : 0));
    }
}

std::array<std::uint8_t, 16> array_of(const IpAddress& a) {
    std::array<std::uint8_t, 16> bytes{};
    std::memcpy(bytes.data(), a.data(), a.size());
    return bytes;
}

IpAddress of_array(const std::array<std::uint8_t, 16>& bytes, bool v6) {
    return v6 ? IpAddress::v6_bytes(bytes.data()) : IpAddress::v4_bytes(bytes.data());
}

} // namespace

IpAddress IpAddress::v4_bytes(const std::uint8_t* four) {
    IpAddress a;
    std::memcpy(a.bytes_.data(), four, 4);
    return a;
}

IpAddress IpAddress::v4(std::uint32_t host_order) {
    const std::uint32_t order = htonl(host_order);
    std::uint8_t bytes[4];
    std::memcpy(bytes, &order, 4);
    return v4_bytes(bytes);
}

IpAddress IpAddress::v6_bytes(const std::uint8_t* sixteen) {
    IpAddress a;
    a.v6_ = true;
    std::memcpy(a.bytes_.data(), sixteen, 16);
    return a;
}

std::optional<IpAddress> IpAddress::try_parse(std::string_view text) {
    if (text.size() > 2 && text.front() == '[' && text.back() == ']') text = text.substr(1, text.size() - 2);
    if (text.empty() || text.size() >= INET6_ADDRSTRLEN) return std::nullopt;
    const std::string z(text);
    std::uint8_t bytes[16];
    if (::inet_pton(AF_INET, z.c_str(), bytes) == 1) return v4_bytes(bytes);
    if (::inet_pton(AF_INET6, z.c_str(), bytes) == 1) return v6_bytes(bytes);
    return std::nullopt;
}

IpAddress IpAddress::parse(std::string_view text) {
    if (auto a = try_parse(text)) return *a;
    throw error(Errc::usage, "'{}' is not an IP address", text);
}

bool IpAddress::is_unspecified() const noexcept {
    for (const auto b : bytes_)
        if (b != 0) return false;
    return true;
}

bool IpAddress::is_loopback() const noexcept {
    if (!v6_) return bytes_[0] == 127;
    for (std::size_t i = 0; i < 15; ++i)
        if (bytes_[i] != 0) return false;
    return bytes_[15] == 1;
}

bool IpAddress::is_link_local() const noexcept {
    if (!v6_) return bytes_[0] == 169 && bytes_[1] == 254;
    return bytes_[0] == 0xfe && (bytes_[1] & 0xc0) == 0x80;
}

std::string_view IpAddress::bytes() const noexcept { return {reinterpret_cast<const char*>(bytes_.data()), size()}; }

std::uint32_t IpAddress::to_v4() const noexcept {
    std::uint32_t order;
    std::memcpy(&order, bytes_.data(), 4);
    return ntohl(order);
}

IpAddress IpAddress::plus(std::uint64_t offset) const noexcept {
    IpAddress r = *this;
    std::uint64_t carry = offset;
    for (std::size_t i = size(); i-- > 0 && carry != 0;) {
        const std::uint64_t sum = r.bytes_[i] + (carry & 0xff);
        r.bytes_[i] = static_cast<std::uint8_t>(sum & 0xff);
        carry = (carry >> 8) + (sum >> 8);
    }
    return r;
}

std::string IpAddress::to_string() const {
    char text[INET6_ADDRSTRLEN];
    ::inet_ntop(v6_ ? AF_INET6 : AF_INET, bytes_.data(), text, sizeof text);
    return text;
}

Subnet::Subnet(const IpAddress& any_address, int prefix) : prefix_(prefix) {
    auto bytes = array_of(any_address);
    fill_host_bits(bytes, any_address.size(), prefix, false);
    base_ = of_array(bytes, any_address.is_v6());
}

std::optional<Subnet> Subnet::try_parse(std::string_view text) {
    const auto slash = text.find('/');
    if (slash == std::string_view::npos) return std::nullopt;
    const auto address = IpAddress::try_parse(text.substr(0, slash));
    if (!address) return std::nullopt;
    const int prefix = parse_prefix(text.substr(slash + 1), address->bits());
    if (prefix < 0) return std::nullopt;
    return Subnet(*address, prefix);
}

Subnet Subnet::parse(std::string_view text) {
    if (auto s = try_parse(text)) return *s;
    throw error(Errc::usage, "'{}' is not a subnet", text).with_hint("write it like 10.20.0.0/24 or fd00:20::/64");
}

IpAddress Subnet::last() const noexcept {
    auto bytes = array_of(base_);
    fill_host_bits(bytes, base_.size(), prefix_, true);
    return of_array(bytes, is_v6());
}

bool Subnet::contains(const IpAddress& a) const noexcept {
    return a.is_v6() == is_v6() && Subnet(a, prefix_).base_ == base_;
}

bool Subnet::contains(const Subnet& s) const noexcept { return s.prefix_ >= prefix_ && contains(s.base_); }

bool Subnet::overlaps(const Subnet& s) const noexcept { return contains(s) || s.contains(*this); }

std::string Subnet::to_string() const { return base_.to_string() + '/' + std::to_string(prefix_); }

std::string InterfaceAddress::to_string() const { return address.to_string() + '/' + std::to_string(prefix); }

InterfaceAddress InterfaceAddress::parse(std::string_view text) {
    const auto slash = text.find('/');
    if (slash != std::string_view::npos)
        if (const auto address = IpAddress::try_parse(text.substr(0, slash)))
            if (const int prefix = parse_prefix(text.substr(slash + 1), address->bits()); prefix >= 0)
                return {*address, prefix};
    throw error(Errc::usage, "'{}' is not an address with a prefix length", text);
}

std::string MacAddress::to_string() const {
    return fmt::format("{:02x}:{:02x}:{:02x}:{:02x}:{:02x}:{:02x}", bytes[0], bytes[1], bytes[2], bytes[3], bytes[4],
                       bytes[5]);
}

std::optional<MacAddress> MacAddress::try_parse(std::string_view text) {
    if (text.size() != 17) return std::nullopt;
    MacAddress mac;
    for (std::size_t i = 0; i < 6; ++i) {
        const int high = hex_digit(text[i * 3]), low = hex_digit(text[i * 3 + 1]);
        if (high < 0 || low < 0) return std::nullopt;
        if (i < 5 && text[i * 3 + 2] != ':' && text[i * 3 + 2] != '-') return std::nullopt;
        mac.bytes[i] = static_cast<std::uint8_t>(high * 16 + low);
    }
    return mac;
}

MacAddress MacAddress::parse(std::string_view text) {
    if (auto mac = try_parse(text)) return *mac;
    throw error(Errc::usage, "'{}' is not a MAC address", text).with_hint("write it like 02:42:ac:11:00:02");
}

MacAddress MacAddress::of(const IpAddress& address) {
    MacAddress mac;
    mac.bytes = {0x02, 0x42};
    if (address.is_v4()) {
        std::memcpy(mac.bytes.data() + 2, address.data(), 4);
        return mac;
    }
    const std::string hex = sha256_hex(address.bytes());
    for (std::size_t i = 0; i < 4; ++i)
        mac.bytes[i + 2] = static_cast<std::uint8_t>(hex_digit(hex[2 * i]) * 16 + hex_digit(hex[2 * i + 1]));
    return mac;
}

} // namespace davit::net
