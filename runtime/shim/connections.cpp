#include "runtime/shim/shim.hpp"

#include <cerrno>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

namespace davit::shim {

void Shim::open_socket() noexcept {
    // Bound relative to the directory: a run directory may be deeper than the 107 bytes of sun_path.
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    exec::Text(address.sun_path, sizeof address.sun_path) << "/proc/self/fd/" << run_dir_.get() << "/shim.sock";
    ::unlinkat(run_dir_.get(), "shim.sock", 0);
    listener_.reset(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!listener_ || ::bind(listener_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) < 0 ||
        ::listen(listener_.get(), max_connections) < 0)
        return; // nobody can attach or exec; the container itself does not depend on it
    watch(listener_.get(), EPOLLIN, Source::listener, 0);
}

void Shim::accept_connection() noexcept {
    Fd fd(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    // Without a descriptor whoever waits stays in the queue and wakes us again at once.
    if (!fd && (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)) ::poll(nullptr, 0, 10);
    ucred peer{};
    socklen_t size = sizeof peer;
    if (!fd || ::getsockopt(fd.get(), SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0) return;
    if (peer.uid != 0 && peer.uid != ::geteuid()) return;
    if (add_connection(fd.get()) >= 0) fd.release();
}

int Shim::add_connection(int fd) noexcept {
    static std::uint32_t generations = 0;
    for (int i = 0; i < max_connections; ++i) {
        Connection& c = connections_[i];
        if (c.fd) continue;
        ::fcntl(fd, F_SETFL, O_NONBLOCK);
        if (!watch(fd, EPOLLIN, Source::connection, static_cast<std::uint32_t>(i))) return no_connection;
        c.fd.reset(fd);
        c.generation = ++generations;
        c.greeted = c.supervisor = c.wrote_input = c.input_paused = false;
        c.attach = c.pending = 0;
        return i;
    }
    return no_connection;
}

void Shim::drop_connection(int index) noexcept {
    Connection& c = connections_[index];
    if (!c.fd) return;
    unwatch(c.fd.get());
    c.fd.reset();
    bool was_supervisor = c.supervisor, attached = c.attach != 0, fed = c.wrote_input;
    c.supervisor = c.greeted = false;
    c.attach = c.pending = 0;
    if (fed && config_.stdin_once && !terminal_) close_input();
    if (attached) arm_streams();
    if (was_supervisor) supervisor_lost();
}

int Shim::supervisor_connection() const noexcept {
    for (int i = 0; i < max_connections; ++i)
        if (connections_[i].fd && connections_[i].supervisor) return i;
    return no_connection;
}

// false: not sent, the frame does not wait either.
bool Shim::send(int index, Type type, std::uint32_t request, const void* body, std::uint32_t size, const int* fds,
                std::uint32_t count, const void* data, std::uint32_t data_size) noexcept {
    if (index < 0 || !connections_[index].fd) return false;
    Header head{magic, protocol, type, request, size + data_size};
    iovec parts[3] = {{&head, sizeof head}, {const_cast<void*>(body), size}, {const_cast<void*>(data), data_size}};
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int) * max_fds)] = {};
    msghdr message{};
    message.msg_iov = parts;
    message.msg_iovlen = 3;
    if (count) {
        message.msg_control = control;
        message.msg_controllen = CMSG_SPACE(sizeof(int) * count);
        cmsghdr* c = CMSG_FIRSTHDR(&message);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(sizeof(int) * count);
        std::memcpy(CMSG_DATA(c), fds, sizeof(int) * count);
    }
    if (::sendmsg(connections_[index].fd.get(), &message, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0) return true;
    // A full socket (its reader sleeps) is told apart by the caller; anything else is its end.
    if (errno != EAGAIN && errno != ENOBUFS) drop_connection(index);
    else errno = EAGAIN;
    return false;
}

void Shim::send_supervisor(Type type, const void* body, std::uint32_t size, const int* fds,
                           std::uint32_t count) noexcept {
    send(supervisor_connection(), type, 0, body, size, fds, count);
}

void Shim::broadcast(Type type, const void* body, std::uint32_t size) noexcept {
    for (int i = 0; i < max_connections; ++i)
        if (connections_[i].fd && connections_[i].greeted && (connections_[i].supervisor || connections_[i].attach))
            send(i, type, 0, body, size);
}

void Shim::reply(int index, std::uint32_t request, int errnum) noexcept {
    ReplyBody body{errnum};
    send(index, Type::reply, request, &body, sizeof body);
}

// A supervisor that comes later hears what it missed.
void Shim::greet(int index) noexcept {
    StartedBody body{init_, 0, init_start_, started_ns_};
    if (phase_ == Phase::running || (phase_ == Phase::ended && started_ns_)) {
        send_stdio(index);
        send(index, Type::started, 0, &body, sizeof body);
    } else if (phase_ == Phase::held) send(index, Type::held, 0, &body, sizeof body);
}

void Shim::on_connection(int index, std::uint32_t events) noexcept {
    Connection& c = connections_[index];
    if (!c.fd) return;
    if (events & EPOLLOUT && c.pending) {
        if (::send(c.fd.get(), frames_[index], c.pending, MSG_DONTWAIT | MSG_NOSIGNAL) < 0) {
            if (errno != EAGAIN) drop_connection(index);
            return;
        }
        c.pending = 0;
        watch(c.fd.get(), c.input_paused ? 0U : unsigned{EPOLLIN}, Source::connection,
              static_cast<std::uint32_t>(index), false);
        arm_streams();
    }
    if (!(events & (EPOLLIN | EPOLLHUP | EPOLLERR))) return;
    int fds[max_fds];
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof fds)];
    iovec part{receive_, sizeof receive_};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    ssize_t n = ::recvmsg(c.fd.get(), &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (n <= 0) return drop_connection(index);
    std::uint32_t count = 0;
    if (cmsghdr* head = CMSG_FIRSTHDR(&message);
        head && head->cmsg_level == SOL_SOCKET && head->cmsg_type == SCM_RIGHTS) {
        count = static_cast<std::uint32_t>((head->cmsg_len - CMSG_LEN(0)) / sizeof(int));
        std::memcpy(fds, CMSG_DATA(head), count * sizeof(int));
    }
    Header head{};
    bool good = n >= static_cast<ssize_t>(sizeof head);
    if (good) std::memcpy(&head, receive_, sizeof head);
    good = good && head.magic == magic && head.protocol == protocol &&
           head.size == static_cast<std::size_t>(n) - sizeof head && !(message.msg_flags & (MSG_TRUNC | MSG_CTRUNC));
    if (good) handle(index, head, receive_ + sizeof head, fds, count);
    for (std::uint32_t i = 0; i < count; ++i)
        if (fds[i] >= 0) ::close(fds[i]); // handle() takes what it keeps by setting -1
    if (!good) drop_connection(index);
}

} // namespace davit::shim
