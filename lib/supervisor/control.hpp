// The control socket: clients, their requests, what is sent to them. Protocol: protocol.hpp.
#pragma once

#include "base/acceptor.hpp"
#include "base/event_loop.hpp"
#include "base/fd.hpp"
#include "davit/event.hpp"
#include "davit/plan.hpp"
#include "project/scope_record.hpp"
#include "supervisor/client/frame.hpp"
#include "supervisor/client/protocol.hpp"

#include <chrono>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string>

namespace davit::supervisor {

using SessionId = std::uint64_t;

// What the supervisor does with requests. id: the client's number for it.
class ControlHandler {
public:
    virtual ~ControlHandler() = default;
    virtual void on_apply(SessionId session, int id, const std::string& token, Plan plan) = 0;
    virtual void on_cancel(SessionId session, int id) = 0;
    // patience: containers that are being stopped, and how much longer that may take.
    virtual void on_preempt(SessionId session, int id,
                            const std::map<std::string, std::chrono::nanoseconds>& patience) = 0;
    // Requests of Swarm's; what they throw is answered.
    virtual void on_set_service(const ServiceChange& change) = 0;
    virtual void on_remove_service(const std::string& id) = 0;
    virtual void on_leave_network(const std::string& name) = 0;
    virtual void on_keep_network(const std::string& name) = 0;
    virtual void on_node_changed() = 0;
    // The project ends with its owner from now on; what it throws is answered.
    virtual void on_scope(ScopeRecord record) = 0;
    // Answered by send_result() when it is done.
    virtual void on_end_scope(SessionId session, int id, bool take_down) = 0;
    virtual bool on_bye() = 0; // true: the process ends now, and with it the connection
    virtual void on_closed(SessionId session) = 0;
};

class Control {
public:
    Control(EventLoop& loop, ControlHandler& handler);
    ~Control();

    void listen(const std::string& path);
    void adopt(UniqueFd connection); // a client connected by its socketpair
    bool idle() const { return sessions_.empty(); }
    // Those that are connected only wait for what happens: no reason to stay when nothing can.
    bool only_watched() const;

    // To sessions that are gone: nothing.
    void send_event(SessionId session, int id, const Event& event);
    void send_to_subscribers(const Event& event);
    void send_result(SessionId session, int id, const Error* error, bool stale = false);
    void close_listener();

private:
    struct Session;
    void accept(UniqueFd connection);
    void readable(Session& session);
    void handle(Session& session, const std::string& frame);
    void answer(Session& session, int id, const std::function<void()>& work);
    void send(Session& session, const std::string& body);
    void flush(Session& session);
    void drop(SessionId id);
    Session* find(SessionId id);

    EventLoop& loop_;
    ControlHandler& handler_;
    UniqueFd listener_;
    std::string path_;
    Acceptor acceptor_;
    std::list<std::unique_ptr<Session>> sessions_;
    SessionId next_ = 1;
};

} // namespace davit::supervisor
