#include "runtime/shim/shim.hpp"

#include <csignal>
#include <ctime>
#include <linux/keyctl.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <sys/wait.h>

namespace davit::shim {
namespace {

std::int64_t now(clockid_t clock) noexcept {
    timespec t{};
    ::clock_gettime(clock, &t);
    return std::int64_t{t.tv_sec} * 1000000000 + t.tv_nsec;
}

std::uint64_t tag(std::uint32_t source, std::uint32_t index) noexcept { return std::uint64_t{source} << 32 | index; }

} // namespace

std::int64_t realtime_ns() noexcept { return now(CLOCK_REALTIME); }
std::int64_t monotonic_ns() noexcept { return now(CLOCK_MONOTONIC); }

std::uint64_t process_number(pid_t pid, int wanted) noexcept {
    exec::TextBuffer<48> path;
    path.text << "/proc/" << std::int64_t{pid} << "/stat";
    char text[1024];
    if (exec::read_file_at(AT_FDCWD, path.c_str(), text, sizeof text) <= 0) return 0;
    const char* p = std::strrchr(text, ')'); // the name may hold anything
    for (int field = 2; p && field < wanted; ++field) p = std::strchr(p + 1, ' ');
    std::uint64_t value = 0;
    if (p)
        for (++p; *p >= '0' && *p <= '9'; ++p) value = value * 10 + static_cast<std::uint64_t>(*p - '0');
    return value;
}

std::uint64_t process_start_time(pid_t pid) noexcept { return process_number(pid, 22); }

bool Shim::watch(int fd, std::uint32_t events, Source source, std::uint32_t index, bool add) noexcept {
    epoll_event e{};
    e.events = events;
    e.data.u64 = tag(static_cast<std::uint32_t>(source), index);
    return ::epoll_ctl(epoll_.get(), add ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, fd, &e) == 0;
}

void Shim::unwatch(int fd) noexcept { ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr); }

void Shim::set_up() noexcept {
    // Nobody may attach to us: the container's secrets pass through here.
    ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    ::prctl(PR_SET_NAME, "davit-shim", 0, 0, 0);
    // Nothing that we start may find the keys of whoever started us.
    ::syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, nullptr);
    ::umask(077);
    // Ended by the container's end alone; SIGTERM to a group of ours must not orphan it.
    sigset_t blocked;
    ::sigfillset(&blocked);
    ::sigprocmask(SIG_SETMASK, &blocked, nullptr);
    sigset_t wanted;
    ::sigemptyset(&wanted);
    ::sigaddset(&wanted, SIGCHLD);
    epoll_.reset(::epoll_create1(EPOLL_CLOEXEC));
    signals_.reset(::signalfd(-1, &wanted, SFD_CLOEXEC | SFD_NONBLOCK));
    timer_.reset(::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK));
    run_dir_.reset(::open(config_.run_dir, O_PATH | O_DIRECTORY | O_CLOEXEC));
    self_exe_.reset(::open("/proc/self/exe", O_PATH | O_CLOEXEC));
    own_pid_ns_.reset(::open("/proc/self/ns/pid", O_RDONLY | O_CLOEXEC));
    for (int fd = fd_control; fd < fd_first_free; ++fd)
        if (fd == fd_control || config_.fds & (1U << fd)) ::fcntl(fd, F_SETFD, FD_CLOEXEC);
    if (!epoll_ || !signals_ || !timer_ || !run_dir_ || !own_pid_ns_) leave(1);
    watch(signals_.get(), EPOLLIN, Source::signals, 0);
    watch(timer_.get(), EPOLLIN, Source::timer, 0);
    jitter_ = static_cast<std::uint64_t>(monotonic_ns()) ^ static_cast<std::uint64_t>(::getpid()) << 32;
    if (::chdir("/") < 0) leave(1);
}

// A supervisor that was killed may have spawned a shim that its successor could not see yet. Of two the
// later one leaves, before it has touched anything; the supervisor finds the other.
void Shim::become_the_only_one() noexcept {
    life_.reset(::open(config_.run_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!life_ || ::flock(life_.get(), LOCK_EX | LOCK_NB) < 0) ::_exit(0);
}

void Shim::run() noexcept {
    set_up();
    become_the_only_one();
    int control = config_.fds & (1U << fd_control) ? add_connection(fd_control) : no_connection;
    if (control >= 0) connections_[control].greeted = connections_[control].supervisor = true;
    open_socket();
    if (config_.adopt_pid) adopt_container();
    else start_container();
    for (;;) {
        epoll_event events[16];
        int n = ::epoll_wait(epoll_.get(), events, 16, -1);
        for (int i = 0; i < n; ++i)
            dispatch(static_cast<Source>(events[i].data.u64 >> 32), static_cast<std::uint32_t>(events[i].data.u64),
                     events[i].events);
        log_.flush();
        if (log_.lost_bytes()) report_loss();
        try_finish();
    }
}

void Shim::dispatch(Source source, std::uint32_t index, std::uint32_t events) noexcept {
    switch (source) {
    case Source::signals: {
        signalfd_siginfo info[8];
        while (::read(signals_.get(), info, sizeof info) > 0) {}
        return reap();
    }
    case Source::timer: {
        std::uint64_t count;
        if (::read(timer_.get(), &count, sizeof count) > 0) on_timer();
        return;
    }
    case Source::listener: return accept_connection();
    case Source::connection: return on_connection(static_cast<int>(index), events);
    case Source::stream: return on_stream(index);
    case Source::input: return on_input_writable();
    case Source::init_channel: return on_init_channel();
    case Source::exec_channel: return on_exec_channel(index);
    case Source::init_pidfd:
        // An adopted container is nobody's child here; its code comes from the kernel or the supervisor.
        unwatch(init_pidfd_.get());
        return init_ended(0, 0, false);
    }
}

void Shim::set_timer(std::int64_t delay_ns) noexcept {
    itimerspec t{};
    t.it_value.tv_sec = delay_ns / 1000000000;
    t.it_value.tv_nsec = delay_ns % 1000000000 + (delay_ns == 0);
    ::timerfd_settime(timer_.get(), 0, &t, nullptr);
}

void Shim::on_timer() noexcept {
    if (supervisor_connection() < 0) rescue();
    // try_finish() follows each turn of the loop.
}

// All children, not only those we know: one unreaped process in the container's pid namespace keeps
// its init from ending.
void Shim::reap() noexcept {
    for (;;) {
        siginfo_t info{};
        if (::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) < 0 || info.si_pid == 0) return;
        meet_init();
        ::waitid(P_PID, static_cast<id_t>(info.si_pid), &info, WEXITED | WNOHANG);
        bool exited = info.si_code == CLD_EXITED;
        int code = exited ? info.si_status : 128 + info.si_status;
        int signal = exited ? 0 : info.si_status;
        if (info.si_pid == init_helper_) init_helper_ended();
        else if (info.si_pid != init_) reaped_exec(info.si_pid, code, signal);
        else if (init_helper_) {
            init_ended_early_ = true;
            exit_code_ = code;
            exit_signal_ = signal;
        } else {
            // What the set-up said last may still be in the channel.
            if (init_channel_) on_init_channel();
            init_ended(code, signal, true);
        }
    }
}

} // namespace davit::shim
