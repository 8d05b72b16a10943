// Whether something of a project has changed since one looked, as its supervisor and that one's successors tell.
#pragma once

#include "project/paths.hpp"

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>

namespace davit {

class ProjectChanges {
public:
    ProjectChanges(Roots roots, std::string project);

    // Until something has changed, or may have without anybody telling, the limit, or the stop. What changes after
    // this object was made is never missed: look at the records first, then wait. False: it was the limit.
    bool wait(std::optional<std::chrono::nanoseconds> limit, std::stop_token stop);

private:
    void listen(std::stop_token stop);
    bool ring();

    Roots roots_;
    std::string project_;
    std::mutex mutex_;
    std::condition_variable_any woken_;
    bool changed_ = false;
    std::jthread listener_; // last: it ends first
};

} // namespace davit
