#include "compose/short_forms.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <charconv>
#include <fmt/format.h>
#include <optional>
#include <utility>

namespace davit::compose {

std::vector<std::string_view> split(std::string_view text, char separator) {
    std::vector<std::string_view> out;
    while (true) {
        std::size_t end = text.find(separator);
        out.push_back(text.substr(0, end));
        if (end == std::string_view::npos) return out;
        text.remove_prefix(end + 1);
    }
}

bool is_ip_address(std::string_view text) {
    std::string address(text);
    unsigned char buffer[16];
    return inet_pton(AF_INET, address.c_str(), buffer) == 1 || inet_pton(AF_INET6, address.c_str(), buffer) == 1;
}

namespace {

struct Range {
    std::uint32_t first = 0;
    std::uint32_t last = 0;
    std::uint32_t length() const { return last - first; }
};

std::optional<std::uint32_t> parse_port(std::string_view text) {
    std::uint32_t value = 0;
    auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (code != std::errc() || end != text.data() + text.size() || value > 65535) return std::nullopt;
    return value;
}

std::optional<Range> parse_range(std::string_view text) {
    std::size_t dash = text.find('-');
    auto first = parse_port(text.substr(0, dash));
    auto last = dash == std::string_view::npos ? first : parse_port(text.substr(dash + 1));
    if (!first || !last || *last < *first) return std::nullopt;
    return Range{*first, *last};
}

struct PortParts {
    std::string ip, host, container, protocol = "tcp";
};

PortParts split_port(std::string_view text) {
    PortParts out;
    auto parts = split(text, ':');
    out.container = parts.back();
    if (parts.size() > 1) out.host = parts[parts.size() - 2];
    if (parts.size() > 2) out.ip = text.substr(0, text.size() - out.container.size() - out.host.size() - 2);
    if (std::size_t slash = out.container.find('/'); slash != std::string::npos) {
        std::string protocol = out.container.substr(slash + 1);
        out.container.resize(slash);
        for (char& c : protocol) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
        if (!protocol.empty()) out.protocol = protocol;
    }
    return out;
}

// Orders port numbers as their digits do: 10 before 9. The digits moved to the left, then how many there are.
std::pair<std::uint32_t, int> textual(std::uint32_t port) {
    int digits = 1;
    for (std::uint32_t rest = port; rest >= 10; rest /= 10) ++digits;
    for (int i = digits; i < 5; ++i) port *= 10;
    return {port, digits};
}

std::string why_not(std::string_view what, std::string_view port) {
    std::string why = port.find('-') != std::string_view::npos ? "is no range of ports from 0 to 65535, lower first"
                                                               : "is no port number from 0 to 65535";
    return fmt::format("the {} port '{}' {}", what, port, why);
}

} // namespace

ShortPorts parse_ports(std::string_view text) {
    PortParts p = split_port(text);
    if (p.container.empty()) return {{}, fmt::format("'{}' names no container port", text)};
    if (!p.ip.empty() && p.ip.front() == '[') {
        if (p.ip.back() != ']') return {{}, fmt::format("the address '{}' lacks its closing bracket", p.ip)};
        p.ip = p.ip.substr(1, p.ip.size() - 2);
    }
    if (!p.ip.empty() && !is_ip_address(p.ip)) return {{}, fmt::format("'{}' is no IP address", p.ip)};
    auto container = parse_range(p.container);
    if (!container) return {{}, why_not("container", p.container)};
    auto host = p.host.empty() ? Range{} : parse_range(p.host).value_or(Range{1, 0});
    if (host.last < host.first) return {{}, why_not("host", p.host)};
    if (!p.host.empty() && host.length() != container->length() && container->length() != 0)
        return {{}, fmt::format("the ranges {} and {} differ in length", p.host, p.container)};
    if (p.protocol != "tcp" && p.protocol != "udp" && p.protocol != "sctp")
        return {{}, fmt::format("'{}' is no protocol; known are tcp, udp and sctp", p.protocol)};
    ShortPorts out;
    for (std::uint32_t i = 0; i <= container->length(); ++i) {
        ShortPort port{container->first + i, {}, p.ip, p.protocol};
        if (!p.host.empty()) port.published = std::to_string(host.first + i);
        if (container->length() == 0 && host.length() != 0) port.published += fmt::format("-{}", host.last);
        out.ports.push_back(std::move(port));
    }
    std::sort(out.ports.begin(), out.ports.end(),
              [](const ShortPort& a, const ShortPort& b) { return textual(a.target) < textual(b.target); });
    return out;
}

namespace {

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

bool is_path(std::string_view source) {
    if (source.empty()) return false;
    if (source[0] == '.' || source[0] == '/' || source[0] == '~') return true;
    if (source.substr(0, 2) == "\\\\") return true; // a named pipe of Windows
    return source.size() > 1 && is_letter(source[0]) && source[1] == ':';
}

void apply_option(ShortVolume& v, std::string_view option) {
    static constexpr std::string_view propagations[] = {"private", "rprivate", "shared", "rshared", "slave", "rslave"};
    if (option == "ro") v.read_only = true;
    else if (option == "rw") v.read_only = false;
    else if (option == "nocopy") v.nocopy = true;
    else if (option == "z" || option == "Z") v.selinux = option;
    else if (std::find(std::begin(propagations), std::end(propagations), option) != std::end(propagations))
        v.propagation = option;
    else v.unknown_options.emplace_back(option);
}

} // namespace

ShortVolume parse_volume(std::string_view text) {
    ShortVolume out;
    if (text.empty()) {
        out.error = "this volume is empty";
        return out;
    }
    if (text.size() <= 2) {
        out.bare = true;
        out.target = text;
        return out;
    }
    // A letter and a colon at the start of a part is a Windows drive.
    out.drive = is_letter(text[0]) && text[1] == ':' && text[2] == '/';
    std::vector<std::string_view> parts;
    std::size_t start = 0;
    int variables = 0; // a colon inside of ${NAME:-default} separates nothing
    for (std::size_t i = 0; i <= text.size(); ++i) {
        bool end = i == text.size();
        if (!end && text.substr(i, 2) == "${") ++variables;
        if (!end && text[i] == '}' && variables > 0) --variables;
        if (!end && (text[i] != ':' || variables > 0)) continue;
        if (!end && i - start == 1 && is_letter(text[start])) continue;
        parts.push_back(text.substr(start, i - start));
        start = i + 1;
    }
    if (std::any_of(parts.begin(), parts.end(), [](auto p) { return p.empty(); }))
        out.error = fmt::format("'{}' has an empty part between colons", text);
    else if (parts.size() > 3) out.error = fmt::format("'{}' has too many colons", text);
    if (!out.error.empty()) return out;
    if (parts.size() == 1) {
        out.target = parts[0];
        return out;
    }
    out.source = parts[0];
    out.target = parts[1];
    out.bind = is_path(out.source);
    if (parts.size() == 3)
        for (std::string_view option : split(parts[2], ',')) apply_option(out, option);
    return out;
}

std::string volume_target(std::string_view text) {
    ShortVolume v = parse_volume(text);
    return v.error.empty() ? v.target : std::string(text);
}

ShortDevice parse_device(std::string_view text) {
    ShortDevice out;
    auto parts = split(text, ':');
    if (parts.size() > 3) {
        out.error = fmt::format("'{}' has too many colons", text);
        return out;
    }
    out.source = parts[0];
    out.target = parts.size() > 1 && !parts[1].empty() ? parts[1] : parts[0];
    if (parts.size() > 2) out.permissions = parts[2];
    return out;
}

std::string device_target(std::string_view text) {
    auto parts = split(text, ':');
    return std::string(parts.size() > 1 ? parts[1] : parts[0]);
}

} // namespace davit::compose
