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

namespace davit::runtime {
namespace {

constexpr int out_of_the_way = 64; // above all fixed numbers, so that no dup2 overwrites a source

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
        mask_ |= 1U << as;
    }
    void open(int as, const char* path, int flags) { ::posix_spawn_file_actions_addopen(&actions_, as, path, flags, 0); }
    const posix_spawn_file_actions_t* get() const { return &actions_; }
    std::uint32_t mask() const { return mask_; }

private:
    posix_spawn_file_actions_t actions_;
    std::vector<UniqueFd> kept_;
    std::uint32_t mask_ = 0;
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
        if (s.log.max_size) args.insert(args.end(), {"--log-max-size", std::to_string(s.log.max_size), "--log-max-files", std::to_string(s.log.max_files)});
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

void pass_all(const ShimStart& s, FileActions& actions, int control) {
    auto pass = [&](int fd, int as) {
        if (fd >= 0) actions.pass(fd, as);
    };
    for (int fd = 0; fd < 3; ++fd) actions.open(fd, "/dev/null", O_RDWR);
    pass(control, shim::fd_control);
    pass(s.plan_fd, shim::fd_plan);
    pass(s.net_ns, shim::fd_net);
    pass(s.ipc_ns, shim::fd_ipc);
    pass(s.pid_ns, shim::fd_pid);
    pass(s.uts_ns, shim::fd_uts);
    pass(s.peer_pidfd, shim::fd_peer);
    if (!s.adopt) return;
    pass(s.adopt->stdin_write, shim::fd_stdin);
    pass(s.adopt->stdout_read, shim::fd_stdout);
    pass(s.adopt->stderr_read, shim::fd_stderr);
    pass(s.adopt->console, shim::fd_console);
}

// Where programs may not run from memory (vm.memfd_noexec=2): a private read-only view of the file.
// It cannot be written through /proc/PID/exe, and belongs to no mount namespace that could remount it.
UniqueFd detached_view(const std::string& path) {
    constexpr unsigned clone = 1, cloexec = O_CLOEXEC; // OPEN_TREE_CLONE, OPEN_TREE_CLOEXEC
    UniqueFd fd(static_cast<int>(::syscall(SYS_open_tree, AT_FDCWD, path.c_str(), clone | cloexec)));
    if (!fd) throw sys_error(errno, "opening {}", path);
    struct { std::uint64_t set, clear, propagation, userns; } attributes{1 /* MOUNT_ATTR_RDONLY */, 0, 0, 0};
    if (::syscall(SYS_mount_setattr, fd.get(), "", AT_EMPTY_PATH, &attributes, sizeof attributes) < 0)
        throw sys_error(errno, "making {} read-only", path);
    return fd;
}

} // namespace

UniqueFd sealed_copy(const std::string& path) {
    constexpr unsigned mfd_exec = 0x10; // 6.3 and newer; without it a sysctl may make the copy not executable
    UniqueFd from = sys::open(path, O_RDONLY);
    struct stat st{};
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

Shim start_shim(const ShimStart& start) {
    UniqueFd own_copy;
    if (start.shim_exe < 0) own_copy = sealed_copy(start.shim_path);
    UniqueFd exe = moved_up(own_copy ? own_copy.get() : start.shim_exe);
    FdPair ends = sys::socket_pair(SOCK_SEQPACKET);
    FileActions actions;
    pass_all(start, actions, ends.second.get());
    std::vector<std::string> args = arguments(start, actions.mask());
    std::vector<char*> argv;
    for (std::string& arg : args) argv.push_back(arg.data());
    argv.push_back(nullptr);
    Attributes attributes;
    pid_t pid = 0;
    std::string program = fmt::format("/proc/self/fd/{}", exe.get());
    // Before 6.3 a container can have changed its mode; nothing else of it can be changed.
    if (struct stat st{}; ::fstat(exe.get(), &st) == 0 && !(st.st_mode & S_IXUSR)) ::fchmod(exe.get(), 0777);
    if (int why = ::posix_spawn(&pid, program.c_str(), actions.get(), attributes.get(), argv.data(), environ))
        throw sys_error(why, "starting {}", start.shim_path.empty() ? "davit-shim" : start.shim_path);
    return {Child(pid, sys::pidfd_open(pid)), ShimConnection(std::move(ends.first))};
}

} // namespace davit::runtime
