#include "engine/waits/listening.hpp"

#include "base/file.hpp"
#include "base/sys.hpp"

#include <charconv>
#include <fmt/format.h>
#include <string>

namespace davit {

namespace {

std::string_view next_word(std::string_view& line) {
    const auto begin = line.find_first_not_of(' ');
    if (begin == std::string_view::npos) return {};
    const auto end = std::min(line.find(' ', begin), line.size());
    const std::string_view word = line.substr(begin, end - begin);
    line.remove_prefix(end);
    return word;
}

// Each 32 bits of the address are printed as a number of this machine's byte order (net/ipv4/tcp_ipv4.c).
bool is_loopback_address(std::string_view hex) {
    if (hex.size() == 8) return hex.substr(6) == "7F";
    return hex == "00000000000000000000000001000000" ||
           (hex.starts_with("0000000000000000FFFF0000") && hex.substr(30) == "7F");
}

} // namespace

bool listens_at(std::string_view table, std::uint16_t port, bool loopback) {
    const std::string wanted = fmt::format("{:04X}", port);
    constexpr std::string_view listening = "0A";
    for (std::size_t at = table.find('\n'); at != std::string_view::npos; at = table.find('\n', at + 1)) {
        std::string_view line = table.substr(at + 1, table.find('\n', at + 1) - at - 1);
        next_word(line); // its number
        const std::string_view local = next_word(line);
        next_word(line); // the other end
        if (next_word(line) != listening) continue;
        const auto colon = local.find(':');
        if (colon == std::string_view::npos || local.substr(colon + 1) != wanted) continue;
        if (loopback || !is_loopback_address(local.substr(0, colon))) return true;
    }
    return false;
}

bool listens_in_namespace_of(pid_t pid, std::uint64_t start_time, std::uint16_t port, bool loopback) {
    bool found = false;
    for (const char* table : {"tcp", "tcp6"}) {
        const auto text = read_file_if_exists(fmt::format("/proc/{}/net/{}", pid, table));
        found = found || (text && listens_at(*text, port, loopback));
    }
    return found && sys::start_time(pid) == start_time; // else it was another process's
}

} // namespace davit
