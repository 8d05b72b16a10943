// Spawning davit-shim.
#include "base/error.hpp"
#include "base/kernel_abi.hpp"
#include "base/sys.hpp"
#include "runtime/shim/config.hpp"
#include "runtime/shim_client.hpp"

#include <csignal>
#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

namespace davit::runtime {
namespace {

constexpr int out_of_the_way = 32; // above all fixed numbers (bits of a mask), so that no dup2 overwrites a source

UniqueFd moved_up(int fd) {
    UniqueFd copy(::fcntl(fd, F_DUPFD_CLOEXEC, out_of_the_way));
    if (!copy) throw sys_error(errno, "duplicating a descriptor for the shim");
    return copy;
}

class FileActions {
public:
    FileActions() { ::posix_spawn_file_actions_init(&actions_); }
    ~FileActions() { ::posix_spawn_file_actions_destroy(&actions_); }
    FileActions(const FileActions&) = delete;
    void pass(int fd, int as) {
        kept_.push_back(moved_up(fd));
        ::posix_spawn_file_actions_adddup2(&actions_, kept_.back().get(), as);
    }
    void open(int as, const char* path, int flags) {
        ::posix_spawn_file_actions_addopen(&actions_, as, path, flags, 0);
    }
    const posix_spawn_file_actions_t* get() const { return &actions_; }

private:
    posix_spawn_file_actions_t actions_;
    std::vector<UniqueFd> kept_;
};

class Attributes {
public:
    Attributes() {
        ::posix_spawnattr_init(&attributes_);
        sigset_t all, none;
        ::sigfillset(&all);
        ::sigemptyset(&none);
        ::posix_spawnattr_setsigdefault(&attributes_, &all);
        ::posix_spawnattr_setsigmask(&attributes_, &none);
        ::posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSID);
    }
    ~Attributes() { ::posix_spawnattr_destroy(&attributes_); }
    Attributes(const Attributes&) = delete;
    const posix_spawnattr_t* get() const { return &attributes_; }

private:
    posix_spawnattr_t attributes_;
};

std::vector<std::string> arguments(const ShimStart& s, std::uint32_t fds) {
    std::vector<std::string> args{"davit-shim", "--id", s.id, "--run-dir", s.run_dir, "--fds", std::to_string(fds)};
    if (s.log.driver == ShimLog::Driver::json_file) {
        args.insert(args.end(), {"--log", s.log.path});
        if (s.log.max_size)
            args.insert(args.end(), {"--log-max-size", std::to_string(s.log.max_size), "--log-max-files",
                                     std::to_string(s.log.max_files)});
    }
    if (s.hold_for_attach) args.emplace_back("--hold");
    if (s.stdin_once) args.emplace_back("--stdin-once");
    if (s.adopt) args.insert(args.end(), {"--adopt", fmt::format("{}:{}", s.adopt->pid, s.adopt->start_time)});
    if (!s.supervisor_lock.empty()) args.insert(args.end(), {"--lock", s.supervisor_lock});
    if (!s.supervisor_argv.empty()) {
        args.emplace_back("--");
        args.insert(args.end(), s.supervisor_argv.begin(), s.supervisor_argv.end());
    }
    return args;
}

struct PassedFd {
    int fd, as;
};

// In the order of their numbers in the shim.
std::vector<PassedFd> passed_fds(const ShimStart& s, int control) {
    std::vector<PassedFd> out{{control, shim::fd_control},  {s.steps_fd, shim::fd_steps}, {s.net_ns, shim::fd_net},
                              {s.ipc_ns, shim::fd_ipc},     {s.pid_ns, shim::fd_pid},     {s.uts_ns, shim::fd_uts},
                              {s.peer_pidfd, shim::fd_peer}};
    if (s.adopt)
        out.insert(out.end(), {{s.adopt->stdin_write, shim::fd_stdin},
                               {s.adopt->stdout_read, shim::fd_stdout},
                               {s.adopt->stderr_read, shim::fd_stderr},
                               {s.adopt->console, shim::fd_console}});
    out.push_back({s.pid_peer_pidfd, shim::fd_pid_peer});
    std::erase_if(out, [](const PassedFd& p) { return p.fd < 0; });
    return out;
}

std::uint32_t mask_of(const std::vector<PassedFd>& fds) {
    std::uint32_t mask = 0;
    for (const PassedFd& p : fds) mask |= 1U << p.as;
    return mask;
}

// Where programs may not run from memory (vm.memfd_noexec=2): a private read-only view of the file.
// It cannot be written through /proc/PID/exe, and belongs to no mount namespace that could remount it.
UniqueFd detached_view(const std::string& path) {
    constexpr unsigned clone = 1, cloexec = O_CLOEXEC; // OPEN_TREE_CLONE, OPEN_TREE_CLOEXEC
    UniqueFd fd(static_cast<int>(::syscall(SYS_open_tree, AT_FDCWD, path.c_str(), clone | cloexec)));
    if (!fd) throw sys_error(errno, "opening {}", path);
    struct {
        std::uint64_t set, clear, propagation, userns;
    } attributes{1 /* MOUNT_ATTR_RDONLY */, 0, 0, 0};
    if (::syscall(SYS_mount_setattr, fd.get(), "", AT_EMPTY_PATH, &attributes, sizeof attributes) < 0)
        throw sys_error(errno, "making {} read-only", path);
    return fd;
}

} // namespace

UniqueFd sealed_copy(const std::string& path) {
    constexpr unsigned mfd_exec = 0x10; // 6.3 and newer; without it a sysctl may make the copy not executable
    UniqueFd from = sys::open(path, O_RDONLY);
    struct stat st {};
    if (::fstat(from.get(), &st) < 0) throw sys_error(errno, "reading {}", path);
    UniqueFd to(::memfd_create("davit-shim", MFD_CLOEXEC | MFD_ALLOW_SEALING | mfd_exec));
    if (!to && errno == EINVAL) to = UniqueFd(::memfd_create("davit-shim", MFD_CLOEXEC | MFD_ALLOW_SEALING));
    if (!to) return detached_view(path);
    for (off_t left = st.st_size; left > 0;) {
        ssize_t n = ::sendfile(to.get(), from.get(), nullptr, static_cast<std::size_t>(left));
        if (n <= 0) throw sys_error(n < 0 ? errno : EIO, "copying {}", path);
        left -= n;
    }
    // 6.3 and newer: a container that sees the file as /proc/PID/exe cannot take its x bits away either.
    constexpr int seal_exec = 0x20, seals = F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;
    if (::fcntl(to.get(), F_ADD_SEALS, seals | seal_exec) < 0 && ::fcntl(to.get(), F_ADD_SEALS, seals) < 0)
        throw sys_error(errno, "sealing the copy of {}", path);
    return to;
}

namespace {

// What a supervisor needs that the shim starts one day. The rest is of whoever typed the command, and a shim's
// memory is what the processes of its container are cloned from.
std::vector<char*> kept_environment() {
    std::vector<char*> out;
    for (char** variable = environ; *variable; ++variable) {
        const std::string_view text = *variable;
        if (text.starts_with("PATH=") || text.starts_with("TZ=") || text.starts_with("DAVIT_"))
            out.push_back(*variable);
    }
    out.push_back(nullptr);
    return out;
}

pid_t execute(int shim_exe, std::vector<std::string> args, const std::vector<PassedFd>& fds) {
    UniqueFd exe = moved_up(shim_exe);
    FileActions actions;
    for (int fd = 0; fd < 3; ++fd) actions.open(fd, "/dev/null", O_RDWR);
    for (const PassedFd& p : fds) actions.pass(p.fd, p.as);
    std::vector<char*> argv;
    for (std::string& arg : args) argv.push_back(arg.data());
    argv.push_back(nullptr);
    Attributes attributes;
    pid_t pid = 0;
    std::string program = fmt::format("/proc/self/fd/{}", exe.get());
    // Before 6.3 a container can have changed its mode; nothing else of it can be changed.
    if (struct stat st{}; ::fstat(exe.get(), &st) == 0 && !(st.st_mode & S_IXUSR)) ::fchmod(exe.get(), 0777);
    if (int why = ::posix_spawn(&pid, program.c_str(), actions.get(), attributes.get(), argv.data(),
                                kept_environment().data()))
        throw sys_error(why, "starting davit-shim");
    return pid;
}

} // namespace

Shim start_shim(const ShimStart& start) {
    UniqueFd own_copy;
    if (start.shim_exe < 0) own_copy = sealed_copy(start.shim_path);
    FdPair ends = sys::socket_pair(SOCK_SEQPACKET);
    const auto fds = passed_fds(start, ends.second.get());
    pid_t pid = execute(own_copy ? own_copy.get() : start.shim_exe, arguments(start, mask_of(fds)), fds);
    return {Child(pid, sys::pidfd_open(pid)), ShimConnection(std::move(ends.first))};
}

void ShimNursery::open(int shim_exe, std::size_t room) {
    if (socket_ && room <= room_ && !sys::is_stopped(pid_)) return;
    stop();
    FdPair ends = sys::socket_pair(SOCK_SEQPACKET);
    // The arguments of its shims, most of which have the same length, take the place of its own.
    const std::size_t blanks = room - sizeof shim::nursery_name - 1;
    const pid_t pid =
        execute(shim_exe, {shim::nursery_name, std::string(blanks, ' ')}, {{ends.second.get(), shim::fd_control}});
    pidfd_ = sys::pidfd_open(pid);
    pid_ = pid;
    socket_ = std::move(ends.first);
    room_ = room;
}

void ShimNursery::prepare(int shim_exe) {
    constexpr std::size_t usual_room = 1024; // as long as no path of the state directory is very long
    if (!socket_) open(shim_exe, usual_room);
}

void ShimNursery::stop() {
    socket_.reset();
    if (!pidfd_) return;
    siginfo_t info{};
    sys::pidfd_send_signal(pidfd_.get(), SIGKILL); // it keeps nothing, and one that was stopped would not see the end
    // Unless somebody has reaped it with all others.
    while (::waitid(P_PIDFD, static_cast<id_t>(pidfd_.get()), &info, WEXITED) < 0 && errno == EINTR) {}
    pidfd_.reset();
}

ShimConnection ShimNursery::start(const ShimStart& start) {
    FdPair ends = sys::socket_pair(SOCK_SEQPACKET);
    const auto fds = passed_fds(start, ends.second.get());
    std::string text;
    for (const auto& arg : arguments(start, mask_of(fds))) text.append(arg).push_back('\0');
    std::vector<int> numbers;
    for (const PassedFd& p : fds) numbers.push_back(p.fd);
    bool fits = text.size() <= shim::nursery_limit && !start.adopt;
    for (int attempt = 0; fits && attempt < 2; ++attempt) { // it may have been killed meanwhile
        open(start.shim_exe, text.size());
        if (sys::send_with_fds(socket_.get(), text, numbers)) return ShimConnection(std::move(ends.first));
        stop();
    }
    Shim direct = start_shim(start);
    direct.process.detach();
    return std::move(direct.control);
}

} // namespace davit::runtime
