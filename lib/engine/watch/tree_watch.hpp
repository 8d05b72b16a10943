// Directory trees, watched with inotify.
#pragma once

#include "base/fd.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <unordered_map>
#include <vector>

struct inotify_event;

namespace davit {

// Everything at and below `root` that is there, `root` too; directories that enters() refuses are not entered.
std::set<std::string> list_tree(const std::string& root, const std::function<bool(const std::string&)>& enters);

class TreeWatch {
public:
    using Enters = std::function<bool(const std::string& directory)>;
    // roots: absolute paths of files and directories, normal, without symbolic links; they need not be there yet.
    // Watches from now on: what happens until run() is told by it, and with `since` (ns since the epoch) what has
    // changed from then on. Throws Errc::failed: the kernel gives too few watches (names the sysctl).
    TreeWatch(std::vector<std::string> roots, Enters enters, std::optional<std::int64_t> since = {});

    // Blocks, without a wake-up while nothing happens, until stop is requested; calls changed with the paths that were
    // made, written, moved or removed, in batches: 20 ms after the last new one, 100 ms once they are many, and after
    // 3 s even if there is no end. A file is told when its writer closes it, or has held it open for 200 ms. What was
    // in a directory that went away is told path by path. Throws like the constructor.
    void run(const std::function<void(std::set<std::string>)>& changed, std::stop_token stop);

    // For the next one's `since`: what happened before it was told.
    std::int64_t told_until() const { return quiet_since_; }
    std::size_t watches() const { return directories_.size(); }

private:
    using Clock = std::chrono::steady_clock;
    // ctime in ns since the epoch, from which on what a listing finds is told.
    static constexpr std::int64_t all = std::numeric_limits<std::int64_t>::min();
    static constexpr std::int64_t none = std::numeric_limits<std::int64_t>::max();
    struct Directory {
        int watch = -1;
        std::set<std::string> names; // of those that matter
    };

    void open();
    void place(std::int64_t tell_since);
    void follow(const std::string& directory, std::int64_t tell_since);
    bool add(const std::string& directory, int fd);
    void forget(const std::string& directory, bool tell);
    void rescan();
    void take(const inotify_event& event, const std::string& name);
    void take_entry(std::uint32_t mask, const std::string& path);
    void own_end(const std::string& directory);
    void read_events();
    void tell(const std::string& path);
    void settle_writing(Clock::time_point now);
    Clock::time_point due() const;
    int timeout() const;
    bool inside(const std::string& path) const;     // at or below a root
    bool on_the_way(const std::string& path) const; // above a root
    bool watched(const std::string& directory) const;

    const std::vector<std::string> roots_;
    const Enters enters_;
    UniqueFd inotify_;
    std::map<std::string, Directory> directories_;
    std::unordered_map<int, std::string> by_watch_;
    std::set<std::string> ready_;
    Clock::time_point first_{}, last_{};               // of ready_
    std::map<std::string, Clock::time_point> writing_; // begun, not closed
    std::int64_t quiet_since_ = 0;                     // realtime at which all events had been read
};

} // namespace davit
