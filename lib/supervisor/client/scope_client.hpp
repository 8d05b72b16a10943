// A scope's words with the supervisor, over the connection of protocol.hpp:
//
//   {"type":"scope","id":1,"scope":{…}}  →  ←{"type":"result","id":1,"error":null|{…}}: the project ends with that
//                                            process from now on; scope_record.hpp
//   {"type":"end_scope","id":1,"take_down":bool}→  ←result: nothing is left of it, or (false) it ends with nobody
#pragma once

#include "project/paths.hpp"
#include "project/scope_record.hpp"

#include <memory>
#include <stop_token>
#include <string>

namespace davit {

class ScopeClient {
public:
    // Connects; where none answers, starts a supervisor with a guard (supervisor/guard.hpp): one that is killed is
    // followed by another, whatever the project has.
    ScopeClient(const Roots& roots, const std::string& project);
    ~ScopeClient(); // waits for a supervisor that has nothing left to do
    ScopeClient(const ScopeClient&) = delete;
    ScopeClient& operator=(const ScopeClient&) = delete;

    // Errors: conflict (it has a living owner, or ends at this moment).
    void hold(const ScopeRecord& record);
    // Blocks until the project is down (take_down), as when the owner dies; else all of it stays. A stop ends the
    // blocking (interrupted), and nothing else.
    void end(bool take_down, const std::stop_token& stop = {});

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

} // namespace davit
