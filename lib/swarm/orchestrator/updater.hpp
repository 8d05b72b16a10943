// A rolling update or roll-back of one service: slots one after another, watched for failures.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <vector>

namespace davit::swarm {

class ServiceState;
struct Entry;
struct Round;

class Updater {
public:
    // The slots that stay are compared with the specification; those that differ are to be replaced. What was under
    // way ends here, its tasks stay.
    void begin(ServiceState& service, const std::vector<std::uint64_t>& slots, const Round& round);
    void step(ServiceState& service, const Round& round);
    std::int64_t next_time() const { return wake_; }

private:
    struct Config;
    struct Made { // a task that this update has made, while it is of interest
        std::string task;
        std::int64_t done_at = 0;            // running, or ended without
        bool judged = false, failed = false; // its end, once
    };
    static Config config_of(const ServiceState& service);
    void resume(const ServiceState& service);
    void watch(ServiceState& service, Made& made, const Config& config, std::int64_t now);
    void shut_others(ServiceState& service, const Entry& made, std::int64_t now);
    // A failure too many: paused or rolled back.
    bool gives_up(ServiceState& service, const Config& config, const std::string& task);
    bool replace(ServiceState& service, std::uint64_t slot, const Config& config, const Round& round);
    void go_on(ServiceState& service, const Config& config, const Round& round);
    void finish(ServiceState& service, std::int64_t now);

    std::deque<std::uint64_t> queue_;
    std::vector<Made> made_;
    std::size_t total_ = 0, failures_ = 0;
    std::int64_t free_at_ = 0; // when the last worker was done, its delay included
    std::int64_t wake_ = 0;
};

} // namespace davit::swarm
