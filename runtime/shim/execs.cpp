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

struct MappedSteps {
    void* memory = MAP_FAILED;
    std::size_t size = 0;
    explicit MappedSteps(int fd) noexcept {
        struct stat st {};
        if (::fstat(fd, &st) < 0 || st.st_size <= 0 || st.st_size > exec::max_steps_size) return;
        // Somebody may still hold the descriptor and change the bytes after they were checked; a copy
        // of our own cannot change.
        size = static_cast<std::size_t>(st.st_size);
        memory = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (memory != MAP_FAILED && ::pread(fd, memory, size, 0) != static_cast<ssize_t>(size)) size = 0;
    }
    ~MappedSteps() {
        if (memory != MAP_FAILED) ::munmap(memory, size);
    }
    MappedSteps(const MappedSteps&) = delete;
};

Exec* unused(Exec (&execs)[max_execs]) noexcept {
    for (Exec& e : execs)
        if (e.state == Exec::State::unused) return &e;
    return nullptr;
}

} // namespace

// Its namespaces are closed to newcomers some time before it can be waited for.
bool Shim::init_gone() const noexcept {
    constexpr std::uint64_t exiting = 4; // PF_EXITING
    constexpr int flags_field = 9;
    std::uint64_t flags = phase_ == Phase::ended ? 0 : process_number(init_, flags_field);
    return flags == 0 || flags & exiting;
}

// Once the container ends, whatever else failed is only how that shows (a dying pid namespace says ENOMEM).
void Shim::exec_failed(int connection, std::uint32_t request, Report why) noexcept {
    if (why.stage != Stage::ended && init_gone()) why = {ReportKind::failed, Stage::ended, ESRCH, 0, ""};
    why.detail[sizeof why.detail - 1] = 0;
    send(connection, Type::exec_failed, request, &why, sizeof why);
}

void Shim::start_exec(int connection, std::uint32_t request, const ExecBody& body, int* fds,
                      std::uint32_t count) noexcept {
    static exec::Context c; // large; one is made at a time
    c = exec::Context{};
    auto refuse = [&](Stage stage, int errnum, const char* detail) {
        c.fail(stage, errnum, detail);
        exec_failed(connection, request, c.report);
    };
    if (phase_ != Phase::running || init_gone()) return refuse(Stage::ended, ESRCH, "");
    if (cgroups_.frozen()) return refuse(Stage::frozen, EBUSY, "");
    Exec* e = unused(execs_);
    if (!e) return refuse(Stage::clone, EAGAIN, "too many at once");
    if (count == 0) return refuse(Stage::steps, 0, "there are none");
    MappedSteps steps(fds[0]);
    const char* wrong =
        steps.memory == MAP_FAILED || !steps.size ? "they cannot be read" : c.steps.validate(steps.memory, steps.size);
    if (wrong) return refuse(Stage::steps, 0, wrong);
    bool terminal = c.steps.header().flags & exec::flag_terminal;
    // Those missing in front are the container's /dev/null.
    std::uint32_t streams = terminal ? 0 : count - 1, missing = 3 - streams;
    if (streams == 1 || streams > 3) return refuse(Stage::stdio, EBADF, "none, two or three descriptors are needed");
    if (terminal && body.rows && body.columns) {
        auto* head = static_cast<exec::StepsHeader*>(steps.memory);
        head->rows = body.rows;
        head->columns = body.columns;
    }
    int channel[2];
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, channel) < 0)
        return refuse(Stage::clone, errno, "channel");
    Fd ours(channel[0]), theirs(channel[1]);
    exec::Birth* birth = birth_place(static_cast<std::size_t>(e - execs_));
    if (!birth) return refuse(Stage::memory, ENOMEM, "birth");
    exec::TextBuffer<80> keyring;
    keyring.text << "_ses." << config_.id;
    c.channel = theirs.get();
    c.join_pidfd = init_pidfd_.get();
    c.keyring = keyring.c_str();
    c.cgroups = &cgroups_.set();
    c.signals_default = true; // main() left none ignored
    for (std::uint32_t i = 0; i < streams; ++i) c.stdio[missing + i] = fds[i + 1];
    clone_args args{};
    args.exit_signal = SIGCHLD;
    args.flags = CLONE_CLEAR_SIGHAND;
    Fd present(cgroups_.open_present(init_));
    if (int target = present ? present.get() : cgroups_.clone_target(); target >= 0) {
        args.flags |= CLONE_INTO_CGROUP;
        args.cgroup = static_cast<std::uint64_t>(target);
    }
    auto pid = static_cast<pid_t>(::syscall(SYS_clone3, &args, sizeof args));
    if (pid == 0) {
        prepare_helper(c, birth);
        exec::become_exec(c);
        c.send(c.report);
        ::_exit(125);
    }
    if (pid < 0) return refuse(Stage::clone, errno, "");
    *e = Exec{};
    e->state = Exec::State::starting;
    e->helper = pid;
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
        if (n != sizeof r) { // the helper's own end follows
            unwatch(e.channel.get());
            e.channel.reset();
            return;
        }
        if (r.kind == ReportKind::failed && !e.failed) {
            e.failed = true;
            if (owns(e)) exec_failed(e.connection, e.request, r);
        } else if (r.kind == ReportKind::console) e.console = std::move(carried);
    }
}

bool Shim::owns(const Exec& e) const noexcept {
    return e.connection >= 0 && connections_[e.connection].fd && connections_[e.connection].generation == e.generation;
}

void Shim::exec_ended(Exec& e, int code, int signal) noexcept {
    ExitBody body{code, signal, 1, 0, realtime_ns()};
    if (owns(e)) send(e.connection, Type::exec_exited, e.request, &body, sizeof body);
    e = Exec{};
}

void Shim::meet_exec(Exec& e) noexcept {
    if (e.state == Exec::State::starting && !e.pid && !e.ended) e.pid = births_[&e - execs_].pid;
}

void Shim::exec_helper_ended(Exec& e) noexcept {
    e.helper = 0;
    if (e.channel) on_exec_channel(static_cast<std::uint32_t>(&e - execs_));
    if (e.channel) unwatch(e.channel.get());
    e.channel.reset();
    if (!e.pid && !e.ended) {
        int why = births_[&e - execs_].errnum;
        context_.fail(Stage::clone, why, why ? "" : "the set-up was killed");
        if (!e.failed && owns(e)) exec_failed(e.connection, e.request, context_.report);
        e = Exec{};
        return;
    }
    e.state = Exec::State::running;
    if (e.wanted_signal && e.pid) ::kill(e.pid, e.wanted_signal);
    StartedBody body{e.pid, 0, e.pid ? process_start_time(e.pid) : 0, realtime_ns()};
    int console = e.console.get();
    if (owns(e))
        send(e.connection, Type::exec_started, e.request, &body, sizeof body, &console, console >= 0 ? 1U : 0U);
    e.console.reset(); // the client's now; its end hangs the terminal up
    if (e.ended) exec_ended(e, e.code, e.signal);
}

// A fast program may have ended before we heard of its helper's end.
void Shim::reaped_exec(pid_t pid, int code, int signal) noexcept {
    for (Exec& e : execs_) {
        if (e.state == Exec::State::unused) continue;
        meet_exec(e);
        if (pid == e.helper) return exec_helper_ended(e);
        if (pid != e.pid) continue;
        if (e.state == Exec::State::running) return exec_ended(e, code, signal);
        e.ended = true;
        e.pid = 0;
        e.code = code;
        e.signal = signal;
        return;
    }
}

// Before there is a process the signal waits for it; what would end it ends its helper as well.
int Shim::signal_exec(Exec& e, int signal) noexcept {
    meet_exec(e);
    if (e.pid) return ::kill(e.pid, signal) < 0 ? errno : 0;
    if (!e.helper) return ESRCH;
    e.wanted_signal = signal;
    if (signal == SIGKILL) ::kill(e.helper, SIGKILL);
    return 0;
}

Exec* Shim::find_exec(int connection, std::uint32_t request) noexcept {
    for (Exec& e : execs_)
        if (e.state != Exec::State::unused && e.connection == connection && e.request == request && owns(e)) return &e;
    return nullptr;
}

} // namespace davit::shim
