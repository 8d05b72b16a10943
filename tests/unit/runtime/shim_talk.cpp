#include "unit/runtime/shim_talk.hpp"

#include <chrono>
#include <doctest/doctest.h>
#include <poll.h>
#include <unistd.h>
#include <variant>

namespace davit::runtime::test {

Heard listen(ShimConnection& c, Box& box) {
    Heard h;
    while (!h.end) {
        pollfd p[2] = {{c.fd(), POLLIN, 0}, {box.shim.control.fd(), POLLIN, 0}};
        REQUIRE(::poll(p, 2, static_cast<int>(limit.count())) > 0);
        if (auto event = p[1].revents ? box.shim.control.receive() : std::nullopt)
            if (auto* e = std::get_if<Exited>(&*event)) box.exited = *e;
        auto event = p[0].revents ? c.receive() : std::nullopt;
        if (!event) continue;
        if (auto* o = std::get_if<runtime::Output>(&*event)) (o->stream == 2 ? h.err : h.out) += o->data;
        if (auto* e = std::get_if<Exited>(&*event)) h.end = *e;
        REQUIRE_FALSE(std::holds_alternative<Disconnected>(*event));
    }
    if (!box.exited) box.wait_exited();
    return h;
}

int reply_to(ShimConnection& c, std::uint32_t request) {
    for (;;) {
        Reply r = c.wait_for<Reply>(limit);
        if (r.request == request) return r.errnum;
    }
}

std::string read_until(int fd, const std::string& wanted) {
    std::string text;
    while (text.find(wanted) == std::string::npos) {
        pollfd p{fd, POLLIN, 0};
        REQUIRE(::poll(&p, 1, static_cast<int>(limit.count())) == 1);
        char buffer[512];
        ssize_t n = ::read(fd, buffer, sizeof buffer);
        if (n <= 0) break;
        text.append(buffer, static_cast<std::size_t>(n));
    }
    return text;
}

void wait_for_line(const Box& box, const std::string& text) {
    auto end = std::chrono::steady_clock::now() + limit;
    while (box.log_text().find(text) == std::string::npos) {
        REQUIRE(std::chrono::steady_clock::now() < end);
        ::usleep(500);
    }
}

} // namespace davit::runtime::test
