// What is said over a shim's sockets (SOCK_SEQPACKET: one message, one record): a header and a fixed
// body, descriptors by SCM_RIGHTS. run_dir/shim.sock is 0600 in a 0700 directory and SO_PEERCRED is
// checked. Both sides accept only their own protocol number; a newer one is refused by name.
#pragma once

#include "runtime/exec/report.hpp"

#include <cstdint>

namespace davit::shim {

inline constexpr std::uint32_t magic = 0x48535644; // "DVSH"
inline constexpr std::uint16_t protocol = 1;
inline constexpr std::uint32_t max_data = 32768; // of input and output
inline constexpr std::uint32_t max_fds = 32;     // in one message

enum class Type : std::uint16_t {
    // requests
    hello = 1,   // HelloBody; first on a connection by path
    release,     // ends "held"
    signal,      // SignalBody
    exec,        // ExecBody; fds: steps, then stdin, stdout, stderr, or the last two, or none (/dev/null for
                 // what is missing); none with a terminal
    signal_exec, // SignalBody
    resize,      // SizeBody
    attach,      // AttachBody
    input,       // bytes
    close_input,
    pause,
    unpause,
    status,
    rotate,      // nobody sends it any more; shims of earlier versions know it
    update,      // fd: steps
    park,        // TagBody; fds
    get_parked,  // answered by one `parked` per tag
    report_exit, // ExitBody

    // events and answers
    started = 64,  // StartedBody
    held,          // StartedBody
    start_failed,  // Report
    warning,       // Report
    exited,        // ExitBody
    oom,           // CountBody
    log_truncated, // CountBody
    stdio_fds,     // MaskBody; fds
    exec_started,  // StartedBody; fd with a terminal
    exec_failed,   // Report
    exec_exited,   // ExitBody
    output,        // OutputBody, bytes
    reply,         // ReplyBody
    status_is,     // StatusBody
    parked,        // TagBody; fds
};

struct Header {
    std::uint32_t magic;
    std::uint16_t protocol;
    Type type;
    std::uint32_t request; // echoed in what belongs to it
    std::uint32_t size;    // of the body
};

enum Role : std::uint32_t { role_client = 0, role_supervisor = 1 };
struct HelloBody {
    std::uint32_t role;
};
struct SignalBody {
    std::uint32_t exec;
    std::int32_t signal;
};
struct ExecBody {
    std::uint16_t rows, columns;
};
struct SizeBody {
    std::uint16_t rows, columns;
};
enum AttachFlag : std::uint32_t { attach_input = 1, attach_output = 2, attach_errors = 4, attach_lossless = 8 };
struct AttachBody {
    std::uint32_t flags;
    std::uint16_t rows, columns;
};
struct TagBody {
    char tag[64];
    std::uint32_t last, reserved;
};
struct ExitBody {
    std::int32_t code, signal;
    std::uint32_t known, oom;
    std::int64_t time_ns;
};
struct StartedBody {
    std::int32_t pid;
    std::uint32_t reserved;
    std::uint64_t start_time;
    std::int64_t time_ns;
};
struct CountBody {
    std::uint64_t count;
    std::int32_t errnum;
    std::uint32_t reserved;
};
enum StdioBit : std::uint32_t { stdio_in = 1, stdio_out = 2, stdio_err = 4, stdio_console = 8 }; // in this order
struct MaskBody {
    std::uint32_t mask;
};
struct OutputBody {
    std::uint32_t stream;
};
struct ReplyBody {
    std::int32_t errnum;
};
struct StatusBody {
    std::int32_t pid, shim_pid;
    std::uint64_t start_time;
    std::int64_t started_ns;
    std::uint32_t running, held, paused, execs, attached, reserved;
};

} // namespace davit::shim
