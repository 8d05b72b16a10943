// The supervisor of one build: starts the RUN steps' shims, and ends with the build's socket. What it answers:
// supervisor/client/build_protocol.hpp. Single-threaded; a step's namespace is made in its loop.
#pragma once

#include "base/event_loop.hpp"
#include "base/fd.hpp"
#include "project/paths.hpp"
#include "runtime/shim_client.hpp"
#include "supervisor/build/build_network.hpp"
#include "supervisor/helper/reaper.hpp"

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace davit::supervisor {

class BuildSupervisor {
public:
    BuildSupervisor(const Roots& roots, const std::string& build, UniqueFd client);

    // Until the build has gone and nothing of it is left.
    void run();

private:
    struct Step {
        runtime::ShimConnection shim;
        EventLoop::Watch watch;
        bool network = false;
    };

    void on_client();
    void start(const std::string& id, bool network, const std::vector<std::string>& gateway_names, UniqueFd steps);
    void add_gateway(const std::string& directory, const std::vector<std::string>& names);
    void on_shim(const std::string& id);
    void ended(const std::string& id);
    void kill(const std::string& id);
    void client_gone();
    void tell(const std::string& type, const std::string& id, const Error* error = nullptr);
    void clean_up();

    Roots roots_;
    std::string build_;
    ProjectPaths paths_;
    UniqueFd client_;
    EventLoop loop_;
    Reaper reaper_;
    BuildNetwork network_;
    runtime::ShimNursery nursery_;
    UniqueFd shim_exe_;
    std::string shim_path_;
    std::map<std::string, std::unique_ptr<Step>> steps_;
    EventLoop::Watch client_watch_, terminate_, give_up_;
    bool ending_ = false;
};

} // namespace davit::supervisor
