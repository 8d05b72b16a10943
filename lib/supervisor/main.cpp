// davit-supervisor: started by clients (and by shims whose supervisor was killed), never by hand.
#include "base/error.hpp"
#include "base/log.hpp"
#include "base/process.hpp"
#include "base/programs.hpp"
#include "base/sys.hpp"
#include "image/late_sync.hpp"
#include "supervisor/build/build_supervisor.hpp"
#include "supervisor/client/frame.hpp"
#include "supervisor/daemon.hpp"
#include "supervisor/supervisor.hpp"

#include <charconv>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <optional>
#include <string>
#include <sys/socket.h>
#include <unistd.h>

namespace {

using namespace davit;

struct Options {
    Roots roots;
    std::string project;
    int client_fd = -1, lock_fd = -1;
    bool build = false;   // of a build instead of a project
    bool guarded = false; // a scope is about to be made
};

int number(const char* text) {
    int n = -1;
    std::from_chars(text, text + std::strlen(text), n);
    return n;
}

Options parse(int argc, char** argv) {
    Options o;
    o.roots = Roots::from_environment();
    for (int i = 1; i < argc; ++i) {
        std::string flag = argv[i];
        if (flag == "--build") {
            o.build = true;
            continue;
        }
        if (flag == "--guarded") {
            o.guarded = true;
            continue;
        }
        if (i + 1 >= argc) throw error(Errc::usage, "{} needs a value", flag);
        const char* value = argv[++i];
        if (flag == "--project") o.project = value;
        else if (flag == "--state-dir") o.roots.state = value;
        else if (flag == "--run-dir") o.roots.run = value;
        else if (flag == "--client-fd") o.client_fd = number(value);
        else if (flag == "--lock-fd") o.lock_fd = number(value);
        else throw error(Errc::usage, "unknown option {}", flag);
    }
    if (o.project.empty()) throw error(Errc::usage, "davit-supervisor is started by davit; it needs --project");
    return o;
}

// To the client that started us and waits for our hello.
void tell_client(int fd, const char* type, const std::string& text) {
    if (fd < 0) return;
    std::string quoted;
    for (char c : text) {
        if (c == '"' || c == '\\') quoted += '\\';
        if (c == '\n') quoted += "\\n";
        else quoted += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
    }
    std::string frame =
        supervisor::encode_frame(std::string("{\"type\":\"") + type + "\",\"text\":\"" + quoted + "\"}");
    [[maybe_unused]] ssize_t n = ::send(fd, frame.data(), frame.size(), MSG_NOSIGNAL);
}

// Behind a pull: nobody waits for the disk.
int sync_late(const char* root) {
    const pid_t pid = ::fork();
    if (pid < 0) throw sys_error(errno, "starting the process that syncs");
    if (pid > 0) ::_exit(0);
    if (::chdir("/") < 0) return 1;
    image::finish_late_syncs(root);
    return 0;
}

int supervise(const Options& o, UniqueFd& client) {
    ProjectPaths paths(o.roots, o.project);
    make_roots(o.roots);
    supervisor::Guard guard; // before there is anything to be left behind
    if (o.guarded) guard.start(o.roots, o.project);
    std::optional<FileLock> lock;
    if (o.lock_fd >= 0) lock.emplace(UniqueFd(o.lock_fd)); // locked by the shim that started us
    else lock = supervisor::take_supervisor_lock(paths);
    if (!lock) {
        guard.stop();
        tell_client(client.get(), "taken", "another supervisor runs");
        return 0;
    }
    // A client reaps the first process at once; the second belongs to nobody, and the lock is its own. A shim
    // reaps all, is in the group itself, and has no time to lose.
    pid_t pid = o.lock_fd < 0 ? supervisor::fork_into_group(o.project) : 0;
    if (pid < 0) throw sys_error(errno, "starting the supervisor");
    if (pid > 0) ::_exit(0);
    supervisor::leave_caller(paths);
    UniqueFd still_locked(::fcntl(lock->fd(), F_DUPFD_CLOEXEC, 0));
    std::optional<supervisor::Supervisor> supervisor;
    try {
        supervisor.emplace(o.roots, o.project, supervisor::freed_first(std::move(*lock)), std::move(guard));
    } catch (...) {
        guard.stop();
        supervisor::take_back_start(o.roots, o.project); // while the lock is still ours
        throw;
    }
    still_locked.reset();
    if (client) supervisor->add_client(std::move(client));
    supervisor->run();
    return 0;
}

// A client reaps the first process at once, as with a project's.
int supervise_build(const Options& o, UniqueFd& client) {
    const ProjectPaths paths(o.roots, o.project);
    make_roots(o.roots);
    const std::optional<FileLock> lock = supervisor::take_supervisor_lock(paths);
    if (!lock) throw error(Errc::conflict, "another build is called {}", o.project);
    const pid_t pid = ::fork();
    if (pid < 0) throw sys_error(errno, "starting the build's supervisor");
    if (pid > 0) ::_exit(0);
    supervisor::leave_caller(paths);
    supervisor::BuildSupervisor(o.roots, o.project, std::move(client)).run();
    return 0;
}

} // namespace

int main(int argc, char** argv) {
    UniqueFd client;
    keep_arguments(argc, argv);
    try {
        if (argc == 3 && std::strcmp(argv[1], "--late-sync") == 0) return sync_late(argv[2]);
        Options o = parse(argc, argv);
        name_programs_beside();
        client.reset(o.client_fd);
        return o.build ? supervise_build(o, client) : supervise(o, client);
    } catch (const std::exception& e) {
        auto* known = dynamic_cast<const Error*>(&e);
        std::string text = known ? known->describe() : e.what();
        tell_client(client.get(), "failed", text);
        log::warning("the supervisor ended: {}", text);
        std::fprintf(stderr, "davit-supervisor: %s\n", text.c_str());
        return client ? 0 : 1; // it has been told, and says it better
    }
}
