#include "dns_packets.hpp"

#include <doctest/doctest.h>

namespace davit::net::dns {

namespace {

std::string two(unsigned v) { return {static_cast<char>(v >> 8 & 0xff), static_cast<char>(v & 0xff)}; }

std::string labels(std::string_view name) {
    std::string out;
    while (!name.empty()) {
        const auto dot = name.find('.');
        const std::string_view label = name.substr(0, dot);
        out += static_cast<char>(label.size());
        out += label;
        name.remove_prefix(dot == std::string_view::npos ? name.size() : dot + 1);
    }
    return out + '\0';
}

class Reader {
public:
    explicit Reader(std::string_view packet) : packet_(packet) {}
    std::string_view take(std::size_t size) {
        REQUIRE(at_ + size <= packet_.size());
        at_ += size;
        return packet_.substr(at_ - size, size);
    }
    unsigned number(std::size_t bytes) {
        unsigned out = 0;
        for (const char c : take(bytes)) out = out << 8 | static_cast<std::uint8_t>(c);
        return out;
    }
    // Up to its end, or to a pointer, which is taken too.
    std::string name() {
        std::string out;
        for (;;) {
            const unsigned size = number(1);
            if (size == 0) return out;
            if (size >= 0xc0) return take(1), out;
            if (!out.empty()) out += '.';
            out += take(size);
        }
    }

private:
    std::string_view packet_;
    std::size_t at_ = 0;
};

} // namespace

std::string make_query(std::uint16_t id, std::string_view name, std::uint16_t type, bool edns, std::uint16_t udp_size) {
    constexpr unsigned recursion_desired = 0x0100, internet = 1;
    std::string out = two(id) + two(recursion_desired) + two(1) + two(0) + two(0) + two(edns) + labels(name) +
                      two(type) + two(internet);
    if (edns) out += '\0' + two(type_opt) + two(udp_size) + two(0) + two(0) + two(0);
    return out;
}

std::vector<Record> parse_records(std::string_view answer) {
    Reader in(answer);
    in.take(4);
    const unsigned questions = in.number(2), answers = in.number(2);
    in.take(4);
    for (unsigned i = 0; i < questions; ++i) in.name(), in.take(4);
    std::vector<Record> out;
    for (unsigned i = 0; i < answers; ++i) {
        Record r;
        in.name();
        r.type = static_cast<std::uint16_t>(in.number(2));
        in.take(2);
        r.ttl = in.number(4);
        const std::string_view data = in.take(in.number(2));
        const auto* bytes = reinterpret_cast<const std::uint8_t*>(data.data());
        if (r.type == type_a && data.size() == 4) r.address = IpAddress::v4_bytes(bytes);
        if (r.type == type_aaaa && data.size() == 16) r.address = IpAddress::v6_bytes(bytes);
        if (r.type == type_ptr || r.type == type_cname) r.target = Reader(data).name();
        out.push_back(std::move(r));
    }
    return out;
}

} // namespace davit::net::dns
