// What clients and the supervisor say to each other: JSON objects in frames (u32 little-endian
// length, then the bytes) over a SOCK_STREAM socket <run>/projects/<p>/supervisor.sock (0600,
// SO_PEERCRED checked: same uid or root).
//
//   client                                supervisor
//   {"type":"hello","proto":1,"version"}→
//                                       ←{"type":"hello","proto":1,"version","pid"}
//   {"type":"apply","id":7,"token","plan":{…}}→  one plan at a time; a second one waits in line.
//                                                The token of a plan that runs or has just ended joins it
//                                       ←{"type":"event","id":7,"event":{…}}          zero or more
//                                       ←{"type":"result","id":7,"error":null|{…},"stale":bool}
//   {"type":"cancel","id":7}            →        drops what has not begun
//   {"type":"preempt","id":8,"patience":{container:ns}}→  drops what has not begun of whatever plan runs;
//                                                a stop that waits for a named container does so no longer
//                                       ←{"type":"result","id":8}        when that plan has ended
//   {"type":"subscribe","id":8}         →        all events until the connection ends
//                                       ←{"type":"result","id":8}        from now on
//   {"type":"bye"}                      →        the connection's end comes when the supervisor has ended,
//                                                if the project has nothing left, else at once
//   {"type":"set_service","id":10,"service":{…},"seen","rollback"}→  a service that is new, or its next specification:
//                                                its task's template is prepared; see ServiceChange
//                                       ←{"type":"result","id":10,"error":null|{…}}   it is written down
//   {"type":"remove_service","id":11,"service":"<id>"}→  ←result: it is in no listing; its tasks end by themselves
//   {"type":"leave_network","id":12,"network":"x_default"}→  ←result: it goes when the last container has left it
//   {"type":"keep_network","id":13,"network":"x_default"}→  ←result: it stays after all; conflict: it is gone
//   {"type":"node_changed","id":14}     →  ←result: labels or availability of the node are looked at again
//
// Everything in a plan is the supervisor's: images are there and containers are staged before it is sent. So a client
// that vanishes does not stop its plan (DESIGN §3.4), but for a start that waits for it to attach. A supervisor that
// was killed is replaced; its successor goes on with the plan, and apply() joins it again by the token.
#pragma once

#include "davit/event.hpp"
#include "davit/plan.hpp"
#include "project/paths.hpp"
#include "project/record.hpp"
#include "swarm/store.hpp"

#include <chrono>
#include <map>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

namespace davit {

inline constexpr int supervisor_proto = 1;

// apply(): containers have changed since the plan was made; nothing was done. Observe and plan again.
class StalePlan : public Error {
public:
    using Error::Error;
    explicit StalePlan(const Error& e) : Error(e) {}
};

// What a client wants of a service. The supervisor alone has the record: it takes `spec`, `template_version` (0: the
// one there is serves) and `ports` from here, and all of it where it does not know the service.
struct ServiceChange {
    swarm::Service service;
    // The spec_version that the client saw when it made this one; refused (conflict) when there is another by now.
    std::uint64_t seen = 0;
    bool rollback = false; // to the previous specification, whatever the service's is here
    int to_revision = 0;   // the specification is this earlier one's: it comes in as a roll-back does
};

class SupervisorClient {
public:
    // Connects; when none answers, starts davit-supervisor for the project and waits until it does.
    static SupervisorClient connect_or_start(const Roots& roots, const std::string& project);
    // The next command after supervisor and shims were killed together (DESIGN §4): when containers of the
    // project run and no supervisor answers, starts one, which takes them over before this returns.
    static void look_after(const Roots& roots, const std::string& project);
    // For who holds the project's lock: waits for the end of a plan whose client was killed, which the
    // supervisor (or, when that was killed too, its successor) goes on with. Throws interrupted.
    static void settle(const Roots& roots, const std::string& project, std::stop_token stop = {});
    // For who has taken a whole project down: the supervisor may have been killed before it took away what is its own.
    static void tidy(const Roots& roots, const std::string& project);
    // Empty when none runs.
    static std::unique_ptr<SupervisorClient> connect(const Roots& roots, const std::string& project);

    SupervisorClient(SupervisorClient&&) noexcept;
    SupervisorClient& operator=(SupervisorClient&&) noexcept;
    ~SupervisorClient();

    int fd() const;
    // Sends the plan and returns when it has ended. Throws the plan's first failure after everything that could go
    // on has.
    void apply(const Plan& plan, const EventSink& sink, std::stop_token stop = {});
    // Cancels what has not begun of the plan that runs now, if one does, and returns when it has ended:
    // for down, stop, kill and rm, before they take the project's lock, which does not tell of the plan of a
    // client that was killed. patience: containers, and how long a stop that has begun may still wait before SIGKILL.
    void preempt(const std::map<std::string, std::chrono::nanoseconds>& patience = {}, std::stop_token stop = {});
    static void preempt(const Roots& roots, const std::string& project,
                        const std::map<std::string, std::chrono::nanoseconds>& patience = {},
                        std::stop_token stop = {});
    // Each asks a successor again when the supervisor was killed before it answered.
    void set_service(const ServiceChange& change);
    void remove_service(const std::string& id);
    void leave_network(const std::string& name);
    void keep_network(const std::string& name);
    void node_changed();
    // Calls sink for every event until it returns false, the supervisor ends or stop is requested. go_on is asked when
    // events come from now on, and once a second.
    void subscribe(const std::function<bool(const Event&)>& sink, std::stop_token stop = {},
                   const std::function<bool()>& go_on = {});

private:
    struct Impl;
    explicit SupervisorClient(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

} // namespace davit
