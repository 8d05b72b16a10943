// Addresses as values: IPv4/IPv6 addresses, subnets, interface addresses, MACs. Pure; no resolver.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace davit::net {

class IpAddress {
public:
    IpAddress() = default; // 0.0.0.0
    static IpAddress v4(std::uint32_t host_order);
    static IpAddress v4_bytes(const std::uint8_t* four);
    static IpAddress v6_bytes(const std::uint8_t* sixteen);
    static std::optional<IpAddress> try_parse(std::string_view text); // brackets around IPv6 are accepted
    static IpAddress parse(std::string_view text);                    // throws usage

    bool is_v6() const noexcept { return v6_; }
    bool is_v4() const noexcept { return !v6_; }
    bool is_unspecified() const noexcept; // 0.0.0.0 or ::
    bool is_loopback() const noexcept;    // 127/8 or ::1
    bool is_link_local() const noexcept;  // 169.254/16 or fe80::/10
    int bits() const noexcept { return v6_ ? 128 : 32; }
    std::size_t size() const noexcept { return v6_ ? 16 : 4; }
    const std::uint8_t* data() const noexcept { return bytes_.data(); }
    std::string_view bytes() const noexcept;
    std::uint32_t to_v4() const noexcept; // host order; only for IPv4
    // The address `offset` after this one, wrapping at the end of the family.
    IpAddress plus(std::uint64_t offset) const noexcept;
    std::string to_string() const;

    auto operator<=>(const IpAddress&) const = default;

private:
    bool v6_ = false;
    std::array<std::uint8_t, 16> bytes_{};
};

// An address block; the base has no host bits.
class Subnet {
public:
    Subnet() = default;
    Subnet(const IpAddress& any_address, int prefix); // host bits are cleared
    static std::optional<Subnet> try_parse(std::string_view text);
    static Subnet parse(std::string_view text); // "10.1.0.0/24"; throws usage

    const IpAddress& base() const noexcept { return base_; }
    IpAddress last() const noexcept; // the broadcast address of an IPv4 block
    int prefix() const noexcept { return prefix_; }
    bool is_v6() const noexcept { return base_.is_v6(); }
    bool contains(const IpAddress& a) const noexcept;
    bool contains(const Subnet& s) const noexcept;
    bool overlaps(const Subnet& s) const noexcept;
    std::string to_string() const;

    auto operator<=>(const Subnet&) const = default;

private:
    IpAddress base_;
    int prefix_ = 0;
};

// An address as an interface carries it.
struct InterfaceAddress {
    IpAddress address;
    int prefix = 32;
    auto operator<=>(const InterfaceAddress&) const = default;
    Subnet subnet() const { return Subnet(address, prefix); }
    std::string to_string() const;
    static InterfaceAddress parse(std::string_view text); // "10.1.0.5/24"
};

struct MacAddress {
    std::array<std::uint8_t, 6> bytes{};
    auto operator<=>(const MacAddress&) const = default;
    std::string to_string() const; // lower case, colons
    static std::optional<MacAddress> try_parse(std::string_view text);
    static MacAddress parse(std::string_view text); // throws usage
    // 02:42 and the four bytes of the IPv4 address, so that a reused address keeps its neighbours
    // valid; for IPv6 02:42 and four bytes of a hash of it.
    static MacAddress of(const IpAddress& address);
};

} // namespace davit::net
