// What would hold up the loop for more than 5 ms is done in another process, one job after the
// other: fsync, waiting for machine locks and RCU grace periods, removal of trees.
#pragma once

#include "base/event_loop.hpp"
#include "base/fd.hpp"
#include "davit/error.hpp"
#include "supervisor/client/frame.hpp"

#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <sys/types.h>
#include <vector>

namespace davit::supervisor {

struct HelperJob {
    enum class Kind {
        remove_trees,   // paths; missing ones are fine
        sync,           // fsync of paths and of their directories; missing ones are fine
        commit_network, // text: net::encode_state(); brings the kernel's table along, opens foreign firewalls;
                        // then removes paths: bridges, or with a group everything in it
        heal_network,   // what others changed
        flush_flows,    // text: encode_flows(); in the namespaces of paths, those that are still there
        unplug,         // paths: a network namespace; text: the interface that goes. Missing is fine
        remove_cgroups, // paths: groups below each hierarchy; text kill_first: with what is in them
        create_volume,  // text: VolumeRecord
        remove_volume,  // text: its name
        fill_volume,    // paths: its directory, which is left alone unless it is empty, then an image's layers; text:
                        // the directory in the image that it takes after
    };
    Kind kind{};
    std::vector<std::string> paths;
    std::string text;
    std::uint32_t group = 0;
    std::string state_dir, run_dir; // roots
};

inline constexpr char kill_first[] = "kill";

std::string encode_job(const HelperJob& job);
HelperJob decode_job(const std::string& text);
// Blocking: what the helper process does.
void perform(const HelperJob& job);
// The helper's main: jobs from the socket, answers to it, until its end.
inline constexpr int helper_fd = 3;
int helper_main(int socket);

// The supervisor's side. The process is started with the first job and ends when none came for a while.
class Helper {
public:
    using Done = std::function<void(const Error* error)>;

    explicit Helper(EventLoop& loop) : loop_(loop) {}
    void run(const HelperJob& job, Done done);
    // Starts the process ahead of its first job.
    void prepare();
    bool busy() const { return !waiting_.empty(); }
    // Ends the process if it is idle; the next job starts another.
    void release();
    // Ends the process, which must be idle, and waits for it.
    void stop();

private:
    void start();
    void flush();
    void on_event(std::uint32_t events);
    void read_answers();
    void lost();
    void end_when_idle();

    EventLoop& loop_;
    UniqueFd socket_;
    pid_t pid_ = 0;
    EventLoop::Watch watch_, idle_;
    FrameReader reader_;
    std::string out_;
    std::deque<Done> waiting_; // answers come in the order of the jobs
};

} // namespace davit::supervisor
