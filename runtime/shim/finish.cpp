// The container's end: drain, record, clean up, tell, leave.
#include "runtime/shim/shim.hpp"

#include <cstdio>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

namespace davit::shim {
namespace {

constexpr std::int64_t ms = 1000000;
constexpr std::int64_t slow_reader_limit = 10000 * ms; // a stopped client must not hide the end for ever
constexpr std::int64_t code_limit = 1000 * ms;         // for the exit code of an adopted container
constexpr std::int64_t supervisor_limit = 10000 * ms;  // for somebody to tell
constexpr int most_last_reads = 256;

// linux/pidfd.h of 6.15: the exit code for those who are not the parent, once it was reaped.
struct PidfdInfo {
    std::uint64_t mask, cgroupid;
    std::uint32_t pid, tgid, ppid, ids[8];
    std::int32_t exit_code;
    std::uint32_t rest[2];
};
static_assert(sizeof(PidfdInfo) == 72);
constexpr std::uint64_t info_exit = 1U << 3;

bool code_from_kernel(int pidfd, int* code, int* signal) noexcept {
    PidfdInfo info{};
    info.mask = info_exit;
    if (::ioctl(pidfd, _IOWR(0xFF, 11, PidfdInfo), &info) < 0 || !(info.mask & info_exit)) return false;
    *signal = info.exit_code & 0x7f;
    *code = *signal ? 128 + *signal : info.exit_code >> 8 & 0xff;
    return true;
}

} // namespace

void Shim::init_ended(int code, int signal, bool known) noexcept {
    if (recorded_) return;
    if (phase_ != Phase::ended) finish_by_ns_ = monotonic_ns() + (known ? slow_reader_limit : code_limit);
    phase_ = Phase::ended;
    if (finished_ns_ == 0) finished_ns_ = realtime_ns();
    exit_code_ = code;
    exit_signal_ = signal;
    exit_known_ = known;
    if (!known) exit_known_ = code_from_kernel(init_pidfd_.get(), &exit_code_, &exit_signal_);
}

// Never waits for the end of the streams: in `pid: host` an orphan may hold them, and write on. What a pipe holds is
// read.
void Shim::try_finish() noexcept {
    if (phase_ != Phase::ended || start_failed_) return;
    bool late = monotonic_ns() >= finish_by_ns_;
    if (!recorded_) {
        if (!exit_known_) exit_known_ = code_from_kernel(init_pidfd_.get(), &exit_code_, &exit_signal_);
        if (!exit_known_ && !late) return set_timer(2 * ms);
        for (Stream& s : streams_)
            while (s.fd && !held_back() && s.last_reads < most_last_reads && read_stream(s)) ++s.last_reads;
        if (held_back()) {
            if (!late) return set_timer(100 * ms);
            for (int i = 0; i < max_connections; ++i)
                if (connections_[i].pending) drop_connection(i);
            return set_timer(0);
        }
        for (Stream& s : streams_) log_rest(s);
        log_.flush();
        oom_ = cgroups_.oom_kills() > oom_before_;
        write_exit_record();
        cgroups_.remove(2000);
        recorded_ = true;
        finish_by_ns_ = monotonic_ns() + supervisor_limit;
        ExitBody body{exit_code_, exit_signal_, exit_known_, oom_, finished_ns_};
        if (oom_) {
            CountBody count{1, 0, 0};
            send_supervisor(Type::oom, &count, sizeof count);
        }
        broadcast(Type::exited, &body, sizeof body);
        if (supervisor_connection() >= 0 || !config_.supervisor) leave(0);
        late = false;
    }
    // The supervisor is gone and the restart policy is its business: stay until it is back.
    if (int index = supervisor_connection(); index >= 0) {
        ExitBody body{exit_code_, exit_signal_, exit_known_, oom_, finished_ns_};
        send(index, Type::exited, 0, &body, sizeof body);
        leave(0);
    }
    if (late) leave(0);
}

void Shim::write_exit_record() noexcept {
    exec::TextBuffer<512> json;
    auto flag = [](bool b) { return b ? "true" : "false"; };
    json.text << "{\"format\":1,\"pid\":" << init_ << ",\"start_time\":" << init_start_
              << ",\"started_ns\":" << started_ns_ << ",\"finished_ns\":" << finished_ns_ << ",\"code\":" << exit_code_
              << ",\"signal\":" << exit_signal_ << ",\"known\":" << flag(exit_known_) << ",\"oom\":" << flag(oom_)
              << "}\n";
    Fd dir(::openat(run_dir_.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    Fd file(::openat(dir.get(), "exit.json.tmp", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600));
    std::size_t size = std::strlen(json.c_str());
    if (!file || ::write(file.get(), json.c_str(), size) != static_cast<ssize_t>(size)) return;
    ::fsync(file.get());
    ::renameat(dir.get(), "exit.json.tmp", dir.get(), "exit.json");
    ::fsync(dir.get());
}

void Shim::leave(int status) noexcept {
    log_.flush();
    if (listener_) ::unlinkat(run_dir_.get(), "shim.sock", 0);
    ::_exit(status);
}

} // namespace davit::shim
