// One watched service: what its changed files lead to, done in a thread of its own.
#pragma once

#include "davit/watch.hpp"
#include "engine/watch/plan.hpp"

#include <condition_variable>
#include <map>
#include <mutex>
#include <set>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

namespace davit {

// What containers of a service have got; outlives changes of the configuration.
struct WatchMemory {
    std::set<WatchCopy> synced;       // whatever became of the file since
    std::set<std::string> up_to_date; // ids of the containers that have all of it
    std::set<std::string> pending;    // changes that nothing was done about
};

class ServiceWatch {
public:
    // Everything but memory must outlive it. sink is called from the thread.
    ServiceWatch(Engine& engine, const Project& project, const Service& service, WatchRules rules, WatchMemory& memory,
                 const WatchOptions& options, WatchSink sink);
    // Waits for what is under way; what has not begun goes to memory.
    ~ServiceWatch();
    ServiceWatch(const ServiceWatch&) = delete;

    const WatchRules& rules() const { return rules_; }
    // Begins to work, which ends when stop is requested. first: of the session; what the containers have is as it
    // should be, but for rules with initial_sync.
    void begin(bool first, std::stop_token stop);
    void changed(const std::set<std::string>& paths);
    // Containers of that service may be others.
    void look_if(const std::string& service);

private:
    void work(const std::stop_token& ending);
    void handle(const std::set<std::string>& paths);
    bool rebuild();
    void prune(const std::set<std::string>& images);
    void restart();
    void run_hooks(std::size_t rule);
    void run_hook(const ContainerInfo& container, const ServiceHook& hook);
    // copies to all that have everything else, and everything to the others.
    void bring(const std::vector<WatchCopy>& copies);
    void bring_to(const ContainerInfo& container, const std::vector<WatchCopy>& copies);
    std::vector<ContainerInfo> containers();
    std::vector<WatchCopy> everything() const;
    void tell(WatchEvent::Kind kind, std::string text = {}, std::size_t changes = 0, std::int64_t milliseconds = 0);
    // An Error is told as failed, with what was tried. Whether there was none.
    template <typename F>
    bool attempt(const std::string& what, F&& fn);

    Engine& engine_;
    const Project& project_;
    const Service& service_;
    const WatchRules rules_;
    WatchMemory& memory_;
    const WatchOptions& options_;
    const WatchSink sink_;
    std::stop_token stop_;

    std::mutex mutex_;
    std::condition_variable_any wake_;
    std::set<std::string> pending_;
    bool look_ = false;
    std::jthread thread_; // last: it uses all of the above
};

} // namespace davit
