#include "supervisor/client/connection.hpp"

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/process.hpp"
#include "base/programs.hpp"
#include "base/sys.hpp"
#include "project/store.hpp"
#include "supervisor/client/protocol.hpp"

#include <cerrno>
#include <charconv>
#include <csignal>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>

namespace davit::supervisor {

namespace {
using namespace std::chrono_literals;
constexpr auto hello_limit = 20s;      // a busy machine starts it late; one that is stopped is told at once
constexpr auto awake_interval = 500ms; // whether the supervisor was stopped
constexpr auto takeover_limit = 5s;    // another process is starting the supervisor at this moment
} // namespace

bool Connection::send(const json::Value& message) {
    if (sys::send_with_fds(fd_.get(), encode_frame(json::dump(message)), {})) return true;
    ended_ = true;
    return false;
}

std::optional<json::Value> Connection::next() {
    auto frame = reader_.next();
    if (!frame) return std::nullopt;
    return std::make_optional<json::Value>(json::parse_text(*frame));
}

bool Connection::read() {
    char buffer[65536];
    ssize_t n = ::recv(fd_.get(), buffer, sizeof buffer, MSG_DONTWAIT);
    if (n < 0) {
        ended_ = errno != EAGAIN && errno != EINTR;
        return !ended_;
    }
    reader_.feed({buffer, static_cast<std::size_t>(n)});
    ended_ = n == 0;
    return n > 0;
}

namespace {

Error stopped_supervisor(pid_t pid, const std::string& project) {
    return error(Errc::unavailable, "davit-supervisor (pid {}) of project {} is stopped and does not answer", pid,
                 project)
        .with_hint(fmt::format("let it go on: kill -CONT {}", pid));
}

} // namespace

void Connection::require_awake() const {
    if (pid_ != 0 && sys::is_stopped(pid_)) throw stopped_supervisor(pid_, project_);
}

std::optional<json::Value> Connection::wait(std::chrono::milliseconds limit) {
    auto until = std::chrono::steady_clock::now() + limit;
    for (;;) {
        if (auto message = next()) return message;
        auto left = std::chrono::ceil<std::chrono::milliseconds>(until - std::chrono::steady_clock::now());
        if (left <= 0ms) return std::nullopt;
        pollfd p{fd_.get(), POLLIN, 0};
        if (::poll(&p, 1, static_cast<int>(left.count())) > 0 && !read()) return next();
    }
}

namespace {

enum class Greeting { welcome, taken, gone };

// The answer to the hello. One that is starting, or busy, gets its time; one that is stopped will not answer.
std::optional<json::Value> first_answer(Connection& c) {
    const auto until = std::chrono::steady_clock::now() + hello_limit;
    while (!c.ended() && std::chrono::steady_clock::now() < until) {
        if (auto answer = c.wait(awake_interval)) return answer;
        if (!c.ended()) c.require_awake();
    }
    return std::nullopt;
}

Greeting greet(Connection& c, const std::string& project) {
    if (!c.send({{"type", "hello"}, {"proto", supervisor_proto}})) return Greeting::gone;
    auto answer = first_answer(c);
    if (!answer && !c.ended() && c.pid() != 0)
        throw error(Errc::unavailable, "davit-supervisor (pid {}) of project {} does not answer within {} s", c.pid(),
                    project, hello_limit.count());
    if (!answer) return Greeting::gone;
    auto type = answer->value("type", "");
    if (type == "taken") return Greeting::taken;
    if (type == "failed")
        throw error(Errc::unavailable, "the supervisor could not start: {}", answer->value("text", ""));
    int proto = answer->value("proto", 0);
    if (type != "hello" || proto != supervisor_proto)
        throw error(Errc::unsupported, "the running supervisor is of davit {} and speaks protocol {}, not {}",
                    answer->value("version", "?"), proto, supervisor_proto)
            .with_hint(fmt::format("end it (kill {}): containers go on, and the next command starts this davit's own",
                                   answer->value("pid", 0)));
    c.know(answer->value("pid", 0), project);
    return Greeting::welcome;
}

std::optional<Connection> try_connect(const ProjectPaths& paths, const std::string& project) {
    try {
        Connection c(sys::connect_unix(paths.supervisor_socket(), SOCK_STREAM));
        c.know(sys::peer_of(c.fd()).pid, project);
        // One that ends at this moment takes the connection and does not answer.
        if (greet(c, project) == Greeting::welcome) return c;
    } catch (const Error& e) {
        int code = e.os().value();
        if (code != ENOENT && code != ECONNREFUSED && code != ECONNRESET && code != ENOTDIR) throw;
    }
    return std::nullopt;
}

// By its command line: one that was stopped while it started has no socket yet.
pid_t find_supervisor(const Roots& roots, const std::string& project) {
    auto word = [](const std::string& text) { return std::string(1, '\0') + text + '\0'; };
    for (const auto& name : list_directory("/proc")) {
        pid_t pid = 0;
        if (std::from_chars(name.data(), name.data() + name.size(), pid).ec != std::errc()) continue;
        const std::string line = read_file_if_exists("/proc/" + name + "/cmdline").value_or("");
        if (line.find("davit-supervisor") == std::string::npos ||
            line.find(word("--project").substr(0, 10) + word(project)) == std::string::npos ||
            line.find(word(roots.run)) == std::string::npos)
            continue;
        return pid;
    }
    return 0;
}

// Nothing: it was killed before it could begin, as by the OOM killer.
UniqueFd spawn(const Roots& roots, const std::string& project, bool guarded, int& kills) {
    FdPair pair = sys::socket_pair(SOCK_STREAM);
    SpawnOptions o;
    o.argv = {find_program("davit-supervisor"),
              "--project",
              project,
              "--state-dir",
              roots.state,
              "--run-dir",
              roots.run,
              "--client-fd",
              "3"};
    if (guarded) o.argv.emplace_back("--guarded");
    UniqueFd null = sys::open("/dev/null", O_RDWR);
    o.fds = {{null.get(), 0}, {null.get(), 1}, {null.get(), 2}, {pair.second.get(), 3}};
    o.new_session = true;
    constexpr int most_kills = 5;
    ExitStatus status = Child::spawn(o).wait(); // it forks and ends at once: its successor is nobody's child
    if (status.signal == SIGKILL && ++kills <= most_kills) return {};
    if (status.signal == SIGKILL)
        throw error(Errc::unavailable, "the supervisor of project {} is killed whenever it starts", project)
            .with_hint("does the machine have memory left? dmesg tells of the OOM killer");
    if (status.code != 0)
        throw error(Errc::unavailable, "the supervisor could not start: {} ended with status {}", o.argv[0],
                    status.code)
            .with_hint("the program may be damaged or of another davit: reinstall davit");
    return std::move(pair.first);
}

} // namespace

std::optional<Connection> connect_supervisor(const Roots& roots, const std::string& project) {
    return try_connect(ProjectPaths(roots, project), project);
}

Connection start_supervisor(const Roots& roots, const std::string& project, bool guarded) {
    ProjectPaths paths(roots, project);
    auto until = std::chrono::steady_clock::now() + takeover_limit;
    auto pause = 1ms;
    for (int kills = 0;;) {
        if (auto c = try_connect(paths, project)) return std::move(*c);
        UniqueFd fresh = spawn(roots, project, guarded, kills);
        if (!fresh) continue;
        Connection c(std::move(fresh));
        if (greet(c, project) == Greeting::welcome) return c;
        // Its lock is held: one starts, ends, or was just killed (the kernel frees the lock some ms later).
        if (std::chrono::steady_clock::now() > until) {
            if (const pid_t pid = find_supervisor(roots, project); pid != 0 && sys::is_stopped(pid))
                throw stopped_supervisor(pid, project);
            throw error(Errc::unavailable, "the supervisor of project {} does not answer, and its lock {} is held",
                        project, paths.supervisor_lock());
        }
        ::poll(nullptr, 0, static_cast<int>(pause.count()));
        pause = std::min(pause * 2, std::chrono::milliseconds(50));
    }
}

} // namespace davit::supervisor
