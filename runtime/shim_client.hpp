// Starting and talking to davit-shim, from the supervisor and from commands. Nothing here blocks
// except start_shim() (a spawn, 0.5 ms) and wait_*; receive() never does. Not thread-safe.
#pragma once

#include "base/fd.hpp"
#include "base/process.hpp"
#include "davit/error.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <sys/types.h>
#include <utility>
#include <variant>
#include <vector>

namespace davit::runtime {

struct ShimLog {
    enum class Driver { json_file, none }; // Docker's "local" is json_file here
    Driver driver = Driver::json_file;
    std::string path;           // <…>/<id>-json.log; its directory exists
    std::uint64_t max_size = 0; // bytes; 0: no rotation
    unsigned max_files = 1;     // with rotation: this many files, path, path.1, …
};

// A running container whose shim died.
struct Adopted {
    pid_t pid = 0;
    std::uint64_t start_time = 0;
    // As received in StdioFds; -1 when lost (the new shim then takes init's own by pidfd_getfd).
    int stdin_write = -1, stdout_read = -1, stderr_read = -1, console = -1;
};

struct ShimStart {
    std::string shim_path; // davit-shim; a sealed copy of it is what runs
    int shim_exe = -1;     // sealed_copy(shim_path), kept by a caller who starts many
    std::string id;        // for `ps` and the session keyring
    std::string run_dir;   // exists, 0700: shim.sock and exit.json are made there
    ShimLog log;
    int steps_fd = -1; // file or memfd with compile()'s bytes
    // Namespaces with NsMode::passed; closed by the caller after start_shim().
    int net_ns = -1, ipc_ns = -1, pid_ns = -1, uts_ns = -1;
    int peer_pidfd = -1;          // Mount::Kind::peer
    int pid_peer_pidfd = -1;      // a process of the container whose pid namespace is joined
    bool hold_for_attach = false; // init is ready, but executes only after Attach (or release())
    bool stdin_once = false;      // stdin closes when the attached client that wrote to it leaves
    // What to run when the supervisor is gone: its lock is taken, the locked fd handed over as fd 3
    // and argv executed with "--lock-fd 3" appended. Empty: the shim only waits for a connection.
    std::vector<std::string> supervisor_argv;
    std::string supervisor_lock;
    std::optional<Adopted> adopt;
};

// ---- what arrives
struct Started {
    pid_t pid = 0;
    std::uint64_t start_time = 0;
    std::int64_t time_ns = 0;
};
struct Held {
    pid_t pid = 0;
};                   // hold_for_attach: set up, waiting for Attach
struct StartFailed { // the container never ran; nothing is left of it
    Error error;     // "while setting up …"; exit_code() 127 not found, 126 not executable, else 125's kind
};
struct Warning {
    std::string text;
};
struct Exited {   // also to each attached client, after the last output. The shim ends after it.
    int code = 0; // exit code or 128 + signal
    int signal = 0;
    bool known = true; // false: lost with an earlier shim
    bool oom = false;
    std::int64_t time_ns = 0; // realtime
};
struct OomEvent {
    std::uint64_t kills = 0;
};
struct LogTruncated {
    std::uint64_t bytes = 0;
    int errnum = 0;
}; // output that could not be written to the log
// To the supervisor, to be kept for Adopted. A later one takes the place of the earlier: an open copy
// of stdin_write keeps the container from seeing its end.
struct StdioFds {
    UniqueFd stdin_write, stdout_read, stderr_read, console;
};
struct ExecStarted {
    std::uint32_t exec = 0;
    pid_t pid = 0;
    std::uint64_t start_time = 0;
    UniqueFd console;
};
struct ExecFailed {
    std::uint32_t exec = 0;
    Error error;
};
struct ExecExited {
    std::uint32_t exec = 0;
    int code = 0;
    int signal = 0;
};
struct Output {
    int stream = 1;
    std::string data;
}; // Attach: 1 stdout (and a terminal), 2 stderr
struct Reply {
    std::uint32_t request = 0;
    int errnum = 0;
}; // of signal, pause, resize …: 0 is success
struct ShimStatus {
    std::uint32_t request = 0;
    pid_t pid = 0, shim_pid = 0;
    std::uint64_t start_time = 0;
    std::int64_t started_ns = 0;
    bool running = false, held = false, paused = false;
    unsigned execs = 0, attached = 0;
};
struct ParkedFds {
    std::string tag;
    std::vector<UniqueFd> fds;
    bool last = false;
};
struct Disconnected {}; // the shim is gone

using ShimEvent = std::variant<Started, Held, StartFailed, Warning, Exited, OomEvent, LogTruncated, StdioFds,
                               ExecStarted, ExecFailed, ExecExited, Output, Reply, ShimStatus, ParkedFds, Disconnected>;

struct ExecRequest {
    int steps_fd = -1; // compile_exec()
    // Pipes made for the purpose: never the caller's own terminal or files, nor a device of the host. Without
    // stdin, or without all three, the container's own /dev/null. Unused with a terminal.
    int stdin_fd = -1, stdout_fd = -1, stderr_fd = -1;
    std::uint16_t rows = 0, columns = 0; // with a terminal
};
struct AttachRequest {
    bool input = false, output = true, errors = true;
    // true: a slow reader slows the container down, as a pipe would. false: it is cut off.
    bool lossless = true;
    std::uint16_t rows = 0, columns = 0;
};

// Whether the container has a shim, even one that does not listen yet (or any more).
bool shim_lives(const std::string& run_dir);
// The process of the shim, if it listens; it need not answer.
pid_t shim_pid(const std::string& run_dir);

class ShimConnection {
public:
    enum class Role { client, supervisor };
    // run_dir/shim.sock. Empty when no shim listens there. Role::supervisor takes the place of the lost one and gets
    // StdioFds, then Started or Exited as things are.
    static std::optional<ShimConnection> connect(const std::string& run_dir, Role role = Role::client);
    ShimConnection() = default; // connected to nothing: receive() gives Disconnected
    explicit ShimConnection(UniqueFd socket);
    ShimConnection(ShimConnection&&) noexcept = default;
    ShimConnection& operator=(ShimConnection&&) noexcept = default;

    int fd() const { return socket_.get(); } // watch for EPOLLIN
    // The next message; nothing when there is none now. After Disconnected there is never more.
    std::optional<ShimEvent> receive();
    // Blocks until a message of this kind; others are dropped. Throws unavailable after the limit or at the end.
    template <typename T>
    T wait_for(std::chrono::milliseconds limit) {
        for (;;) {
            ShimEvent event = wait_any(limit);
            if (T* found = std::get_if<T>(&event)) return std::move(*found);
        }
    }
    ShimEvent wait_any(std::chrono::milliseconds limit);

    // Requests. Those that return a number get a Reply, ShimStatus or ParkedFds with it.
    void release(); // ends hold_for_attach without attaching
    std::uint32_t signal(int signal);
    std::uint32_t exec(const ExecRequest& request); // the number is ExecStarted::exec
    std::uint32_t signal_exec(std::uint32_t exec, int signal);
    std::uint32_t resize(std::uint16_t rows, std::uint16_t columns);
    std::uint32_t attach(const AttachRequest& request);
    // Attached with input. false: the shim does not take more now (EPOLLOUT tells when).
    bool send_input(std::string_view data); // at most 32 KiB
    void close_input();
    std::uint32_t pause();
    std::uint32_t unpause();
    std::uint32_t status();
    std::uint32_t update_limits(int steps_fd);
    // Copies kept by the shim across a crash of the supervisor; the same tag replaces, no fds drops.
    std::uint32_t park(const std::string& tag, const std::vector<int>& fds);
    std::uint32_t get_parked(); // one ParkedFds per tag, the last (maybe empty) with last = true
    // The supervisor reaped init (its shim had died): what waitid said.
    void report_exit(int code, int signal);

private:
    std::uint32_t request(std::uint16_t type, std::string_view body, const std::vector<int>& fds = {});
    UniqueFd socket_;
    std::uint32_t last_request_ = 0;
};

struct Shim {
    Child process;          // reap it: its end means that the cgroups are gone and a restart may begin
    ShimConnection control; // Role::supervisor
};
// Returns when the shim is spawned; Started, Held or StartFailed follows.
Shim start_shim(const ShimStart& start);
// Starts many: one davit-shim waits and becomes a shim by clone for each start, which then costs a tenth
// of a millisecond and no waiting. The shims are children of the calling process, as start_shim()'s.
class ShimNursery {
public:
    ShimNursery() = default;
    ShimNursery(const ShimNursery&) = delete;
    ~ShimNursery() { stop(); }
    // As start_shim(), which it falls back to; the end of the shim is for the caller to reap (P_ALL).
    ShimConnection start(const ShimStart& start);
    // Starts the nursery ahead of its first shim.
    void prepare(int shim_exe);
    // It ends; its shims go on.
    void release() { socket_.reset(); }
    // And is waited for.
    void stop();

private:
    void open(int shim_exe, std::size_t room);
    UniqueFd socket_, pidfd_;
    pid_t pid_ = 0;
    std::size_t room_ = 0; // bytes of arguments that fit into its own
};
// A sealed memfd of the program, or where vm.memfd_noexec forbids it a read-only detached bind mount.
UniqueFd sealed_copy(const std::string& path);

} // namespace davit::runtime
