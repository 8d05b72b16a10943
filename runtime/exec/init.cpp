#include "runtime/exec/init.hpp"

#include "runtime/exec/calls.hpp"

#include <csignal>
#include <initializer_list>
#include <sys/prctl.h>
#include <sys/wait.h>

namespace davit::exec {
namespace {

// Its own process group, in the foreground, so that a terminal's Ctrl-C reaches it and not us.
[[noreturn]] void become_program(char** argv, const sigset_t& mask) noexcept {
    ::setpgid(0, 0);
    ::signal(SIGTTOU, SIG_IGN);
    ::tcsetpgrp(0, ::getpid());
    ::signal(SIGTTOU, SIG_DFL);
    ::sigprocmask(SIG_SETMASK, &mask, nullptr);
    ::execvp(argv[0], argv);
    int why = errno;
    TextBuffer<512> line;
    line.text << "davit-init: " << argv[0] << ": "
              << (why == ENOENT   ? "not found"
                  : why == EACCES ? "permission denied"
                                  : "cannot be executed")
              << "\n";
    if (::write(2, line.c_str(), std::strlen(line.c_str())) < 0) why = ENOENT;
    ::_exit(why == ENOENT ? 127 : 126);
}

// Everything that has ended; the program's status when it is among them.
bool reap(pid_t program, int* status) noexcept {
    bool ended = false;
    for (int s = 0;;) {
        pid_t pid = ::waitpid(-1, &s, WNOHANG);
        if (pid <= 0) return ended;
        if (pid == program) *status = s, ended = true;
    }
}

} // namespace

void run_init(char** argv) noexcept {
    ::prctl(PR_SET_NAME, "docker-init", 0, 0, 0); // the kernel would show the descriptor it was run from
    sigset_t all, before;
    ::sigfillset(&all);
    for (int fatal : {SIGFPE, SIGILL, SIGSEGV, SIGBUS, SIGABRT, SIGTRAP, SIGSYS, SIGTTIN, SIGTTOU})
        ::sigdelset(&all, fatal);
    ::signal(SIGTTIN, SIG_IGN);
    ::signal(SIGTTOU, SIG_IGN);
    ::sigprocmask(SIG_SETMASK, &all, &before);
    if (!argv[0] || !argv[1] || !argv[2]) ::_exit(125);
    pid_t program = ::fork();
    if (program < 0) ::_exit(125);
    if (program == 0) {
        ::signal(SIGTTIN, SIG_DFL);
        become_program(argv + 2, before);
    }
    for (int status = 0;;) {
        int signal = ::sigwaitinfo(&all, nullptr);
        if (signal < 0) continue;
        if (signal != SIGCHLD) ::kill(program, signal);
        else if (reap(program, &status)) ::_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
    }
}

} // namespace davit::exec
