// git over ssh by the machine's own ssh(1), within davit-git.so: what is said in ~/.ssh/config, known_hosts, agents and
// every kind of key count as they do for git. libssh2, which libgit2 has for it, knows neither the file nor RSA keys as
// servers take them today; it serves where there is no ssh(1).
#pragma once

#include "remote/git_ssh_url.hpp"

#include <string>

namespace davit::remote {

// For all repositories of the process; once, before the first.
void use_ssh_program();

// While it lives, connections of this thread ask this agent for keys, in the place of the user's own; empty: the
// user's.
class SshAgentScope {
public:
    explicit SshAgentScope(const std::string& socket);
    SshAgentScope(const SshAgentScope&) = delete;
    ~SshAgentScope();
};

} // namespace davit::remote
