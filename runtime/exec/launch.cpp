// Finding the program and becoming it.
#include "runtime/exec/context.hpp"

#include <csignal>
#include <linux/close_range.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>

#ifndef SYS_faccessat2
#define SYS_faccessat2 439
#endif

namespace davit::exec {
namespace {

constexpr char default_path[] = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

const char* value_of(const char* variable, const char* key) noexcept {
    std::size_t n = std::strlen(key);
    return std::strncmp(variable, key, n) == 0 && variable[n] == '=' ? variable + n + 1 : nullptr;
}

struct Vectors {
    char** args = nullptr;
    char** env = nullptr;
    const char* path = default_path;
    char home[520];
};

std::size_t bytes_of(const StepView& steps, StrList list) noexcept {
    std::size_t bytes = 0;
    for (std::uint32_t i = 0; i < list.count; ++i) bytes += std::size_t{steps.item(list, i).size} + 1;
    return bytes;
}

// A copy: the steps with the host's paths may be gone before the program runs. The memory is the
// process's own and goes with execve.
bool build(Context& c, const ExecuteStep& s, Vectors& v) noexcept {
    std::size_t count = std::size_t{s.args.count} + s.env.count + 8, filter = (std::size_t{c.filter.size} + 7) / 8 * 8;
    std::size_t texts = bytes_of(c.steps, s.args) + bytes_of(c.steps, s.env);
    void* memory = ::mmap(nullptr, count * sizeof(char*) + filter + texts, PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) return c.fail(Stage::memory, "arguments");
    char* next = static_cast<char*>(memory) + count * sizeof(char*);
    if (filter) c.filter.code = std::memcpy(next, c.filter.code, c.filter.size);
    next += filter;
    auto copied = [&](StrList list, std::uint32_t i) {
        Str text = c.steps.item(list, i);
        char* copy = static_cast<char*>(std::memcpy(next, c.steps.text(text), std::size_t{text.size} + 1));
        next += std::size_t{text.size} + 1;
        return copy;
    };
    v.args = static_cast<char**>(memory) + 3; // room for the init's own name in front
    for (std::uint32_t i = 0; i < s.args.count; ++i) v.args[i] = copied(s.args, i);
    v.env = v.args + s.args.count + 1;
    std::uint32_t n = 0;
    bool home = false;
    for (; n < s.env.count; ++n) {
        const char* variable = v.env[n] = copied(s.env, n);
        if (const char* path = value_of(variable, "PATH")) v.path = path;
        if (const char* value = value_of(variable, "HOME")) home = *value != 0 || home;
    }
    if (!home) {
        Text(v.home, sizeof v.home) << "HOME=" << c.account.home;
        // An empty HOME counts as none; it is replaced, not doubled.
        std::uint32_t at = 0;
        while (at < n && !value_of(v.env[at], "HOME")) ++at;
        v.env[at] = v.home;
    }
    return true;
}

// As the process itself will see it: effective ids and capabilities, noexec mounts.
int may_execute(const char* path) noexcept {
    struct stat st {};
    if (::stat(path, &st) < 0) return errno;
    if (S_ISDIR(st.st_mode)) return EISDIR;
    if (::syscall(SYS_faccessat2, AT_FDCWD, path, X_OK, AT_EACCESS) < 0) return errno;
    return 0;
}

struct Found {
    char path[4096];
};

bool search(Context& c, const char* name, const char* dirs, Found& out) noexcept {
    int worst = 0; // a file that may not be executed tells more than one that is missing
    for (const char* dir = dirs;; ++dir) {
        const char* end = std::strchr(dir, ':');
        std::size_t n = end ? static_cast<std::size_t>(end - dir) : std::strlen(dir);
        if (n + std::strlen(name) + 3 < sizeof out.path) {
            std::memcpy(out.path, dir, n);
            Text(out.path + n, sizeof out.path - n) << (n ? "/" : "./") << name;
            int why = may_execute(out.path);
            if (why == 0) return true;
            if (why == EACCES) worst = why;
        }
        if (!end) break;
        dir = end;
    }
    return worst ? c.fail(Stage::not_executable, worst, name) : c.fail(Stage::not_found, 0, name);
}

bool find_program(Context& c, const char* name, const char* dirs, Found& out) noexcept {
    if (!*name) return c.fail(Stage::not_found, 0, name);
    if (!std::strchr(name, '/')) return search(c, name, dirs, out);
    if (std::strlen(name) >= sizeof out.path) return c.fail(Stage::not_found, ENAMETOOLONG, name);
    std::strcpy(out.path, name);
    int why = may_execute(name);
    if (why == 0) return true;
    return c.fail(why == ENOENT || why == ENOTDIR ? Stage::not_found : Stage::not_executable, why, name);
}

void unblock_signals() noexcept {
    sigset_t none;
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

bool wait_for_release(Context& c) noexcept {
    Report r{};
    r.kind = ReportKind::ready;
    if (!c.send(r)) return c.fail(Stage::protocol, "ready");
    char byte;
    ssize_t n;
    do n = ::recv(c.channel, &byte, 1, 0);
    while (n < 0 && errno == EINTR);
    return n == 1 || c.fail(Stage::protocol, n == 0 ? ECANCELED : errno, "released");
}

// Only the streams, the channel (3) and the init program (4) stay; the last two close at execve.
// CVE-2024-21626 was a directory of the host left open here.
bool close_rest(Context& c) noexcept {
    if (c.init_exe >= 0) {
        int copy = ::fcntl(c.init_exe, F_DUPFD_CLOEXEC, 5);
        if (copy < 0) return c.fail(Stage::descriptors, "");
        c.init_exe = copy;
    }
    if (c.channel != 3 && ::dup3(c.channel, 3, O_CLOEXEC) < 0) return c.fail(Stage::descriptors, "");
    c.channel = 3;
    if (c.init_exe >= 0) {
        if (::dup3(c.init_exe, 4, O_CLOEXEC) < 0) return c.fail(Stage::descriptors, "");
        c.init_exe = 4;
    }
    unsigned first = c.init_exe >= 0 ? 5 : 4;
    return ::syscall(SYS_close_range, first, ~0U, 0) == 0 || c.fail(Stage::descriptors, "close_range");
}

// The program exists and may be executed, yet the kernel refuses (no interpreter, foreign format):
// for Docker the container has started and ended with 255.
[[noreturn]] void refused(const char* path, int why) noexcept {
    TextBuffer<512> line;
    line.text << "exec " << path << ": "
              << (why == ENOEXEC  ? "exec format error"
                  : why == ENOENT ? "no such file or directory"
                  : why == EACCES ? "permission denied"
                  : why == E2BIG  ? "argument list too long"
                                  : "the kernel refused it")
              << "\n";
    if (::write(2, line.c_str(), std::strlen(line.c_str())) < 0) why = 0;
    ::_exit(255);
}

} // namespace

// By the raw call: posix_spawn leaves signals 32 and 33 ignored, which glibc's sigaction will not touch.
void default_signals() noexcept {
    static const unsigned long defaults[8] = {}; // a kernel sigaction of SIG_DFL on every architecture
    for (int sig = 1; sig < 65; ++sig) ::syscall(SYS_rt_sigaction, sig, defaults, nullptr, 8);
}

namespace {
void execute_init(const Context& c, const Program& program) noexcept {
    ::syscall(SYS_execveat, c.init_exe, "", program.args, program.env, AT_EMPTY_PATH);
}
} // namespace

void execute(const Context& c, const Program& program) noexcept {
    if (program.path) ::execve(program.path, program.args, program.env);
    else execute_init(c, program);
    int why = errno;
    if (c.channel >= 0) ::close(c.channel); // says "started"
    refused(program.path ? program.path : "davit-init", why);
}

bool step(Context& c, const ExecuteStep& s) noexcept {
    Vectors v;
    Found found{}; // its rest is what was on the stack before
    bool init = c.init_exe >= 0;
    if (!build(c, s, v) || !check_work_dir(c)) return false;
    if (!init && !find_program(c, v.args[0], v.path, found)) return false;
    if (c.hold && !wait_for_release(c)) return false;
    if (!connect_stdio(c) || (!c.birth && !take_session(c))) return false;
    if (!close_rest(c) || !limit_open_files(c)) return false;
    if (!c.signals_default) default_signals();
    unblock_signals();
    ::umask(c.umask);
    Program program{init ? nullptr : found.path, v.args, v.env};
    if (init) {
        static char self[] = "/sbin/docker-init", dashes[] = "--";
        v.args[-2] = self;
        v.args[-1] = dashes;
        program.args = v.args - 2;
    }
    if (c.birth) return give_birth(c, program);
    if (!load_filter(c) || !drop_to_final(c)) return false;
    Report last{};
    last.kind = ReportKind::launching;
    if (!c.send(last)) return c.fail(Stage::protocol, "launching");
    if (!init) execute(c, program);
    execute_init(c, program);
    return c.fail(Stage::not_executable, "davit-init");
}

} // namespace davit::exec
