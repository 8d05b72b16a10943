// More processes in the container: exec, healthchecks, hooks.
#include "runtime/shim/shim.hpp"

#include <csignal>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <utility>

namespace davit::shim {

using exec::Report;
using exec::ReportKind;
using exec::Stage;

namespace {

struct MappedPlan {
    void* memory = MAP_FAILED;
    std::size_t size = 0;
    explicit MappedPlan(int fd) noexcept {
        struct stat st{};
        if (::fstat(fd, &st) < 0 || st.st_size <= 0 || st.st_size > exec::max_plan_size) return;
        // Somebody may still hold the descriptor and change the bytes after they were checked; a copy
        // of our own cannot change.
        size = static_cast<std::size_t>(st.st_size);
        memory = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (memory != MAP_FAILED && ::pread(fd, memory, size, 0) != static_cast<ssize_t>(size)) size = 0;
    }
    ~MappedPlan() {
        if (memory != MAP_FAILED) ::munmap(memory, size);
    }
    MappedPlan(const MappedPlan&) = delete;
};

Exec* unused(Exec (&execs)[max_execs]) noexcept {
    for (Exec& e : execs)
        if (e.state == Exec::State::unused) return &e;
    return nullptr;
}

} // namespace

void Shim::exec_failed(int connection, std::uint32_t request, const Report& why) noexcept {
    send(connection, Type::exec_failed, request, &why, sizeof why);
}

void Shim::start_exec(int connection, std::uint32_t request, const ExecBody& body, int* fds, std::uint32_t count) noexcept {
    static exec::Context c; // large; one is made at a time
    c = exec::Context{};
    auto refuse = [&](Stage stage, int errnum, const char* detail) {
        c.fail(stage, errnum, detail);
        exec_failed(connection, request, c.report);
    };
    if (phase_ != Phase::running) return refuse(Stage::namespaces, ESRCH, "the container is not running");
    if (cgroups_.frozen()) return refuse(Stage::frozen, EBUSY, "");
    Exec* e = unused(execs_);
    if (!e) return refuse(Stage::clone, EAGAIN, "too many at once");
    MappedPlan plan(count ? fds[0] : -1);
    const char* wrong = plan.memory == MAP_FAILED || !plan.size ? "it cannot be read" : c.plan.validate(plan.memory, plan.size);
    if (wrong) return refuse(Stage::plan, 0, wrong);
    bool terminal = c.plan.header().flags & exec::flag_terminal;
    if (!terminal && count < 4) return refuse(Stage::stdio, EBADF, "three descriptors are needed");
    if (terminal && body.rows && body.columns) {
        auto* head = static_cast<exec::PlanHeader*>(plan.memory);
        head->rows = body.rows;
        head->columns = body.columns;
    }
    int channel[2];
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, channel) < 0) return refuse(Stage::clone, errno, "channel");
    Fd ours(channel[0]), theirs(channel[1]);
    c.channel = theirs.get();
    c.join_pidfd = init_pidfd_.get();
    c.cgroups = &cgroups_.set();
    for (std::uint32_t i = 0; i < 3 && !terminal; ++i) c.stdio[i] = fds[i + 1];
    if (::syscall(SYS_setns, init_pidfd_.get(), CLONE_NEWPID) < 0) return refuse(Stage::namespaces, errno, "pid");
    clone_args args{};
    args.exit_signal = SIGCHLD;
    Fd present(cgroups_.open_present(init_));
    if (int target = present ? present.get() : cgroups_.clone_target(); target >= 0) {
        args.flags = CLONE_INTO_CGROUP;
        args.cgroup = static_cast<std::uint64_t>(target);
    }
    auto pid = static_cast<pid_t>(::syscall(SYS_clone3, &args, sizeof args));
    if (pid == 0) {
        exec::become_exec(c);
        c.send(c.report);
        ::_exit(125);
    }
    int why = errno;
    ::syscall(SYS_setns, own_pid_ns_.get(), CLONE_NEWPID);
    if (pid < 0) return refuse(Stage::clone, why, "");
    *e = Exec{};
    e->state = Exec::State::starting;
    e->pid = pid;
    e->channel = std::move(ours);
    e->connection = connection;
    e->generation = connections_[connection].generation;
    e->request = request;
    watch(e->channel.get(), EPOLLIN, Source::exec_channel, static_cast<std::uint32_t>(e - execs_));
}

void Shim::on_exec_channel(std::uint32_t index) noexcept {
    Exec& e = execs_[index];
    while (e.channel) {
        Report r{};
        int passed = -1;
        iovec part{&r, sizeof r};
        alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
        msghdr message{};
        message.msg_iov = &part;
        message.msg_iovlen = 1;
        message.msg_control = control;
        message.msg_controllen = sizeof control;
        ssize_t n = ::recvmsg(e.channel.get(), &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
        if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
        if (cmsghdr* head = n > 0 ? CMSG_FIRSTHDR(&message) : nullptr; head && head->cmsg_type == SCM_RIGHTS)
            std::memcpy(&passed, CMSG_DATA(head), sizeof passed);
        Fd carried(passed);
        if (n != sizeof r) {
            unwatch(e.channel.get());
            e.channel.reset();
            if (!e.launched) {
                if (!e.failed) context_.fail(Stage::clone, 0, "the set-up was killed");
                if (!e.failed && owns(e)) exec_failed(e.connection, e.request, context_.report);
                e.failed = true;
                return;
            }
            e.state = Exec::State::running;
            StartedBody body{e.pid, 0, process_start_time(e.pid), realtime_ns()};
            int console = e.console.get();
            if (owns(e)) send(e.connection, Type::exec_started, e.request, &body, sizeof body, &console, console >= 0 ? 1U : 0U);
            e.console.reset(); // the client's now; its end hangs the terminal up
            return;
        }
        if (r.kind == ReportKind::failed) {
            e.failed = true;
            if (owns(e)) exec_failed(e.connection, e.request, r);
        } else if (r.kind == ReportKind::launching) e.launched = true;
        else if (r.kind == ReportKind::console) e.console = std::move(carried);
    }
}

bool Shim::owns(const Exec& e) const noexcept {
    return e.connection >= 0 && connections_[e.connection].fd && connections_[e.connection].generation == e.generation;
}

void Shim::exec_ended(Exec& e, int code, int signal) noexcept {
    ExitBody body{code, signal, 1, 0, realtime_ns()};
    if (!e.failed && owns(e)) send(e.connection, Type::exec_exited, e.request, &body, sizeof body);
    if (e.channel) unwatch(e.channel.get());
    e = Exec{};
}

Exec* Shim::find_exec(int connection, std::uint32_t request) noexcept {
    for (Exec& e : execs_)
        if (e.state != Exec::State::unused && e.connection == connection && e.request == request && owns(e)) return &e;
    return nullptr;
}

} // namespace davit::shim
