#include "supervisor/guard.hpp"

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/process.hpp"
#include "base/programs.hpp"
#include "base/sys.hpp"
#include "project/scope_record.hpp"
#include "supervisor/daemon.hpp"

#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace davit::supervisor {

namespace {

constexpr int guard_fd = 3;
constexpr int lock_attempts = 1500, lock_pause_ms = 2; // until a killed supervisor's lock is free

void await_end(int pipe) {
    char byte;
    while (::read(pipe, &byte, 1) < 0 && errno == EINTR) {}
}

// The lock goes on to the successor, as a shim passes it. Somebody else has it for long: that one has read the record.
void become_supervisor(const Roots& roots, const std::string& project) {
    const ProjectPaths paths(roots, project);
    std::optional<FileLock> lock;
    for (int i = 0; i < lock_attempts && !lock; ++i) {
        // It has ended in order, or left nothing yet. An owner that was killed first may have begun with its state.
        if (!exists(paths.run) && !exists(paths.state)) return;
        lock = take_supervisor_lock(paths);
        if (!lock) ::poll(nullptr, 0, lock_pause_ms);
    }
    if (!lock || ::dup2(lock->fd(), guard_fd) < 0) return;
    const std::string program = find_program("davit-supervisor"), number = std::to_string(guard_fd);
    const char* arguments[] = {program.c_str(), "--project",       project.c_str(), "--state-dir",  roots.state.c_str(),
                               "--run-dir",     roots.run.c_str(), "--lock-fd",     number.c_str(), nullptr};
    ::execv(program.c_str(), const_cast<char* const*>(arguments));
}

[[noreturn]] void guard_main(int pipe, const Roots& roots, const std::string& project) {
    sigset_t none;
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    ::prctl(PR_SET_NAME, "davit-guard");
    if (::dup2(pipe, guard_fd) < 0) ::_exit(125);
    ::close_range(guard_fd + 1, ~0U, 0); // locks are held by descriptors
    show_arguments({"--guard"});
    await_end(guard_fd);
    try {
        become_supervisor(roots, project);
    } catch (...) {
        // Nobody is there to be told.
    }
    ::_exit(0);
}

} // namespace

void Guard::start(const Roots& roots, const std::string& project) {
    FdPair pipe = sys::pipe();
    const pid_t pid = ::fork();
    if (pid < 0) throw sys_error(errno, "starting the guard of project {}", project);
    if (pid == 0) {
        pipe.second.reset(); // or it would wait for itself
        alive_.reset();
        guard_main(pipe.first.get(), roots, project);
    }
    alive_ = std::move(pipe.second);
    process_ = sys::pidfd_open(pid);
}

void Guard::stop() {
    if (!process_) return;
    sys::pidfd_send_signal(process_.get(), SIGKILL);
    pollfd ended{process_.get(), POLLIN, 0};
    while (::poll(&ended, 1, -1) < 0 && errno == EINTR) {}
    process_.reset();
    alive_.reset();
}

} // namespace davit::supervisor
