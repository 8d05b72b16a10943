// When the supervisor is gone (DESIGN §4): all its shims wake at once and try for its lock; the one
// that gets it hands the locked descriptor to a new supervisor. The others see it connect.
#include "runtime/shim/shim.hpp"

#include <csignal>
#include <sched.h>
#include <sys/file.h>

namespace davit::shim {
namespace {

constexpr std::int64_t ms = 1000000;
constexpr int lock_fd_for_supervisor = 3;

} // namespace

void Shim::supervisor_lost() noexcept {
    rescue_tries_ = 0;
    if (config_.supervisor && config_.lock) set_timer(0);
}

void Shim::rescue() noexcept {
    if (!config_.supervisor || !config_.lock) return;
    jitter_ = jitter_ * 6364136223846793005U + 1442695040888963407U;
    auto random = static_cast<std::int64_t>(jitter_ >> 40 & 0xff); // 0-255
    // The kernel frees a killed process's lock up to 8 ms late, so the first tries come close together.
    ++rescue_tries_;
    // Under load it is later: the dying process has to be scheduled.
    std::int64_t pause = rescue_tries_ < 200 ? 2 * ms + random * ms / 64 : 200 * ms + random * ms;
    Fd lock(::open(config_.lock, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (lock && ::flock(lock.get(), LOCK_EX | LOCK_NB) == 0) {
        spawn_supervisor(lock.get());
        pause = 1000 * ms; // time to connect before anybody thinks it failed
    }
    set_timer(pause);
}

void Shim::spawn_supervisor(int lock_fd) noexcept {
    static char lock_flag[] = "--lock-fd", lock_number[] = "3";
    char* args[64];
    int n = 0;
    for (char** a = config_.supervisor; *a && n < 60; ++a) args[n++] = *a;
    args[n++] = lock_flag;
    args[n++] = lock_number;
    args[n] = nullptr;
    pid_t pid = ::vfork();
    if (pid != 0) return; // reaped with all others
    // vfork: the parent waits and shares memory; only system calls from here on.
    ::setsid();
    if (lock_fd == lock_fd_for_supervisor) ::fcntl(lock_fd, F_SETFD, 0);
    else ::dup2(lock_fd, lock_fd_for_supervisor);
    ::syscall(SYS_close_range, 4U, ~0U, 4 /* CLOSE_RANGE_CLOEXEC */);
    sigset_t none;
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    ::execv(args[0], args);
    ::_exit(127);
}

} // namespace davit::shim
