// A socket that stands for the caller's ssh agent inside a step.
#pragma once

#include "base/fd.hpp"

#include <string>
#include <sys/types.h>
#include <thread>

namespace davit::build {

class SshProxy {
public:
    // Listens at `path` and passes each connection on to the agent at `agent`, in a thread of its own, until it goes.
    SshProxy(std::string path, std::string agent, mode_t mode, uid_t uid, gid_t gid);
    SshProxy(const SshProxy&) = delete;
    ~SshProxy();

private:
    void serve();
    std::string agent_;
    UniqueFd listener_, end_;
    std::thread thread_;
};

} // namespace davit::build
