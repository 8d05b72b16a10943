#include "supervisor/control.hpp"

#include "base/error.hpp"
#include "base/log.hpp"
#include "base/sys.hpp"
#include "davit/version.hpp"
#include "project/paths.hpp"
#include "project/plan_fields.hpp"
#include "supervisor/client/protocol.hpp"
#include "supervisor/client/wire.hpp"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace davit::supervisor {

namespace {
// A client that does not read is cut off, so that it cannot fill the supervisor's memory.
constexpr std::size_t backlog_limit = 8u << 20;
} // namespace

struct Control::Session {
    SessionId id = 0;
    UniqueFd fd;
    EventLoop::Watch watch;
    FrameReader reader;
    std::string out;
    bool greeted = false;
    bool closing = false; // as soon as out is sent
    std::optional<int> subscription;
};

Control::Control(EventLoop& loop, ControlHandler& handler) : loop_(loop), handler_(handler) {}
Control::~Control() { close_listener(); }

void Control::listen(const std::string& path) {
    listener_ = sys::listen_unix(path, SOCK_STREAM);
    path_ = path;
    ::fcntl(listener_.get(), F_SETFL, O_NONBLOCK);
    acceptor_.start(loop_, listener_.get(), [this](UniqueFd connection) { accept(std::move(connection)); });
}

void Control::close_listener() {
    acceptor_.reset();
    if (!listener_) return;
    ::unlink(path_.c_str());
    listener_.reset();
}

void Control::accept(UniqueFd connection) {
    const sys::Peer peer = sys::peer_of(connection.get());
    if (peer.uid == 0 || peer.uid == ::geteuid()) adopt(std::move(connection));
}

void Control::adopt(UniqueFd connection) {
    ::fcntl(connection.get(), F_SETFL, O_NONBLOCK);
    auto session = std::make_unique<Session>();
    session->id = next_++;
    session->fd = std::move(connection);
    Session* s = session.get();
    s->watch = loop_.watch_fd(s->fd.get(), EPOLLIN, [this, id = s->id](std::uint32_t events) {
        Session* found = find(id);
        if (found && (events & EPOLLOUT)) flush(*found);
        found = find(id);
        if (found && (events & (EPOLLIN | EPOLLHUP | EPOLLERR))) readable(*found);
    });
    sessions_.push_back(std::move(session));
}

bool Control::only_watched() const {
    return std::all_of(sessions_.begin(), sessions_.end(), [](const auto& s) { return s->subscription.has_value(); });
}

Control::Session* Control::find(SessionId id) {
    for (auto& s : sessions_)
        if (s->id == id) return s.get();
    return nullptr;
}

void Control::drop(SessionId id) {
    auto before = sessions_.size();
    sessions_.remove_if([&](const auto& s) { return s->id == id; });
    if (sessions_.size() != before) handler_.on_closed(id);
}

void Control::readable(Session& session) {
    SessionId id = session.id;
    char buffer[16384];
    try {
        for (;;) {
            ssize_t n = ::recv(session.fd.get(), buffer, sizeof buffer, 0);
            if (n < 0 && errno == EINTR) continue;
            if (n < 0 && errno == EAGAIN) return;
            if (n <= 0) return drop(id);
            session.reader.feed({buffer, static_cast<std::size_t>(n)});
            while (auto frame = session.reader.next()) {
                handle(session, *frame);
                if (!find(id)) return;
            }
        }
    } catch (const Error& e) {
        log::warning("a client sent what is no request: {}", e.what());
        drop(id);
    } catch (const nlohmann::json::exception& e) {
        log::warning("a client sent what is no request: {}", e.what());
        drop(id);
    }
}

void Control::handle(Session& s, const std::string& frame) {
    auto m = json::parse_text(frame);
    auto type = m.at("type").get<std::string>();
    int id = m.value("id", 0);
    if (type == "hello") {
        int proto = m.at("proto").get<int>();
        json::Value hello{
            {"type", "hello"}, {"proto", supervisor_proto}, {"version", DAVIT_VERSION}, {"pid", ::getpid()}};
        s.closing = proto != supervisor_proto;
        s.greeted = !s.closing;
        return send(s, json::dump(hello));
    }
    if (!s.greeted) throw error(Errc::failed, "'{}' came before 'hello'", type);
    if (type == "apply") handler_.on_apply(s.id, id, m.at("token").get<std::string>(), m.at("plan").get<Plan>());
    else if (type == "cancel") handler_.on_cancel(s.id, id);
    else if (type == "preempt") {
        std::map<std::string, std::chrono::nanoseconds> patience;
        if (auto given = m.find("patience"); given != m.end())
            for (const auto& [container, ns] : given->items()) patience.emplace(container, ns.get<std::int64_t>());
        handler_.on_preempt(s.id, id, patience);
    } else if (type == "subscribe") {
        s.subscription = id;
        send_result(s.id, id, nullptr);
    } else if (type == "bye") {
        UniqueFd fd = std::move(s.fd);
        s.watch.reset();
        drop(s.id);
        // The client sees the end of the connection, and with it that nothing is left.
        if (handler_.on_bye()) [[maybe_unused]]
            int until_exit = fd.release();
    } else if (type == "set_service") {
        const ServiceChange change{swarm::service_from_json(json::dump(m.at("service")), "a client's service"),
                                   m.value("seen", std::uint64_t{0}), m.value("rollback", false),
                                   m.value("to_revision", 0)};
        answer(s, id, [&] { handler_.on_set_service(change); });
    } else if (type == "remove_service")
        answer(s, id, [&] { handler_.on_remove_service(m.at("service").get<std::string>()); });
    else if (type == "leave_network")
        answer(s, id, [&] { handler_.on_leave_network(m.at("network").get<std::string>()); });
    else if (type == "keep_network")
        answer(s, id, [&] { handler_.on_keep_network(m.at("network").get<std::string>()); });
    else if (type == "node_changed") answer(s, id, [&] { handler_.on_node_changed(); });
    else if (type == "scope")
        answer(s, id,
               [&] { handler_.on_scope(scope_record_from_json(json::dump(m.at("scope")), "a client's scope")); });
    else if (type == "end_scope") handler_.on_end_scope(s.id, id, m.value("take_down", true));
    else throw error(Errc::unsupported, "unknown request '{}'", type);
}

void Control::answer(Session& s, int id, const std::function<void()>& work) {
    const SessionId session = s.id; // what is done may end it
    try {
        work();
        send_result(session, id, nullptr);
    } catch (const Error& e) {
        send_result(session, id, &e);
    }
}

void Control::send(Session& s, const std::string& body) {
    s.out += encode_frame(body);
    flush(s);
}

void Control::flush(Session& s) {
    bool was_waiting = false;
    if (!s.fd) return;
    while (!s.out.empty()) {
        ssize_t n = ::send(s.fd.get(), s.out.data(), s.out.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n > 0) {
            s.out.erase(0, static_cast<std::size_t>(n));
            continue;
        }
        if (errno == EINTR) continue;
        was_waiting = true;
        if (errno != EAGAIN) s.out.clear();
        break;
    }
    // Never from inside a sender's loop over sessions.
    if (s.out.size() > backlog_limit || (s.closing && s.out.empty())) loop_.post([this, id = s.id] { drop(id); });
    loop_.change_events(s.fd.get(), was_waiting && !s.out.empty() ? EPOLLIN | EPOLLOUT : EPOLLIN);
}

void Control::send_event(SessionId session, int id, const Event& event) {
    Session* s = find(session);
    if (!s) return;
    json::Value m{{"type", "event"}, {"id", id}, {"event", event_to_json(event)}};
    send(*s, json::dump(m));
}

void Control::send_to_subscribers(const Event& event) {
    for (auto& s : sessions_)
        if (s->subscription) send_event(s->id, *s->subscription, event);
}

void Control::send_result(SessionId session, int id, const Error* error, bool stale) {
    Session* s = find(session);
    if (!s) return;
    json::Value m{{"type", "result"}, {"id", id}, {"error", nullptr}};
    if (error) m["error"] = error_to_json(*error);
    if (stale) m["stale"] = true;
    send(*s, json::dump(m));
}

} // namespace davit::supervisor
