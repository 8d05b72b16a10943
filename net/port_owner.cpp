#include "net/ports.hpp"

#include "base/dir.hpp"
#include "base/error.hpp"
#include "base/file.hpp"

#include <algorithm>
#include <cstring>
#include <memory>
#include <sstream>
#include <unistd.h>

namespace davit::net {

namespace {

struct Entry {
    IpAddress address;
    std::uint16_t port = 0;
    unsigned state = 0;
    std::string inode;
};

constexpr unsigned tcp_listens = 0x0A;

// "0100007F:1F90": words of four bytes in the machine's order
IpAddress parse_hex_address(const std::string& hex) {
    std::uint8_t bytes[16]{};
    for (std::size_t word = 0; word * 8 + 8 <= hex.size() && word < 4; ++word) {
        const auto value = static_cast<std::uint32_t>(std::stoul(hex.substr(word * 8, 8), nullptr, 16));
        std::memcpy(bytes + word * 4, &value, 4);
    }
    return hex.size() == 32 ? IpAddress::v6_bytes(bytes) : IpAddress::v4_bytes(bytes);
}

std::vector<Entry> read_table(const std::string& path) {
    std::vector<Entry> entries;
    std::istringstream lines(read_file_if_exists(path).value_or(""));
    std::string line;
    std::getline(lines, line);
    while (std::getline(lines, line)) {
        std::istringstream words(line);
        std::string slot, local, remote, state, queues, timer, retransmits, uid, timeout, inode;
        if (!(words >> slot >> local >> remote >> state >> queues >> timer >> retransmits >> uid >> timeout >> inode))
            continue;
        const auto colon = local.find(':');
        if (colon == std::string::npos) continue;
        Entry e;
        e.address = parse_hex_address(local.substr(0, colon));
        e.port = static_cast<std::uint16_t>(std::stoul(local.substr(colon + 1), nullptr, 16));
        e.state = static_cast<unsigned>(std::stoul(state, nullptr, 16));
        e.inode = inode;
        entries.push_back(std::move(e));
    }
    return entries;
}

// A socket on :: may take IPv4 as well; one on the unspecified address takes all of its family.
bool stands_in_the_way(const IpAddress& theirs, const std::optional<IpAddress>& ours) {
    return !ours || theirs == *ours || theirs.is_unspecified() || ours->is_unspecified();
}

std::optional<Entry> find_socket(Proto proto, const std::optional<IpAddress>& host_ip, std::uint16_t port) {
    const std::string base = proto == Proto::udp ? "udp" : "tcp";
    const bool v6_first = host_ip && host_ip->is_v6();
    for (const char* suffix : {v6_first ? "6" : "", v6_first ? "" : "6"})
        for (const Entry& e : read_table("/proc/thread-self/net/" + base + suffix))
            if (e.port == port && (proto == Proto::udp || e.state == tcp_listens) &&
                stands_in_the_way(e.address, host_ip))
                return e;
    return std::nullopt;
}

template <typename Fn>
void each_entry(const std::string& dir, Fn fn) {
    const Dir d(::opendir(dir.c_str()));
    while (const dirent* entry = d ? ::readdir(d.get()) : nullptr)
        if (entry->d_name[0] != '.' && !fn(std::string(entry->d_name))) return;
}

int holder_of(const std::string& inode) {
    const std::string wanted = "socket:[" + inode + "]";
    int found = 0;
    each_entry("/proc", [&](const std::string& pid) {
        if (pid.find_first_not_of("0123456789") != std::string::npos) return true;
        const std::string fds = "/proc/" + pid + "/fd";
        each_entry(fds, [&](const std::string& fd) {
            char target[64];
            const ssize_t n = ::readlink((fds + '/' + fd).c_str(), target, sizeof target);
            if (n > 0 && std::string_view(target, static_cast<std::size_t>(n)) == wanted) found = std::stoi(pid);
            return found == 0;
        });
        return found == 0;
    });
    return found;
}

bool claims(const PortForward& p, Proto proto, const std::optional<IpAddress>& host_ip, std::uint16_t port) {
    const bool address = !p.host_ip || !host_ip || host_ip->is_unspecified() || *p.host_ip == *host_ip;
    return p.proto == proto && address && port >= p.host_port && port < p.host_port + p.count;
}

} // namespace

std::optional<PortOwner> find_port_owner(Proto proto, const std::optional<IpAddress>& host_ip, std::uint16_t port,
                                         const std::string& run_dir) {
    const HostNetworkState all = load_state(run_dir);
    for (const auto& [project, state] : all.projects) {
        for (const PortForward& p : state.ports)
            if (claims(p, proto, host_ip, port)) return PortOwner{0, {}, {}, p.owner_name, project};
        for (const ServiceState& s : state.services)
            for (const auto& p : s.ports)
                if (p.proto == proto && p.host_port == port) return PortOwner{0, {}, {}, {}, project, s.name};
    }
    const auto entry = find_socket(proto, host_ip, port);
    if (!entry) return std::nullopt;
    PortOwner owner;
    owner.address = fmt::format("{}:{}", entry->address.to_string(), port);
    owner.pid = holder_of(entry->inode);
    if (owner.pid != 0) {
        owner.process = read_file_if_exists(fmt::format("/proc/{}/comm", owner.pid)).value_or("?");
        while (!owner.process.empty() && owner.process.back() == '\n') owner.process.pop_back();
    }
    return owner;
}

} // namespace davit::net
