#include "dockerfile/ports.hpp"

#include "base/error.hpp"
#include "base/units.hpp"
#include "dockerfile/text.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <csignal>
#include <cstring>
#include <optional>

namespace davit::dockerfile {

namespace {

struct ExposedRange {
    std::int64_t first, last;
};

std::optional<std::int64_t> port_number(std::string_view text) {
    auto number = parse_int(text);
    if (!number || text.find_first_of("+-") != std::string_view::npos || *number < 0 || *number > 65535)
        return std::nullopt;
    return number;
}

ExposedRange range_of(const std::string& text) {
    const auto dash = text.find('-');
    auto first = port_number(text.substr(0, dash));
    auto last = dash == std::string::npos ? first : port_number(text.substr(dash + 1));
    if (first && last && *first <= *last) return {*first, *last};
    throw error(Errc::invalid_project, "'{}' is no port", text).with_hint("ports are 0 to 65535, ranges FIRST-LAST");
}

bool is_address(std::string text) {
    if (text.size() > 2 && text.front() == '[' && text.back() == ']') text = text.substr(1, text.size() - 2);
    char space[sizeof(in6_addr)];
    return ::inet_pton(AF_INET, text.c_str(), space) == 1 || ::inet_pton(AF_INET6, text.c_str(), space) == 1;
}

void check_host_part(std::vector<std::string> parts, const ExposedRange& container) {
    if (parts.empty()) return;
    const std::string host = std::move(parts.back());
    parts.pop_back();
    const std::string address = join(parts, ":");
    if (!address.empty() && !is_address(address))
        throw error(Errc::invalid_project, "'{}' is no address", address)
            .with_hint("EXPOSE names ports of the container alone");
    if (host.empty()) return;
    const ExposedRange range = range_of(host);
    if (container.first != container.last && range.last - range.first != container.last - container.first)
        throw error(Errc::invalid_project, "the ranges '{}' and {}-{} are of different length", host, container.first,
                    container.last)
            .with_hint("EXPOSE names ports of the container alone");
}

} // namespace

PortForm port_form(std::string_view text) {
    std::vector<std::string> parts = split(text, ':');
    const std::string container = std::move(parts.back());
    parts.pop_back();
    PortForm out;
    const auto slash = container.find('/');
    out.port = container.substr(0, slash);
    const std::string protocol = slash == std::string::npos ? "" : container.substr(slash + 1);
    out.protocol = protocol.empty() ? "tcp" : lower(protocol);
    if (out.protocol != "tcp" && out.protocol != "udp" && out.protocol != "sctp")
        throw error(Errc::invalid_project, "'{}' of '{}' is no protocol", out.protocol, text)
            .with_hint("it is tcp, udp or sctp");
    out.odd_protocol = lower(protocol) != protocol;
    out.odd_form = std::any_of(parts.begin(), parts.end(), [](const std::string& part) { return !part.empty(); });
    return out;
}

std::vector<std::string> exposed_ports(std::string_view text) {
    const PortForm form = port_form(text);
    std::vector<std::string> parts = split(text, ':');
    parts.pop_back();
    const ExposedRange range = range_of(form.port);
    check_host_part(std::move(parts), range);
    std::vector<std::string> out;
    for (auto port = range.first; port <= range.last; ++port) out.push_back(fmt::format("{}/{}", port, form.protocol));
    return out;
}

bool is_signal(std::string_view text) {
    if (auto number = parse_int(text)) return *number != 0;
    std::string name = upper(text);
    if (name.starts_with("SIG")) name.erase(0, 3);
    // Real-time signals are counted from either end: RTMIN+3, RTMAX-14.
    constexpr std::pair<std::string_view, int> real_time[] = {{"RTMIN", 15}, {"RTMAX", 14}};
    for (const auto& [base, most] : real_time) {
        if (!name.starts_with(base)) continue;
        const std::string rest = name.substr(base.size());
        if (rest.empty()) return true;
        auto offset = port_number(std::string_view(rest).substr(1));
        return rest[0] == (base == "RTMIN" ? '+' : '-') && offset && *offset >= 1 && *offset <= most;
    }
    constexpr std::string_view aliases[] = {"CLD", "IOT", "IO"};
    if (std::find(std::begin(aliases), std::end(aliases), name) != std::end(aliases)) return true;
    for (int signal = 1; signal < 32; ++signal)
        if (const char* known = ::sigabbrev_np(signal); known && name == known) return true;
    return false;
}

} // namespace davit::dockerfile
