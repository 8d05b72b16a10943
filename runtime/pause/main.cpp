// The one program of the image that holds an ECS task's namespaces: it waits to be ended. Where the containers of the
// task share its pid namespace it is their init, and reaps what they leave.
#include <csignal>
#include <initializer_list>
#include <sys/wait.h>
#include <unistd.h>

int main() {
    sigset_t set;
    ::sigemptyset(&set);
    for (const int signal : {SIGTERM, SIGINT, SIGCHLD}) ::sigaddset(&set, signal);
    ::sigprocmask(SIG_BLOCK, &set, nullptr);
    for (;;) {
        int signal = 0;
        if (::sigwait(&set, &signal) != 0) continue;
        if (signal != SIGCHLD) return 0;
        while (::waitpid(-1, nullptr, WNOHANG) > 0) {}
    }
}
