// Functions of network prefixes.
#include "bake/functions/function.hpp"
#include "base/error.hpp"

#include <arpa/inet.h>

namespace davit::baking {

namespace {

__extension__ typedef unsigned __int128 Bits;

struct Prefix {
    Bits address = 0; // what is behind the prefix is zero
    int width = 32;   // 128 of IPv6
    int length = 0;
    std::string text;

    int host_bits() const { return width - length; }
};

Bits all_ones(int count) { return count >= 128 ? ~Bits{0} : (Bits{1} << count) - 1; }

std::string address_text(Bits address, int width) {
    unsigned char bytes[16];
    for (int i = width / 8 - 1; i >= 0; --i, address >>= 8) bytes[i] = static_cast<unsigned char>(address & 0xff);
    char buffer[INET6_ADDRSTRLEN];
    return ::inet_ntop(width == 32 ? AF_INET : AF_INET6, bytes, buffer, sizeof buffer);
}

std::string prefix_text(Bits address, int width, int length) {
    return address_text(address, width) + "/" + std::to_string(length);
}

Prefix prefix_of(const Value& v) {
    Prefix out;
    out.text = text_of(v);
    const std::size_t slash = out.text.find('/');
    const std::string address = out.text.substr(0, slash);
    const std::string length = slash == std::string::npos ? "" : out.text.substr(slash + 1);
    const bool six = address.find(':') != std::string::npos;
    unsigned char bytes[16];
    const bool digits =
        !length.empty() && length.size() <= 3 && length.find_first_not_of("0123456789") == std::string::npos;
    out.width = six ? 128 : 32;
    out.length = digits ? std::stoi(length) : -1;
    if (!digits || out.length > out.width || ::inet_pton(six ? AF_INET6 : AF_INET, address.c_str(), bytes) != 1)
        throw error(Errc::usage, "\"{}\" is no network prefix as 10.0.0.0/8", out.text);
    for (int i = 0; i < out.width / 8; ++i) out.address = out.address << 8 | bytes[i];
    out.address &= ~all_ones(out.host_bits());
    return out;
}

// Below zero: from the end.
Value host(const Arguments& a) {
    const Prefix in = prefix_of(a[0]);
    const long long number = whole_of(a[1]);
    const Bits size = number < 0 ? static_cast<Bits>(-(number + 1)) : static_cast<Bits>(number);
    const Bits most = all_ones(in.host_bits());
    if (size > most) throw error(Errc::usage, "{} has no host with the number {}", in.text, number);
    return Value::of(address_text(in.address | (number < 0 ? most - size : size), in.width));
}

Value netmask(const Arguments& a) {
    const Prefix in = prefix_of(a[0]);
    const Bits mask = all_ones(in.width) & ~all_ones(in.host_bits());
    return Value::of(address_text(mask, in.width));
}

Value subnet(const Arguments& a) {
    const Prefix in = prefix_of(a[0]);
    const long long bits = whole_of(a[1]), number = whole_of(a[2]);
    if (bits < 0 || bits > in.host_bits())
        throw error(Errc::usage, "the prefix of {} cannot be {} bits longer", in.text, bits);
    const int length = in.length + static_cast<int>(bits);
    if (number < 0 || static_cast<Bits>(number) > all_ones(static_cast<int>(bits)))
        throw error(Errc::usage, "{} has no subnet with the number {} in {} bits", in.text, number, bits);
    const Bits at = length == 0 ? 0 : static_cast<Bits>(number) << (in.width - length) % 128;
    return Value::of(prefix_text(in.address | at, in.width, length));
}

// One behind the other, each where its size allows it.
Value subnets(const Arguments& a) {
    const Prefix in = prefix_of(a[0]);
    const Bits most = all_ones(in.host_bits());
    Bits next = 0; // behind the prefix
    bool full = false;
    std::vector<Value> out;
    for (std::size_t i = 1; i < a.size(); ++i) {
        const long long bits = whole_of(a[i]);
        if (bits < 1 || bits > in.host_bits())
            throw error(Errc::usage, "the prefix of {} cannot be {} bits longer", in.text, bits);
        const int length = in.length + static_cast<int>(bits);
        const Bits rest = all_ones(in.width - length);
        const Bits start = (next + rest) & ~rest;
        if (full || start < next || start > most || most - start < rest)
            throw error(Errc::usage, "{} has no room for one more subnet of {} bits", in.text, length);
        out.push_back(Value::of(prefix_text(in.address | start, in.width, length)));
        full = start + rest == most;
        next = start + rest + 1;
    }
    return Value::of(std::move(out));
}

const Function functions[] = {
    {"cidrhost", 2, 2, host},
    {"cidrnetmask", 1, 1, netmask},
    {"cidrsubnet", 3, 3, subnet},
    {"cidrsubnets", 1, any_number, subnets},
};

} // namespace

std::span<const Function> network_functions() { return functions; }

} // namespace davit::baking
