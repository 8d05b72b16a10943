// davit-shim: the parent of one container. One thread, one epoll, all memory static. It starts the
// container from its steps, reads its output into the log and to attached clients, runs more
// processes in it, reaps everything, writes the exit record, and looks after the supervisor.
#pragma once

#include "runtime/exec/cgroups.hpp"
#include "runtime/exec/context.hpp"
#include "runtime/shim/config.hpp"
#include "runtime/shim/log_writer.hpp"
#include "runtime/shim/protocol.hpp"

#include <cstdint>
#include <sys/types.h>

namespace davit::shim {

using exec::Fd;

inline constexpr int max_connections = 32;
inline constexpr int max_execs = 64;
inline constexpr int max_tags = 16;
inline constexpr int no_connection = -1;

struct Connection {
    Fd fd;
    std::uint32_t generation = 0; // tells a new connection in this place from the old one
    bool greeted = false, supervisor = false;
    std::uint32_t attach = 0; // AttachFlag; 0: not attached
    bool wrote_input = false, input_paused = false;
    std::uint32_t pending = 0; // bytes of its frame that did not go out yet
};

struct Stream { // stdout, stderr or the terminal
    Fd fd;
    int number = 1;
    bool armed = false;
    bool partial = false; // the line's first part is in the log already
    std::int64_t line_time = 0;
    std::size_t used = 0;
    int last_reads = 0; // since its container has ended
    char line[16384];   // Docker's limit of one log entry
};

// A helper makes the process (exec/birth.hpp): its end says that the program runs, or that there is none.
struct Exec {
    enum class State { unused, starting, running };
    State state = State::unused;
    pid_t helper = 0, pid = 0; // 0: not there yet, or no more
    Fd channel, console;
    int connection = no_connection;
    std::uint32_t generation = 0, request = 0;
    bool failed = false, ended = false; // ended: before its helper
    int code = 0, signal = 0, wanted_signal = 0;
};

struct Parked {
    char tag[64] = "";
    Fd fds[max_fds];
    std::uint32_t count = 0;
};

class Shim {
public:
    // arguments: argv and the environment, as they stand in memory.
    Shim(const Config& config, exec::Area arguments, exec::Area request) noexcept
        : config_(config), arguments_(arguments), request_(request) {}
    [[noreturn]] void run() noexcept;

private:
    enum class Source : std::uint32_t {
        signals,
        timer,
        listener,
        connection,
        stream,
        input,
        init_channel,
        exec_channel,
        init_pidfd
    };
    enum class Phase { starting, held, running, ended };

    // shim.cpp: loop
    void set_up() noexcept;
    void become_the_only_one() noexcept;
    bool watch(int fd, std::uint32_t events, Source source, std::uint32_t index, bool add = true) noexcept;
    void unwatch(int fd) noexcept;
    void dispatch(Source source, std::uint32_t index, std::uint32_t events) noexcept;
    void set_timer(std::int64_t delay_ns) noexcept;
    void on_timer() noexcept;
    void reap() noexcept;

    // start.cpp
    bool map_steps() noexcept;
    void start_container() noexcept;
    void adopt_container() noexcept;
    bool make_streams(int container_side[3]) noexcept;
    pid_t clone_init(int container_side[3], int channel) noexcept;
    void on_init_channel() noexcept;
    void fail_start(const exec::Report& why) noexcept;
    void started() noexcept;
    exec::Birth* birth_place(std::size_t index) noexcept;
    void prepare_helper(exec::Context& c, exec::Birth* birth) noexcept;
    [[noreturn]] void become_init() noexcept;
    void meet_init() noexcept;
    void init_helper_ended() noexcept;
    void release() noexcept;
    static void pass_warning(void* self, const exec::Report& report) noexcept;

    // execs.cpp
    void start_exec(int connection, std::uint32_t request, const ExecBody& body, int* fds,
                    std::uint32_t count) noexcept;
    void on_exec_channel(std::uint32_t index) noexcept;
    void exec_failed(int connection, std::uint32_t request, exec::Report why) noexcept;
    bool init_gone() const noexcept;
    void exec_ended(Exec& e, int code, int signal) noexcept;
    void exec_helper_ended(Exec& e) noexcept;
    void reaped_exec(pid_t pid, int code, int signal) noexcept;
    void meet_exec(Exec& e) noexcept;
    int signal_exec(Exec& e, int signal) noexcept;
    Exec* find_exec(int connection, std::uint32_t request) noexcept;
    bool owns(const Exec& e) const noexcept;

    // connections.cpp
    void open_socket() noexcept;
    void accept_connection() noexcept;
    int add_connection(int fd) noexcept;
    void drop_connection(int index) noexcept;
    void on_connection(int index, std::uint32_t events) noexcept;
    bool send(int index, Type type, std::uint32_t request, const void* body, std::uint32_t size,
              const int* fds = nullptr, std::uint32_t count = 0, const void* data = nullptr,
              std::uint32_t data_size = 0) noexcept;
    void send_supervisor(Type type, const void* body, std::uint32_t size, const int* fds = nullptr,
                         std::uint32_t count = 0) noexcept;
    void broadcast(Type type, const void* body, std::uint32_t size) noexcept;
    void reply(int index, std::uint32_t request, int errnum) noexcept;
    void greet(int index) noexcept; // a supervisor: tells where things stand
    int supervisor_connection() const noexcept;

    // requests.cpp
    void handle(int index, const Header& head, const char* body, int* fds, std::uint32_t count) noexcept;
    void attach(int index, std::uint32_t request, const AttachBody& body) noexcept;
    void status(int index, std::uint32_t request) noexcept;
    void park(int index, std::uint32_t request, const TagBody& body, int* fds, std::uint32_t count) noexcept;
    void send_parked(int index, std::uint32_t request) noexcept;
    int signal_init(int signal) noexcept;
    int update(int steps_fd) noexcept;
    int resize(std::uint16_t rows, std::uint16_t columns) noexcept;

    // streams.cpp
    void on_stream(std::uint32_t index) noexcept;
    bool read_stream(Stream& s) noexcept; // false: nothing there now
    void log_lines(Stream& s) noexcept;
    void log_rest(Stream& s) noexcept;
    void forward(const Stream& s, const char* data, std::size_t size) noexcept;
    bool held_back() const noexcept; // a lossless client has not read yet
    void arm_streams() noexcept;
    void report_loss() noexcept;
    void take_input(int index, const char* data, std::uint32_t size) noexcept;
    void on_input_writable() noexcept;
    void close_input() noexcept;
    void send_stdio(int index) noexcept;

    // finish.cpp
    void init_ended(int code, int signal, bool known) noexcept;
    void try_finish() noexcept;
    void write_exit_record() noexcept;
    [[noreturn]] void leave(int status) noexcept;

    // rescue.cpp
    void supervisor_lost() noexcept;
    void rescue() noexcept;
    void spawn_supervisor(int lock_fd) noexcept;

    Config config_;
    exec::Area arguments_, request_;
    exec::Birth* births_ = nullptr; // shared with helpers: of the execs, and of an init
    Fd life_;                       // its lock says that this container has a shim
    Fd epoll_, signals_, timer_, listener_, run_dir_, init_pidfd_, own_pid_ns_, self_exe_;
    exec::Context context_; // of the container's init; kept for its steps only until it has started
    void* steps_memory_ = nullptr;
    std::size_t steps_size_ = 0;
    exec::Cgroups cgroups_;
    std::uint64_t oom_before_ = 0;

    Phase phase_ = Phase::starting;
    pid_t init_ = 0, init_helper_ = 0; // the same, until that has made it
    bool init_ended_early_ = false;    // before its helper
    std::uint64_t init_start_ = 0;
    std::int64_t started_ns_ = 0, finished_ns_ = 0;
    bool adopted_ = false, launched_ = false, start_failed_ = false, terminal_ = false, release_wanted_ = false;
    int exit_code_ = 0, exit_signal_ = 0;
    bool exit_known_ = true, oom_ = false, recorded_ = false;
    std::int64_t finish_by_ns_ = 0;
    Fd init_channel_;

    Connection connections_[max_connections];
    // Apart from the connections, so that those of a shim without clients share one page.
    char frames_[max_connections][sizeof(Header) + sizeof(OutputBody) + 16384];
    Stream streams_[2];
    Exec execs_[max_execs];
    Parked parked_[max_tags];
    Fd input_; // write end of stdin, or the terminal
    bool input_armed_ = false;
    bool input_close_wanted_ = false;
    std::uint32_t input_used_ = 0, input_done_ = 0;
    char input_data_[max_data];
    char receive_[sizeof(Header) + max_data];

    unsigned rescue_tries_ = 0;
    std::uint64_t jitter_ = 0;
    LogWriter log_;
};

std::int64_t realtime_ns() noexcept;
std::int64_t monotonic_ns() noexcept;
// A number of /proc/PID/stat, by its field in proc(5), from 4 on; 0: gone.
std::uint64_t process_number(pid_t pid, int field) noexcept;
std::uint64_t process_start_time(pid_t pid) noexcept;

} // namespace davit::shim
