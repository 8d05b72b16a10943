// From the steps to a running init, or to the exact reason why not.
#include "runtime/shim/shim.hpp"

#include <csignal>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <utility>

#ifndef SYS_pidfd_getfd
#define SYS_pidfd_getfd 438
#endif
#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif

namespace davit::shim {

using exec::Report;
using exec::ReportKind;
using exec::Stage;

bool Shim::map_steps() noexcept {
    struct stat st {};
    if (::fstat(fd_steps, &st) < 0) return context_.fail(Stage::steps, "cannot be read");
    if (st.st_size <= 0 || st.st_size > exec::max_steps_size)
        return context_.fail(Stage::steps, 0, "their size is impossible");
    steps_size_ = static_cast<std::size_t>(st.st_size);
    steps_memory_ = ::mmap(nullptr, steps_size_, PROT_READ, MAP_PRIVATE, fd_steps, 0);
    if (steps_memory_ == MAP_FAILED) return steps_memory_ = nullptr, context_.fail(Stage::steps, "cannot be mapped");
    const char* wrong = context_.steps.validate(steps_memory_, steps_size_);
    return !wrong || context_.fail(Stage::steps, 0, wrong);
}

void Shim::pass_warning(void* self, const Report& report) noexcept {
    static_cast<Shim*>(self)->send_supervisor(Type::warning, &report, sizeof report);
}

namespace {

// The container holds both ends of its output: no SIGPIPE and no lost byte while a dead shim is
// replaced. Any user of the container may reopen /dev/stdout for writing.
bool output_pipe(Fd& ours, int& theirs) noexcept {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) < 0) return false;
    Fd read_end(ends[0]), write_end(ends[1]);
    exec::TextBuffer<48> path;
    path.text << "/proc/self/fd/" << write_end.get();
    theirs = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
    if (theirs < 0 || ::fchmod(theirs, 0622) < 0 || ::fcntl(read_end.get(), F_SETFL, O_NONBLOCK) < 0) return false;
    ours = std::move(read_end);
    return true;
}

// pid 1 of `init: true` is seen by the container as /proc/1/exe, so it runs from a copy that no
// other container and no shim shares (CVE-2019-5736; on kernels before 6.3 its mode can be changed).
int copy_of_program(int exe) noexcept {
    constexpr unsigned executable = 0x10; // MFD_EXEC, 6.3
    constexpr int seals = F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL, seal_exec = 0x20;
    Fd to(::memfd_create("davit-init", MFD_CLOEXEC | MFD_ALLOW_SEALING | executable));
    if (!to && errno == EINVAL) to.reset(::memfd_create("davit-init", MFD_CLOEXEC | MFD_ALLOW_SEALING));
    exec::TextBuffer<48> path;
    path.text << "/proc/self/fd/" << exe;
    Fd from(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    struct stat st {};
    if (!to || !from || ::fstat(from.get(), &st) < 0) return -1;
    for (off_t left = st.st_size; left > 0;) {
        ssize_t n = ::sendfile(to.get(), from.get(), nullptr, static_cast<std::size_t>(left));
        if (n <= 0) return -1;
        left -= n;
    }
    if (::fcntl(to.get(), F_ADD_SEALS, seals | seal_exec) < 0 && ::fcntl(to.get(), F_ADD_SEALS, seals) < 0) return -1;
    return to.release();
}

} // namespace

bool Shim::make_streams(int container_side[3]) noexcept {
    std::uint32_t flags = context_.steps.header().flags;
    terminal_ = flags & exec::flag_terminal;
    if (terminal_) return true; // its master comes from inside
    for (int i = 0; i < 2; ++i) {
        streams_[i].number = i + 1;
        if (!output_pipe(streams_[i].fd, container_side[i + 1])) return context_.fail(Stage::stdio, "pipe");
    }
    if (!(flags & exec::flag_stdin_open)) return true;
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) < 0) return context_.fail(Stage::stdio, "pipe");
    container_side[0] = ends[0];
    input_.reset(ends[1]);
    ::fcntl(ends[1], F_SETFL, O_NONBLOCK);
    return true;
}

// In the child. A context of its own: ours is among what a helper forgets.
void Shim::become_init() noexcept {
    exec::Context c = context_;
    if (c.birth) prepare_helper(c, c.birth);
    exec::become_container(c);
    c.send(c.report);
    ::_exit(125);
}

pid_t Shim::clone_init(int container_side[3], int channel) noexcept {
    const exec::StepsHeader& head = context_.steps.header();
    int pid_ns = config_.fds & (1U << fd_pid) ? int{fd_pid} : -1;
    Fd by_path;
    bool joins = context_.steps.each([&](const auto& s) {
        if constexpr (std::is_same_v<std::remove_cvref_t<decltype(s)>, exec::JoinNamespace>)
            if (s.type == CLONE_NEWPID && s.slot == exec::slot_none) {
                by_path.reset(::open(context_.steps.text(s.path), O_RDONLY | O_CLOEXEC));
                pid_ns = by_path.get();
                return pid_ns >= 0;
            }
        return true;
    });
    if (!joins) return context_.fail(Stage::namespaces, "pid"), -1;
    exec::Birth* birth = pid_ns >= 0 ? birth_place(max_execs) : nullptr;
    if (pid_ns >= 0 && !birth) return context_.fail(Stage::memory, "birth"), -1;
    int pidfd = -1;
    clone_args args{};
    args.flags = head.clone_flags | CLONE_NEWNS | CLONE_PIDFD | CLONE_CLEAR_SIGHAND;
    args.pidfd = reinterpret_cast<std::uint64_t>(&pidfd);
    args.exit_signal = SIGCHLD;
    if (int target = cgroups_.clone_target(); target >= 0) {
        args.flags |= CLONE_INTO_CGROUP;
        args.cgroup = static_cast<std::uint64_t>(target);
    }
    auto pid = static_cast<pid_t>(::syscall(SYS_clone3, &args, sizeof args));
    if (pid == 0) {
        context_.channel = channel;
        context_.signals_default = true; // main() left none ignored
        context_.pid_ns = pid_ns;
        context_.birth = birth;
        for (int i = 0; i < 3; ++i) context_.stdio[i] = container_side[i];
        become_init();
    }
    if (pid < 0) return context_.fail(Stage::clone, ""), -1;
    init_pidfd_.reset(pidfd);
    if (birth) init_helper_ = pid;
    return pid;
}

void Shim::start_container() noexcept {
    Report why{};
    if (int error = log_.open(config_.log, config_.log_max_size, config_.log_max_files)) {
        context_.fail(Stage::stdio, error, config_.log);
        return fail_start(context_.report);
    }
    if (!map_steps()) return fail_start(context_.report);
    if (!cgroups_.make(context_.steps, &why) || !cgroups_.limit(context_.steps, &why, pass_warning, this))
        return fail_start(why);
    oom_before_ = cgroups_.oom_kills();
    int side[3] = {-1, -1, -1}, channel[2];
    if (!make_streams(side)) return fail_start(context_.report);
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, channel) < 0) {
        context_.fail(Stage::clone, "channel");
        return fail_start(context_.report);
    }
    init_channel_.reset(channel[0]);
    static constexpr int slot_fds[exec::slot_count] = {-1, fd_net, fd_ipc, fd_pid, fd_uts, fd_peer, fd_pid_peer};
    for (std::uint32_t i = 1; i < exec::slot_count; ++i)
        if (config_.fds & (1U << slot_fds[i])) context_.slots[i] = slot_fds[i];
    context_.cgroups = &cgroups_.set();
    context_.hold = config_.hold;
    Fd init_copy(context_.steps.header().flags & exec::flag_init ? copy_of_program(self_exe_.get()) : -1);
    // Where programs may not run from memory ours is a read-only view already.
    if (context_.steps.header().flags & exec::flag_init)
        context_.init_exe = init_copy ? init_copy.get() : self_exe_.get();
    init_ = clone_init(side, channel[1]);
    ::close(channel[1]);
    for (int fd : side)
        if (fd >= 0) ::close(fd);
    if (init_ < 0) return fail_start(context_.report);
    for (int fd : {fd_steps, fd_net, fd_ipc, fd_pid, fd_uts, fd_peer, fd_pid_peer})
        if (config_.fds & (1U << fd)) ::close(fd);
    init_start_ = process_start_time(init_);
    watch(init_channel_.get(), EPOLLIN, Source::init_channel, 0);
    arm_streams();
}

void Shim::adopt_container() noexcept {
    adopted_ = true;
    Report why{};
    log_.open(config_.log, config_.log_max_size, config_.log_max_files);
    if (!map_steps() || !cgroups_.make(context_.steps, &why, true))
        return fail_start(context_.report.stage == Stage::none ? why : context_.report);
    terminal_ = context_.steps.header().flags & exec::flag_terminal;
    init_ = config_.adopt_pid;
    init_start_ = config_.adopt_start;
    started_ns_ = realtime_ns();
    init_pidfd_.reset(exec::to_int(::syscall(SYS_pidfd_open, init_, 0)));
    bool alive = init_pidfd_ && process_start_time(init_) == init_start_;
    auto take = [&](Fd& to, int fixed, int of_init) {
        if (config_.fds & (1U << fixed)) to.reset(fixed);
        // Lost with the supervisor: init's own end, if it is still one of our pipes.
        else if (alive && !terminal_ && of_init > 0) {
            to.reset(exec::to_int(::syscall(SYS_pidfd_getfd, init_pidfd_.get(), of_init, 0)));
            struct stat st {};
            if (to && (::fstat(to.get(), &st) < 0 || !S_ISFIFO(st.st_mode))) to.reset();
        }
        if (to) ::fcntl(to.get(), F_SETFL, O_NONBLOCK);
    };
    if (terminal_) {
        take(streams_[0].fd, fd_console, 0);
        if (streams_[0].fd) input_.reset(::fcntl(streams_[0].fd.get(), F_DUPFD_CLOEXEC, 3));
    } else {
        take(streams_[0].fd, fd_stdout, 1);
        take(streams_[1].fd, fd_stderr, 2);
        take(input_, fd_stdin, 0);
    }
    streams_[1].number = 2;
    launched_ = true;
    ::close(fd_steps);
    static const char gap[] =
        "davit: the process that wrote this log was killed; what it had read and not yet written may be missing here";
    if (alive) log_.add(2, gap, sizeof gap - 1, true, realtime_ns());
    arm_streams();
    started();
    if (alive) watch(init_pidfd_.get(), EPOLLIN, Source::init_pidfd, 0);
    else init_ended(0, 0, false);
}

void Shim::on_init_channel() noexcept {
    for (;;) {
        Report r{};
        int passed = -1;
        iovec part{&r, sizeof r};
        alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
        msghdr message{};
        message.msg_iov = &part;
        message.msg_iovlen = 1;
        message.msg_control = control;
        message.msg_controllen = sizeof control;
        ssize_t n = ::recvmsg(init_channel_.get(), &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
        if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
        if (cmsghdr* head = n > 0 ? CMSG_FIRSTHDR(&message) : nullptr; head && head->cmsg_type == SCM_RIGHTS)
            std::memcpy(&passed, CMSG_DATA(head), sizeof passed);
        Fd carried(passed);
        if (n != sizeof r) {
            unwatch(init_channel_.get());
            init_channel_.reset();
            if (init_helper_) return; // its end tells more
            if (launched_ && !start_failed_) started();
            else if (!start_failed_)
                context_.fail(Stage::clone, 0, "the set-up was killed"), fail_start(context_.report);
            return;
        }
        if (r.kind == ReportKind::failed) fail_start(r);
        else if (r.kind == ReportKind::warning) pass_warning(this, r);
        else if (r.kind == ReportKind::launching) launched_ = true;
        else if (r.kind == ReportKind::ready) {
            phase_ = Phase::held;
            StartedBody body{init_, 0, init_start_, realtime_ns()};
            send_supervisor(Type::held, &body, sizeof body);
            if (release_wanted_) release();
        } else if (r.kind == ReportKind::console) {
            ::fcntl(carried.get(), F_SETFL, O_NONBLOCK);
            input_.reset(::fcntl(carried.get(), F_DUPFD_CLOEXEC, 3));
            streams_[0].fd = std::move(carried);
            arm_streams();
        }
    }
}

void Shim::started() noexcept {
    if (!started_ns_) started_ns_ = realtime_ns();
    if (phase_ != Phase::ended) phase_ = Phase::running;
    if (steps_memory_) ::munmap(steps_memory_, steps_size_);
    steps_memory_ = nullptr;
    send_stdio(supervisor_connection());
    StartedBody body{init_, 0, init_start_, started_ns_};
    broadcast(Type::started, &body, sizeof body);
}

// As if never tried: cgroups and the child go, the reason is told, and we leave.
void Shim::fail_start(const Report& why) noexcept {
    if (start_failed_) return;
    start_failed_ = true;
    if (init_ > 0 && phase_ != Phase::ended && !adopted_) {
        meet_init();
        for (pid_t pid : {init_helper_, init_}) {
            if (pid <= 0) continue;
            ::kill(pid, SIGKILL);
            while (::waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {}
        }
    }
    cgroups_.remove(500);
    Report report = why;
    report.kind = ReportKind::failed;
    broadcast(Type::start_failed, &report, sizeof report);
    leave(1);
}

void Shim::release() noexcept {
    release_wanted_ = true; // also when it comes before init is ready
    if (phase_ != Phase::held) return;
    phase_ = Phase::starting;
    if (::send(init_channel_.get(), "g", 1, MSG_NOSIGNAL) != 1) return; // its end is seen in reap()
}

} // namespace davit::shim
