#include "engine/waits/http_status.hpp"

#include "base/fd.hpp"

#include <arpa/inet.h>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <fmt/format.h>
#include <netinet/in.h>
#include <poll.h>
#include <string_view>
#include <sys/socket.h>

namespace davit {

namespace {

using ProbeClock = std::chrono::steady_clock;

bool ready(int fd, short events, ProbeClock::time_point end) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - ProbeClock::now()).count();
    pollfd p{fd, events, 0};
    return left > 0 && ::poll(&p, 1, static_cast<int>(left)) > 0;
}

UniqueFd connect_to(const std::string& host, std::uint16_t port, ProbeClock::time_point end, std::string& why) {
    sockaddr_storage to{};
    auto* v4 = reinterpret_cast<sockaddr_in*>(&to);
    auto* v6 = reinterpret_cast<sockaddr_in6*>(&to);
    socklen_t size = sizeof *v4;
    if (::inet_pton(AF_INET, host.c_str(), &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        v4->sin_port = htons(port);
    } else if (::inet_pton(AF_INET6, host.c_str(), &v6->sin6_addr) == 1) {
        v6->sin6_family = AF_INET6;
        v6->sin6_port = htons(port);
        size = sizeof *v6;
    }
    UniqueFd fd(::socket(to.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    int failed = 0;
    if (!fd) failed = errno;
    else if (::connect(fd.get(), reinterpret_cast<sockaddr*>(&to), size) < 0) failed = errno;
    if (failed == EINPROGRESS) {
        socklen_t length = sizeof failed;
        if (!ready(fd.get(), POLLOUT, end)) failed = ETIMEDOUT;
        else ::getsockopt(fd.get(), SOL_SOCKET, SO_ERROR, &failed, &length);
    }
    if (failed == 0) return fd;
    why = fmt::format("connecting to {}:{}: {}", host, port, std::strerror(failed));
    return {};
}

// "HTTP/1.1 200 OK" (RFC 9112 §4)
int status_in(std::string_view answer) {
    const auto space = answer.find(' ');
    int status = 0;
    if (!answer.starts_with("HTTP/1.") || space == std::string_view::npos || answer.size() < space + 4) return 0;
    std::from_chars(answer.data() + space + 1, answer.data() + space + 4, status);
    return status;
}

} // namespace

int http_status(const std::string& host, std::uint16_t port, const std::string& path, std::chrono::milliseconds limit,
                std::string& why) {
    const auto end = ProbeClock::now() + limit;
    const UniqueFd fd = connect_to(host, port, end, why);
    if (!fd) return 0;
    const std::string request =
        fmt::format("GET {} HTTP/1.1\r\nHost: {}:{}\r\nAccept: */*\r\nConnection: close\r\n\r\n", path, host, port);
    if (::send(fd.get(), request.data(), request.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(request.size())) {
        why = "the connection is closed before the request";
        return 0;
    }
    constexpr std::size_t status_line_limit = 64; // all that is read
    std::string answer;
    while (answer.size() < status_line_limit && answer.find("\r\n") == std::string::npos) {
        if (!ready(fd.get(), POLLIN, end)) {
            why = "there is no answer";
            return 0;
        }
        char buffer[status_line_limit];
        const ssize_t n = ::recv(fd.get(), buffer, sizeof buffer, 0);
        if (n < 0 && (errno == EAGAIN || errno == EINTR)) continue;
        if (n <= 0) break;
        answer.append(buffer, static_cast<std::size_t>(n));
    }
    const int status = status_in(answer);
    why = status == 0 ? "the answer is not HTTP" : fmt::format("the status is {}", status);
    return status;
}

} // namespace davit
