// A socket that stands for the caller's ssh agent, or for one that has some keys, inside a step.
#pragma once

#include "base/fd.hpp"
#include "build/ssh_key.hpp"

#include <string>
#include <string_view>
#include <sys/types.h>
#include <thread>
#include <vector>

namespace davit::build {

struct SshSource {
    std::string agent;        // an agent's socket, to which each connection is passed on …
    std::vector<SshKey> keys; // … or, where it is empty, the keys that are served
};

class SshProxy {
public:
    // Listens at `path` in a thread of its own, until it goes.
    SshProxy(std::string path, SshSource source, mode_t mode, uid_t uid, gid_t gid);
    SshProxy(const SshProxy&) = delete;
    ~SshProxy();

private:
    struct Connection;
    void serve();
    bool send_all(int to, std::string_view bytes) const;
    bool goes_on(Connection& connection, short inside, short agent) const;
    SshSource source_;
    UniqueFd listener_, end_;
    std::thread thread_;
};

} // namespace davit::build
