#include "lab.hpp"

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/sys.hpp"
#include "davit/error.hpp"
#include "net/bridge.hpp"
#include "net/ports.hpp"
#include "net/proxy.hpp"

#include <chrono>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <filesystem>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

using namespace davit;
using namespace davit::net;

namespace {

constexpr std::uint32_t group = 0x40000001;

struct Published {
    lab::TempDir run;
    NetlinkSocket host{NETLINK_ROUTE};
    UniqueFd container, web, echo;
    PortProxy proxy{DAVIT_PORT_PROXY, run.path() + "/proxy.sock"};
    std::vector<PortReservation> held;

    Published() {
        BridgeSpec b{"dv-a", "test/a", {InterfaceAddress::parse("172.30.1.1/24")}, 0, false, group};
        create_bridge(host, b);
        container =
            lab::container(host, "dv-a", {InterfaceAddress::parse("172.30.1.11/24")}, IpAddress::parse("172.30.1.1"));
        web = lab::tcp_listen(container.get(), "0.0.0.0", 80);
        echo = lab::udp_bind(container.get(), "0.0.0.0", 53);
    }
    ~Published() { delete_group(host, group); }
    void publish(const std::string& owner, Proto proto, std::uint16_t host_port, std::uint16_t port) {
        PortRequest r;
        r.proto = proto;
        r.host_first = host_port;
        held.push_back(reserve_port(r, run.path()));
        for (const auto& bound : held.back().bound)
            if (const auto target = proxy_target(bound.host_ip, IpAddress::parse("172.30.1.11"), {}))
                proxy.add(owner, proto, bound.socket.get(), host_port, *target, port);
    }
};

UniqueFd connect_to(std::uint16_t port) {
    UniqueFd s(::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in6 to{};
    to.sin6_family = AF_INET6;
    to.sin6_port = htons(port);
    to.sin6_addr = in6addr_loopback;
    REQUIRE(::connect(s.get(), reinterpret_cast<sockaddr*>(&to), sizeof to) == 0);
    return s;
}

UniqueFd accepted(int listener) {
    pollfd p{listener, POLLIN, 0};
    REQUIRE(::poll(&p, 1, 5000) == 1);
    return UniqueFd(::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC));
}

bool ends(int fd) {
    char c;
    pollfd p{fd, POLLIN, 0};
    return ::poll(&p, 1, 5000) == 1 && ::recv(fd, &c, 1, 0) <= 0;
}

} // namespace

TEST_CASE("the machine's ::1 reaches an IPv4 container over TCP and UDP, seen as the gateway") {
    Published p;
    p.publish("c1", Proto::tcp, 8080, 80);
    p.publish("c1", Proto::udp, 8080, 53);
    CHECK(lab::tcp_try(-1, "::1", 8080, p.web.get()) == "172.30.1.1");
    CHECK(lab::udp_try(-1, "::1", 8080, p.echo.get()) == "172.30.1.1");
    CHECK(p.proxy.owners() == std::vector<std::string>{"c1", "c1"});
    p.proxy.remove("c1");
    CHECK(p.proxy.owners().empty());
    CHECK(::access((p.run.path() + "/proxy.sock").c_str(), F_OK) != 0); // nothing is left
    p.publish("c2", Proto::tcp, 8081, 80);                              // and it starts again
    CHECK(lab::tcp_try(-1, "::1", 8081, p.web.get()) == "172.30.1.1");
    p.proxy.remove("c2");
}

namespace {

// A process that ends while it is looked at gives ESRCH.
std::string text_of(const std::string& path) {
    try {
        return read_file_if_exists(path).value_or("");
    } catch (const Error&) {
        return "";
    }
}

// Of the one that is there: an earlier test's may still be ending.
std::string proxy_status(std::string* process) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    std::string status;
    for (int found = 0; found != 1 && std::chrono::steady_clock::now() < end; ::poll(nullptr, 0, found == 1 ? 0 : 5)) {
        found = 0;
        for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
            const std::string dir = entry.path();
            if (text_of(dir + "/comm") != "davit-port-prox\n") continue;
            ++found;
            *process = dir;
            status = text_of(dir + "/status");
        }
    }
    return status;
}

} // namespace

TEST_CASE("the proxy has no rights on the machine: no user, no capability, no file system, few calls") {
    Published p;
    p.publish("c1", Proto::tcp, 8080, 80);
    CHECK(lab::tcp_try(-1, "::1", 8080, p.web.get()) == "172.30.1.1"); // it works like that
    std::string process;
    const std::string status = proxy_status(&process);
    for (const char* line :
         {"Uid:\t65533\t65533\t65533\t65533\n", "Gid:\t65533\t65533\t65533\t65533\n", "Groups:\t \n",
          "CapInh:\t0000000000000000\n", "CapPrm:\t0000000000000000\n", "CapEff:\t0000000000000000\n",
          "CapBnd:\t0000000000000000\n", "CapAmb:\t0000000000000000\n", "NoNewPrivs:\t1\n", "Seccomp:\t2\n"})
        CHECK_MESSAGE(status.find(line) != std::string::npos, line);
    CHECK(std::filesystem::is_empty(process + "/root/"));
    CHECK(read_file(process + "/mountinfo").find("/proc") == std::string::npos);
    const auto id = [&](const char* ns) { return std::filesystem::read_symlink(process + "/ns/" + ns); };
    CHECK(id("mnt") != std::filesystem::read_symlink("/proc/self/ns/mnt"));
    CHECK(id("net") == std::filesystem::read_symlink("/proc/self/ns/net"));
    for (const auto& fd : std::filesystem::directory_iterator(process + "/fd")) {
        std::error_code closed; // meanwhile: the connection above was its last
        const std::string what = std::filesystem::read_symlink(fd.path(), closed);
        if (closed) continue;
        const bool harmless = what.starts_with("socket:") || what == "anon_inode:[eventpoll]" || what == "/dev/null" ||
                              what.starts_with("pipe:");
        if (fd.path().filename().string() > "2") CHECK_MESSAGE(harmless, what);
    }
    // Its user may not talk to it, only who started it, and root.
    const pid_t stranger = ::fork();
    if (stranger == 0) {
        ::chmod(p.run.path().c_str(), 0755);
        ::chmod((p.run.path() + "/proxy.sock").c_str(), 0666);
        if (::setresgid(65533, 65533, 65533) < 0 || ::setresuid(65533, 65533, 65533) < 0) ::_exit(3);
        try {
            PortProxy other(DAVIT_PORT_PROXY, p.run.path() + "/proxy.sock");
            ::_exit(other.owners().empty() ? 0 : 1);
        } catch (const Error&) {
            ::_exit(0);
        }
    }
    int code = 0;
    ::waitpid(stranger, &code, 0);
    CHECK(code == 0);
    p.proxy.remove("c1");
}

TEST_CASE("who opens connections without end takes neither memory without end nor the port from the next") {
    Published p;
    p.publish("c1", Proto::tcp, 8080, 80);
    rlimit files{};
    ::getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &files);
    std::vector<UniqueFd> clients, servers;
    for (int i = 0; i < 1024; ++i) {
        clients.push_back(connect_to(8080));
        servers.push_back(accepted(p.web.get()));
    }
    const UniqueFd refused = connect_to(8080);
    CHECK(ends(refused.get()));
    clients.clear();
    for (const UniqueFd& s : servers) CHECK(ends(s.get()));
    servers.clear();
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    std::string answer; // the proxy hears of our ends when both are there
    while (answer != "172.30.1.1" && std::chrono::steady_clock::now() < end) {
        // What an earlier try left in the server's queue would be taken for the next one's.
        for (pollfd waiting{p.web.get(), POLLIN, 0}; ::poll(&waiting, 1, 0) == 1;)
            UniqueFd(::accept4(p.web.get(), nullptr, nullptr, SOCK_CLOEXEC));
        answer = lab::tcp_try(-1, "::1", 8080, p.web.get());
    }
    CHECK(answer == "172.30.1.1");
    p.proxy.remove("c1");
}

TEST_CASE("a port on which the container does not listen is closed at once") {
    Published p;
    p.publish("c1", Proto::tcp, 8080, 81);
    const UniqueFd s = connect_to(8080);
    CHECK(ends(s.get()));
    p.proxy.remove("c1");
}

TEST_CASE("much data passes in both directions and half-closed connections stay usable") {
    Published p;
    p.publish("c1", Proto::tcp, 8080, 80);
    const UniqueFd client = connect_to(8080);
    const UniqueFd server = accepted(p.web.get());
    const std::string block(1 << 20, 'x');
    constexpr int blocks = 16;
    const auto send_all = [&](int fd) {
        for (int i = 0; i < blocks; ++i) sys::write_all(fd, block);
        ::shutdown(fd, SHUT_WR);
    };
    const auto receive_all = [](int fd) {
        std::size_t total = 0;
        std::vector<char> buffer(65536);
        for (ssize_t n; (n = ::recv(fd, buffer.data(), buffer.size(), 0)) > 0;) total += static_cast<std::size_t>(n);
        return total;
    };
    std::size_t at_server = 0, at_client = 0;
    {
        std::thread up(send_all, client.get());
        std::thread drain([&] { at_server = receive_all(server.get()); });
        up.join();
        drain.join();
    }
    CHECK(at_server == block.size() * blocks);
    { // the client has closed its half; the answer still comes
        std::thread down(send_all, server.get());
        at_client = receive_all(client.get());
        down.join();
    }
    CHECK(at_client == block.size() * blocks);
    p.proxy.remove("c1");
}

TEST_CASE("a reader that stops does not stop the others") {
    Published p;
    p.publish("c1", Proto::tcp, 8080, 80);
    const UniqueFd stuck = connect_to(8080);
    const UniqueFd server = accepted(p.web.get());
    ::fcntl(server.get(), F_SETFL, O_NONBLOCK);
    const std::string block(65536, 'x');
    pollfd writable{server.get(), POLLOUT, 0};
    while (::poll(&writable, 1, 100) == 1)
        if (::send(server.get(), block.data(), block.size(), MSG_NOSIGNAL) < 0 && errno != EAGAIN) break;
    CHECK(lab::tcp_try(-1, "::1", 8080, p.web.get()) == "172.30.1.1");
    p.proxy.remove("c1");
    CHECK(ends(server.get()));
}

TEST_CASE("the proxy goes on without its supervisor, and the next one finds it") {
    Published p;
    const std::string path = p.run.path() + "/other.sock";
    PortRequest r;
    r.host_first = 8090;
    const auto held = reserve_port(r, p.run.path());
    {
        PortProxy first(DAVIT_PORT_PROXY, path);
        first.add("c1", Proto::tcp, held.bound.at(1).socket.get(), 8090, IpAddress::parse("172.30.1.11"), 80);
    }
    CHECK(lab::tcp_try(-1, "::1", 8090, p.web.get()) == "172.30.1.1");
    PortProxy second(DAVIT_PORT_PROXY, path);
    CHECK(second.owners() == std::vector<std::string>{"c1"});
    second.remove("c1");
    CHECK(second.owners().empty());
    CHECK_THROWS_AS(second.add("", Proto::tcp, 0, 1, IpAddress(), 1), Error);
}

TEST_CASE("what a proxy says too late is no answer to the next question") {
    Published p;
    p.publish("c1", Proto::tcp, 8091, 80);
    std::string process;
    proxy_status(&process);
    const pid_t pid = std::stoi(process.substr(process.rfind('/') + 1));
    ::kill(pid, SIGSTOP);
    CHECK_THROWS_AS(p.publish("c2", Proto::tcp, 8092, 80), Error);
    ::kill(pid, SIGCONT);
    CHECK(p.proxy.owners() == std::vector<std::string>{"c2", "c1"});
    p.proxy.remove("c1");
    p.proxy.remove("c2");
    CHECK(p.proxy.owners().empty());
}
