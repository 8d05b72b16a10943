#include "base/process.hpp"

#include "base/error.hpp"
#include "base/kernel_abi.hpp"
#include "base/sys.hpp"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

extern char** environ; // NOLINT: POSIX names it

namespace davit {

namespace {

std::vector<char*> pointers(const std::vector<std::string>& words) {
    std::vector<char*> out;
    for (const auto& w : words) out.push_back(const_cast<char*>(w.c_str()));
    out.push_back(nullptr);
    return out;
}

struct Actions {
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attr;
    Actions() {
        posix_spawn_file_actions_init(&actions);
        posix_spawnattr_init(&attr);
    }
    ~Actions() {
        posix_spawn_file_actions_destroy(&actions);
        posix_spawnattr_destroy(&attr);
    }
};

ExitStatus status_of(const siginfo_t& info) {
    if (info.si_code == CLD_EXITED) return {info.si_status, 0};
    return {128 + info.si_status, info.si_status};
}

} // namespace

Child Child::spawn(const SpawnOptions& o) {
    Actions a;
    // Targets may collide with sources: lift every source above all targets first.
    std::vector<UniqueFd> lifted;
    int highest = 2;
    for (const auto& [from, to] : o.fds) highest = std::max(highest, to);
    for (const auto& [from, to] : o.fds) {
        int copy = ::fcntl(from, F_DUPFD_CLOEXEC, highest + 1);
        if (copy < 0) throw sys_error(errno, "passing descriptor {} to {}", from, o.argv.at(0));
        lifted.emplace_back(copy);
        posix_spawn_file_actions_adddup2(&a.actions, copy, to);
    }
    // A caller's own caller may have left descriptors without close-on-exec.
    for (int fd = 3; fd <= highest; ++fd)
        if (std::none_of(o.fds.begin(), o.fds.end(), [fd](const auto& f) { return f.second == fd; }))
            posix_spawn_file_actions_addclose(&a.actions, fd);
    posix_spawn_file_actions_addclosefrom_np(&a.actions, highest + 1);
    if (!o.cwd.empty()) posix_spawn_file_actions_addchdir_np(&a.actions, o.cwd.c_str());
    short flags = 0;
    if (o.new_session) flags |= POSIX_SPAWN_SETSID;
    if (o.reset_signals) {
        flags |= POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK;
        sigset_t all, none;
        sigfillset(&all);
        sigemptyset(&none);
        posix_spawnattr_setsigdefault(&a.attr, &all);
        posix_spawnattr_setsigmask(&a.attr, &none);
    }
    posix_spawnattr_setflags(&a.attr, flags);
    auto argv = pointers(o.argv);
    std::vector<char*> env;
    if (o.env) env = pointers(*o.env);
    pid_t pid = -1;
    int rc = posix_spawnp(&pid, argv[0], &a.actions, &a.attr, argv.data(), o.env ? env.data() : environ);
    if (rc != 0) throw sys_error(rc, "starting {}", o.argv.at(0));
    try {
        return Child(pid, sys::pidfd_open(pid));
    } catch (const Error& e) {
        // It has ended, and this process ignores SIGCHLD or reaps all: its number is another's by now, or nobody's.
        if (e.os().value() == ESRCH) return Child(pid, UniqueFd());
        // No descriptor left: nobody would own it.
        ::kill(pid, SIGKILL);
        while (::waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {}
        throw;
    }
}

Child& Child::operator=(Child&& o) noexcept {
    if (this != &o) {
        std::swap(pid_, o.pid_);
        std::swap(pidfd_, o.pidfd_);
    }
    return *this;
}

Child::~Child() {
    if (pid_ <= 0 || !pidfd_) return;
    ::syscall(SYS_pidfd_send_signal, pidfd_.get(), SIGKILL, nullptr, 0);
    siginfo_t info{};
    while (::waitid(P_PIDFD, static_cast<id_t>(pidfd_.get()), &info, WEXITED) < 0 && errno == EINTR) {}
}

namespace {

// Of the child that has ended; nothing where it has not.
std::optional<ExitStatus> status_from(const UniqueFd& pidfd, pid_t pid, int options) {
    siginfo_t info{};
    constexpr ExitStatus unknown{0, 0, false};
    if (!pidfd) return unknown; // gone before a descriptor of it could be had
    while (::waitid(P_PIDFD, static_cast<id_t>(pidfd.get()), &info, WEXITED | options) < 0) {
        if (errno == ECHILD) return unknown;
        if (errno != EINTR) throw sys_error(errno, "waiting for process {}", pid);
    }
    if (info.si_pid == 0) return std::nullopt;
    return status_of(info);
}

} // namespace

ExitStatus Child::wait() {
    const auto status = status_from(pidfd_, pid_, 0);
    detach();
    return *status;
}

std::optional<ExitStatus> Child::try_wait() {
    const auto status = status_from(pidfd_, pid_, WNOHANG);
    if (status) detach();
    return status;
}

void Child::kill(int signal) {
    if (pid_ > 0 && pidfd_) sys::pidfd_send_signal(pidfd_.get(), signal);
}

Output run(SpawnOptions options, std::string_view input, const std::stop_token& stop) {
    constexpr int look_interval = 50; // ms: whether the caller has had enough
    // A socket instead of a pipe for its input: send() can refuse SIGPIPE, write() cannot.
    FdPair in = sys::socket_pair(SOCK_STREAM), out = sys::pipe(), err = sys::pipe();
    options.fds.push_back({in.first.get(), 0});
    options.fds.push_back({out.second.get(), 1});
    options.fds.push_back({err.second.get(), 2});
    Child child = Child::spawn(options);
    in.first.reset();
    out.second.reset();
    err.second.reset();
    ::fcntl(in.second.get(), F_SETFL, O_NONBLOCK);
    Output result;
    auto drain = [](UniqueFd& fd, std::string& to) {
        char buf[8192];
        ssize_t n = ::read(fd.get(), buf, sizeof buf);
        if (n > 0) to.append(buf, static_cast<std::size_t>(n));
        else if (n == 0 || errno != EINTR) fd.reset();
    };
    while (out.first || err.first) {
        if (input.empty()) in.second.reset();
        pollfd p[3] = {{in.second.get(), POLLOUT, 0}, {out.first.get(), POLLIN, 0}, {err.first.get(), POLLIN, 0}};
        if (::poll(p, 3, stop.stop_possible() ? look_interval : -1) < 0 && errno != EINTR)
            throw sys_error(errno, "waiting for {}", options.argv.at(0));
        heed(stop);
        if (p[0].revents) {
            ssize_t n = ::send(in.second.get(), input.data(), input.size(), MSG_NOSIGNAL);
            if (n > 0) input.remove_prefix(static_cast<std::size_t>(n));
            else if (errno != EINTR && errno != EAGAIN) in.second.reset();
        }
        if (p[1].revents) drain(out.first, result.out);
        if (p[2].revents) drain(err.first, result.err);
    }
    in.second.reset();
    // What has closed its output may go on for ever.
    for (pollfd end{child.pidfd(), POLLIN, 0};
         child.pidfd() >= 0 && stop.stop_possible() && ::poll(&end, 1, look_interval) <= 0;)
        heed(stop);
    result.status = child.wait();
    return result;
}

namespace {
char* arguments = nullptr; // argv[1], behind which the others lie
std::size_t argument_room = 0;
} // namespace

void keep_arguments(int argc, char** argv) {
    if (argc < 2) return;
    arguments = argv[1];
    argument_room = static_cast<std::size_t>(argv[argc - 1] + std::strlen(argv[argc - 1]) + 1 - argv[1]);
}

void show_arguments(std::initializer_list<std::string_view> wanted) {
    std::string text;
    for (std::string_view argument : wanted) text.append(argument).push_back('\0');
    if (text.size() > argument_room) return;
    std::memset(arguments, 0, argument_room);
    std::memcpy(arguments, text.data(), text.size());
    ::prctl(PR_SET_MM, PR_SET_MM_ARG_END, arguments + text.size(), 0, 0);
}

} // namespace davit
