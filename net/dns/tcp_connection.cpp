#include "net/dns/tcp_connection.hpp"

#include "net/dns/message.hpp"

#include <cerrno>
#include <sys/epoll.h>
#include <sys/socket.h>

namespace davit::net::dns {

namespace {

constexpr std::size_t max_out = 256 * 1024; // a client that asks and never reads
constexpr unsigned queries_per_turn = 4;    // a buffer holds two hundred: then the others' turn
std::uint64_t last_number = 0;

std::size_t length_at(const std::string& s, std::size_t at) {
    return std::size_t{static_cast<std::uint8_t>(s[at])} << 8 | static_cast<std::uint8_t>(s[at + 1]);
}

} // namespace

TcpConnection::TcpConnection(EventLoop& loop, UniqueFd socket, std::chrono::milliseconds idle, OnQuery on_query,
                             OnEnd on_end)
    : loop_(loop), socket_(std::move(socket)), idle_(idle), on_query_(std::move(on_query)), on_end_(std::move(on_end)),
      number_(++last_number) {
    watch_ = loop_.watch_fd(socket_.get(), EPOLLIN, [this](std::uint32_t events) { on_events(events); });
    rest();
}

void TcpConnection::rest() {
    extended_ = false;
    arm();
}

// What waits for an upstream is not idle, but for one more period only.
void TcpConnection::arm() {
    idle_timer_ = loop_.after(idle_, [this] {
        if (waiting_ == 0 || extended_) return end();
        extended_ = true;
        arm();
    });
}

void TcpConnection::end() {
    if (ended_) return;
    ended_ = true;
    watch_.reset();
    more_.reset();
    idle_timer_.reset();
    on_end_(*this);
}

void TcpConnection::on_events(std::uint32_t events) {
    if (events & EPOLLOUT) flush();
    if (ended_ || more_ || !(events & (EPOLLIN | EPOLLHUP | EPOLLERR))) return;
    if (!receive()) return end();
    take_queries();
}

bool TcpConnection::receive() {
    char buffer[4096];
    const ssize_t n = ::recv(socket_.get(), buffer, sizeof buffer, 0);
    if (n < 0) return errno == EAGAIN || errno == EINTR;
    if (n == 0) return false;
    in_.append(buffer, static_cast<std::size_t>(n));
    return true;
}

// The idle timer moves with whole questions only: a trickle of bytes keeps no connection.
void TcpConnection::take_queries() {
    std::size_t at = 0;
    for (unsigned taken = 0; !ended_ && in_.size() - at >= 2; ++taken) {
        if (taken == queries_per_turn) {
            more_ = loop_.after(std::chrono::nanoseconds(0), [this] {
                more_.reset();
                take_queries();
            });
            break;
        }
        const std::size_t length = length_at(in_, at);
        if (length < header_size || length > max_udp) return end();
        if (in_.size() - at - 2 < length) break;
        rest();
        const std::string packet = in_.substr(at + 2, length);
        at += 2 + length;
        ++waiting_;
        on_query_(*this, packet);
    }
    in_.erase(0, at);
}

void TcpConnection::answer(std::string_view packet) {
    if (ended_) return;
    if (waiting_ > 0) --waiting_;
    if (out_.size() + packet.size() > max_out) return end();
    out_ += static_cast<char>(packet.size() >> 8);
    out_ += static_cast<char>(packet.size() & 0xff);
    out_ += packet;
    flush();
}

void TcpConnection::flush() {
    while (!out_.empty()) {
        const ssize_t n = ::send(socket_.get(), out_.data(), out_.size(), MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0 && errno == EAGAIN) break;
        if (n < 0) return end();
        out_.erase(0, static_cast<std::size_t>(n));
    }
    if (writing_ == out_.empty()) {
        writing_ = !out_.empty();
        loop_.change_events(socket_.get(), writing_ ? EPOLLIN | EPOLLOUT : EPOLLIN);
    }
}

} // namespace davit::net::dns
