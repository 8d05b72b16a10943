#include "runtime/shim/nursery.hpp"

#include "runtime/exec/calls.hpp"
#include "runtime/shim/config.hpp"

#include <sys/prctl.h>
#include <sys/socket.h>

namespace davit::shim {
namespace {

constexpr int out_of_the_way = 32;
static_assert(fd_first_free <= out_of_the_way);
constexpr int max_arguments = 96;

struct Request {
    char text[nursery_limit];
    std::size_t size = 0;
    int fds[fd_first_free];
    int fd_count = 0;
};

// false: nobody asks any more.
bool receive(Request& r) noexcept {
    iovec part{r.text, sizeof r.text};
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof r.fds)] = {};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    ssize_t n;
    do n = ::recvmsg(fd_control, &message, MSG_CMSG_CLOEXEC);
    while (n < 0 && errno == EINTR);
    r.fd_count = 0;
    if (cmsghdr* head = n > 0 ? CMSG_FIRSTHDR(&message) : nullptr; head && head->cmsg_type == SCM_RIGHTS) {
        r.fd_count = static_cast<int>((head->cmsg_len - CMSG_LEN(0)) / sizeof(int));
        std::memcpy(r.fds, CMSG_DATA(head), static_cast<std::size_t>(r.fd_count) * sizeof(int));
    }
    r.size = n > 0 ? static_cast<std::size_t>(n) : 0;
    return n > 0;
}

// In the nursery's own argument area, so that `ps` and `davit system doctor` see a shim like any other.
void take_arguments(const Request& r, char* room, std::size_t size, Arguments& args) noexcept {
    static char* values[max_arguments + 1];
    std::memcpy(room, r.text, r.size);
    std::memset(room + r.size, 0, size - r.size);
    // So that what reads /proc/PID/cmdline sees no empty arguments behind them.
    ::prctl(PR_SET_MM, PR_SET_MM_ARG_END, room + r.size, 0, 0);
    args.count = 0;
    for (char* p = room; p < room + r.size && args.count < max_arguments; p += std::strlen(p) + 1)
        values[args.count++] = p;
    values[args.count] = nullptr;
    args.values = values;
}

bool place_descriptors(const Request& r, std::uint32_t mask) noexcept {
    int high[fd_first_free];
    for (int i = 0; i < r.fd_count; ++i)
        if ((high[i] = ::fcntl(r.fds[i], F_DUPFD, out_of_the_way)) < 0) return false;
    ::syscall(SYS_close_range, 3U, static_cast<unsigned>(out_of_the_way - 1), 0);
    int next = 0;
    for (int fd = fd_control; fd < fd_first_free; ++fd)
        if (mask & (1U << fd) && (next == r.fd_count || ::dup2(high[next++], fd) < 0)) return false;
    ::syscall(SYS_close_range, static_cast<unsigned>(out_of_the_way), ~0U, 0);
    return true;
}

std::uint32_t wanted_fds(const Arguments& args) noexcept {
    Config config;
    return parse(args.count, args.values, config) ? config.fds : 0;
}

} // namespace

void become_shims(Arguments& args) noexcept {
    static Request request;
    // Nobody may attach to what becomes the keeper of containers' secrets.
    ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    ::prctl(PR_SET_NAME, nursery_name, 0, 0, 0);
    char* room = args.values[0];
    const auto size =
        static_cast<std::size_t>(args.values[args.count - 1] - room) + std::strlen(args.values[args.count - 1]) + 1;
    args.request = {reinterpret_cast<char*>(&request), sizeof request};
    while (receive(request)) {
        clone_args clone{};
        clone.flags = CLONE_PARENT; // a child of the supervisor, which hears of its end
        if (request.size <= size && ::syscall(SYS_clone3, &clone, sizeof clone) == 0) {
            ::setsid();
            take_arguments(request, room, size, args);
            const std::uint32_t mask = wanted_fds(args);
            if (!mask || !place_descriptors(request, mask)) ::_exit(125);
            return;
        }
        // Whoever asked sees at the end of its socket that there is no shim.
        for (int i = 0; i < request.fd_count; ++i) ::close(request.fds[i]);
    }
    ::_exit(0);
}

} // namespace davit::shim
