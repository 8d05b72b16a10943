// The client's end of a build's supervisor: starts it with the first RUN, runs steps in it, and ends it. One object a
// build; run() may be called from several threads at once and blocks until the step has ended.
#pragma once

#include "base/fd.hpp"
#include "davit/error.hpp"
#include "project/paths.hpp"

#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace davit::build {

struct StepExit {
    int code = 0; // 128 + n: killed by signal n
    bool oom = false;
};

class Worker {
public:
    explicit Worker(Roots roots);
    ~Worker(); // whatever still runs is killed; does not wait for it
    Worker(const Worker&) = delete;

    // "build.<8 hex digits>": the project that the steps' cgroups and run directories are named by.
    const std::string& name() const { return name_; }
    // <run>/projects/<name>/containers/<id>: for the files that a step mounts, secrets among them. It is gone after
    // run(), with this object where a step does not come that far, and with the build's supervisor when this process is
    // killed.
    class StepDirectory {
    public:
        StepDirectory(Worker& worker, const std::string& id); // makes it, once there is a supervisor
        ~StepDirectory();
        StepDirectory(const StepDirectory&) = delete;
        const std::string& path() const { return path_; }

    private:
        std::string path_;
    };

    using Output = std::function<void(int stream, std::string_view bytes)>;
    // steps: runtime::compile()'s. gateway_names: names that the file "hosts" of the step's directory gets for the
    // network's gateway. Errors: what setting up said; interrupted (the step is killed first).
    StepExit run(const std::string& id, const std::string& steps, bool network,
                 const std::vector<std::string>& gateway_names, const Output& output, std::stop_token stop);

private:
    struct Waiting {
        bool held = false, gone = false;
        std::optional<Error> failure;
    };
    template <typename F>
    void settle(std::unique_lock<std::mutex>& hold, const std::string& id, const std::stop_token& stop, F&& done);
    void stand_by();
    void start();
    void kill(const std::string& id);
    void receive();
    void send(const std::string& message, const std::vector<int>& fds);

    Roots roots_;
    std::string name_;
    ProjectPaths paths_;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::map<std::string, Waiting> waiting_; // by step
    UniqueFd socket_;
    bool ended_ = false;
    std::jthread receiver_;
};

} // namespace davit::build
