// The container's output into the log and to attached clients; their input into the container.
#include "runtime/shim/shim.hpp"

#include <sys/epoll.h>
#include <sys/socket.h>

namespace davit::shim {

bool Shim::held_back() const noexcept {
    for (const Connection& c : connections_)
        if (c.fd && c.pending) return true;
    return false;
}

void Shim::arm_streams() noexcept {
    bool wanted = !held_back();
    for (std::uint32_t i = 0; i < 2; ++i) {
        Stream& s = streams_[i];
        if (!s.fd || s.armed == wanted) continue;
        if (wanted) watch(s.fd.get(), EPOLLIN, Source::stream, i);
        else unwatch(s.fd.get());
        s.armed = wanted;
    }
}

void Shim::on_stream(std::uint32_t index) noexcept {
    // A busy container must not keep the loop from other work: some reads, then the next turn.
    for (int turn = 0; turn < 8 && streams_[index].armed; ++turn)
        if (!read_stream(streams_[index])) return;
}

bool Shim::read_stream(Stream& s) noexcept {
    ssize_t n = ::read(s.fd.get(), s.line + s.used, sizeof s.line - s.used);
    if (n < 0 && errno == EINTR) return true;
    if (n <= 0) {
        // 0: all writers are gone. EIO: nobody has the terminal open; it may be opened again, but
        // only an event of its own tells, which a hung-up terminal does not give: the end.
        if (n == 0 || errno != EAGAIN) {
            if (s.armed) unwatch(s.fd.get());
            s.armed = false;
            s.fd.reset();
        }
        return false;
    }
    forward(s, s.line + s.used, static_cast<std::size_t>(n));
    s.used += static_cast<std::size_t>(n);
    log_lines(s);
    return true;
}

// How much of a full buffer to log now: a character of UTF-8 whose end is still to come waits for it. A JSON
// record of half of it would hold U+FFFD. `size` where the end is no beginning of a character.
static std::size_t whole_characters(const char* text, std::size_t size) noexcept {
    for (std::size_t back = 1; back <= 3 && back <= size; ++back) {
        const auto byte = static_cast<unsigned char>(text[size - back]);
        if ((byte & 0xc0) == 0x80) continue; // in the middle of one
        const std::size_t length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
        return length > back && byte < 0xf8 ? size - back : size;
    }
    return size;
}

void Shim::log_lines(Stream& s) noexcept {
    std::int64_t now = realtime_ns();
    std::size_t start = 0;
    while (start < s.used) {
        const char* line = s.line + start;
        const void* newline = std::memchr(line, '\n', s.used - start);
        if (!newline) break;
        auto size = static_cast<std::size_t>(static_cast<const char*>(newline) - line);
        log_.add(s.number, line, size, true, s.partial ? s.line_time : now);
        s.partial = false;
        start += size + 1;
    }
    if (start == 0 && s.used == sizeof s.line) {
        // All parts of a long line carry the time of the first.
        if (!s.partial) s.line_time = now;
        start = whole_characters(s.line, s.used);
        log_.add(s.number, s.line, start, false, s.line_time);
        s.partial = true;
    }
    std::memmove(s.line, s.line + start, s.used - start);
    s.used -= start;
}

void Shim::log_rest(Stream& s) noexcept {
    if (s.used) log_.add(s.number, s.line, s.used, false, s.partial ? s.line_time : realtime_ns());
    s.used = 0;
}

void Shim::forward(const Stream& s, const char* data, std::size_t size) noexcept {
    std::uint32_t flag = s.number == 2 ? attach_errors : attach_output;
    OutputBody body{static_cast<std::uint32_t>(s.number)};
    bool held = false;
    for (int i = 0; i < max_connections; ++i) {
        Connection& c = connections_[i];
        if (!c.fd || !(c.attach & flag)) continue;
        if (send(i, Type::output, 0, &body, sizeof body, nullptr, 0, data, static_cast<std::uint32_t>(size)) || !c.fd)
            continue;
        if (!(c.attach & attach_lossless)) {
            drop_connection(i);
            continue;
        }
        Header head{magic, protocol, Type::output, 0, static_cast<std::uint32_t>(sizeof body + size)};
        char* frame = frames_[i];
        std::memcpy(frame, &head, sizeof head);
        std::memcpy(frame + sizeof head, &body, sizeof body);
        std::memcpy(frame + sizeof head + sizeof body, data, size);
        c.pending = static_cast<std::uint32_t>(sizeof head + sizeof body + size);
        watch(c.fd.get(), EPOLLOUT | (c.input_paused ? 0U : EPOLLIN), Source::connection, static_cast<std::uint32_t>(i),
              false);
        held = true;
    }
    if (held) arm_streams();
}

void Shim::report_loss() noexcept {
    CountBody body{log_.lost_bytes(), log_.lost_errno(), 0};
    send_supervisor(Type::log_truncated, &body, sizeof body);
    log_.forget_loss();
}

// One piece waits here at most; until it is gone nothing more is read from that client.
void Shim::take_input(int index, const char* data, std::uint32_t size) noexcept {
    Connection& c = connections_[index];
    if (!(c.attach & attach_input) || size > max_data) return drop_connection(index);
    c.wrote_input = true;
    if (!input_ || size == 0) return;
    if (input_used_ == input_done_) input_used_ = input_done_ = 0;
    if (input_used_ + size > sizeof input_data_) {
        std::memmove(input_data_, input_data_ + input_done_, input_used_ - input_done_);
        input_used_ -= input_done_;
        input_done_ = 0;
        if (input_used_ + size > sizeof input_data_) return drop_connection(index); // two clients typing at once
    }
    std::memcpy(input_data_ + input_used_, data, size);
    input_used_ += size;
    on_input_writable();
    if (input_used_ == input_done_ || !c.fd) return;
    c.input_paused = true;
    watch(c.fd.get(), c.pending ? unsigned{EPOLLOUT} : 0U, Source::connection, static_cast<std::uint32_t>(index),
          false);
}

void Shim::on_input_writable() noexcept {
    while (input_ && input_done_ < input_used_) {
        ssize_t n = ::write(input_.get(), input_data_ + input_done_, input_used_ - input_done_);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0 && errno == EAGAIN) {
            if (!input_armed_) watch(input_.get(), EPOLLOUT, Source::input, 0);
            input_armed_ = true;
            return;
        }
        if (n <= 0) { // the container closed its stdin
            input_done_ = input_used_;
            input_close_wanted_ = true;
            break;
        }
        input_done_ += static_cast<std::uint32_t>(n);
    }
    if (input_armed_ && input_) unwatch(input_.get());
    input_armed_ = false;
    for (int i = 0; i < max_connections; ++i) {
        Connection& c = connections_[i];
        if (!c.fd || !c.input_paused) continue;
        c.input_paused = false;
        watch(c.fd.get(), EPOLLIN | (c.pending ? unsigned{EPOLLOUT} : 0U), Source::connection,
              static_cast<std::uint32_t>(i), false);
    }
    if (!input_ || !input_close_wanted_ || terminal_) return;
    input_.reset();
    send_stdio(supervisor_connection()); // its copy of the write end has to go as well
}

void Shim::close_input() noexcept {
    if (terminal_) return; // its end of file is a character
    input_close_wanted_ = true;
    on_input_writable();
}

// Copies for the supervisor to keep: a new shim goes on with them.
void Shim::send_stdio(int index) noexcept {
    int fds[4];
    std::uint32_t count = 0, mask = 0;
    auto add = [&](const Fd& fd, std::uint32_t bit) {
        if (!fd) return;
        fds[count++] = fd.get();
        mask |= bit;
    };
    if (terminal_) add(streams_[0].fd, stdio_console);
    else add(input_, stdio_in), add(streams_[0].fd, stdio_out), add(streams_[1].fd, stdio_err);
    MaskBody body{mask};
    send(index, Type::stdio_fds, 0, &body, sizeof body, fds, count);
}

} // namespace davit::shim
