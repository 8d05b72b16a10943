#include "project/plan_fields.hpp"
#include "supervisor/client/protocol.hpp"

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/sys.hpp"
#include "project/store.hpp"
#include "supervisor/client/connection.hpp"

#include <poll.h>
#include <set>
#include <sys/eventfd.h>

namespace davit {

using supervisor::Connection;

namespace {

using namespace std::chrono_literals;
constexpr auto farewell_limit = 3s;
constexpr auto stop_interval = 100ms; // a stop request while an answer is waited for
constexpr auto look_interval = 1s;    // whether the supervisor was stopped
constexpr int reconnects = 3;

// Wakes a poll from another thread or a stop callback.
class Wakeup {
public:
    Wakeup() : fd_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
        if (!fd_) throw sys_error(errno, "making an event descriptor");
    }
    int fd() const { return fd_.get(); }
    void ring() const {
        std::uint64_t one = 1;
        [[maybe_unused]] ssize_t n = ::write(fd_.get(), &one, sizeof one);
    }
    void clear() const {
        std::uint64_t count = 0;
        [[maybe_unused]] ssize_t n = ::read(fd_.get(), &count, sizeof count);
    }

private:
    UniqueFd fd_;
};

} // namespace

struct SupervisorClient::Impl {
    Roots roots;
    std::string project;
    std::optional<Connection> connection;
    int next_id = 1;

    bool send(const json::Value& m) { return connection && connection->send(m); }
    void reconnect() { connection.emplace(supervisor::start_supervisor(roots, project)); }
    enum class Twice { same, not_found }; // what an answer to a repeated request is, when the first one was done
    json::Value insist(const json::Value& message, Twice twice = Twice::same, std::stop_token stop = {});
    json::Value request(json::Value message, std::stop_token stop = {});
    void say_goodbye();
};

// A request with one result and nothing before it.
json::Value SupervisorClient::Impl::request(json::Value message, std::stop_token stop) {
    int id = next_id++;
    message["id"] = id;
    if (!send(message)) throw error(Errc::unavailable, "the supervisor of project {} is gone", project);
    for (auto look = std::chrono::steady_clock::now() + look_interval;;) {
        auto answer = connection->wait(stop_interval);
        if (!answer && connection->ended())
            throw error(Errc::unavailable, "the supervisor of project {} is gone", project);
        if (!answer && stop.stop_requested())
            throw error(Errc::interrupted, "interrupted while another command's plan for project {} ends", project);
        if (!answer && std::chrono::steady_clock::now() >= look) {
            connection->require_awake();
            look += look_interval;
        }
        if (!answer) continue;
        if (answer->value("type", "") != "result" || answer->value("id", 0) != id) continue;
        if (auto failure = supervisor::optional_error(*answer, "error")) throw *failure;
        return *answer;
    }
}

// Of what may be asked twice: of the successor of a supervisor that was killed before it answered.
json::Value SupervisorClient::Impl::insist(const json::Value& message, Twice twice, std::stop_token stop) {
    for (int attempt = 0;; ++attempt) try {
            return request(message, stop);
        } catch (const Error& e) {
            if (attempt > 0 && twice == Twice::not_found && e.kind() == Errc::not_found) return {};
            if (e.kind() != Errc::unavailable || attempt >= reconnects || !connection->ended()) throw;
            reconnect();
        }
}

void SupervisorClient::Impl::say_goodbye() {
    if (!connection || sys::is_stopped(connection->pid())) return;
    try {
        if (!send({{"type", "bye"}})) return;
        auto until = std::chrono::steady_clock::now() + farewell_limit;
        while (
            connection->wait(std::chrono::ceil<std::chrono::milliseconds>(until - std::chrono::steady_clock::now()))) {}
    } catch (const std::exception&) { // the end is the end
    }
}

SupervisorClient::SupervisorClient(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
SupervisorClient::SupervisorClient(SupervisorClient&&) noexcept = default;
SupervisorClient& SupervisorClient::operator=(SupervisorClient&&) noexcept = default;
SupervisorClient::~SupervisorClient() {
    if (impl_) impl_->say_goodbye();
}

SupervisorClient SupervisorClient::connect_or_start(const Roots& roots, const std::string& project) {
    make_roots(roots);
    auto impl = std::make_unique<Impl>(Impl{roots, project, std::nullopt, 1});
    impl->reconnect();
    return SupervisorClient(std::move(impl));
}

std::unique_ptr<SupervisorClient> SupervisorClient::connect(const Roots& roots, const std::string& project) {
    auto connection = supervisor::connect_supervisor(roots, project);
    if (!connection) return nullptr;
    auto impl = std::make_unique<Impl>(Impl{roots, project, std::move(connection), 1});
    return std::unique_ptr<SupervisorClient>(new SupervisorClient(std::move(impl)));
}

void SupervisorClient::look_after(const Roots& roots, const std::string& project) {
    if (supervisor::connect_supervisor(roots, project)) return;
    RecordStore store(roots);
    for (const auto& record : store.containers(project)) {
        ContainerState state = store.status(record).state;
        if (state != ContainerState::running && state != ContainerState::paused && state != ContainerState::restarting)
            continue;
        connect_or_start(roots, project);
        return;
    }
}

void SupervisorClient::settle(const Roots& roots, const std::string& project, std::stop_token stop) {
    if (!exists(ProjectPaths(roots, project).journal())) return;
    Plan nothing; // waits in line for its turn
    nothing.project = project;
    connect_or_start(roots, project).apply(nothing, {}, std::move(stop));
}

void SupervisorClient::tidy(const Roots& roots, const std::string& project) {
    if (exists(ProjectPaths(roots, project).run)) connect_or_start(roots, project); // it finds nothing to do and ends
}

void SupervisorClient::preempt(const Roots& roots, const std::string& project,
                               const std::map<std::string, std::chrono::nanoseconds>& patience, std::stop_token stop) {
    if (exists(ProjectPaths(roots, project).journal()))
        return connect_or_start(roots, project).preempt(patience, std::move(stop));
    if (auto supervisor = connect(roots, project)) supervisor->preempt(patience, std::move(stop));
}

int SupervisorClient::fd() const { return impl_->connection ? impl_->connection->fd() : -1; }

void SupervisorClient::preempt(const std::map<std::string, std::chrono::nanoseconds>& patience, std::stop_token stop) {
    json::Value request{{"type", "preempt"}};
    for (const auto& [container, limit] : patience) request["patience"][container] = limit.count();
    impl_->insist(request, Impl::Twice::same, std::move(stop));
}

void SupervisorClient::set_service(const ServiceChange& change) {
    impl_->insist({{"type", "set_service"},
                   {"service", json::parse_text(swarm::to_json(change.service))},
                   {"seen", change.seen},
                   {"rollback", change.rollback},
                   {"to_revision", change.to_revision}});
}

void SupervisorClient::remove_service(const std::string& id) {
    impl_->insist({{"type", "remove_service"}, {"service", id}}, Impl::Twice::not_found);
}

void SupervisorClient::leave_network(const std::string& name) {
    impl_->insist({{"type", "leave_network"}, {"network", name}}, Impl::Twice::not_found);
}

void SupervisorClient::keep_network(const std::string& name) {
    impl_->insist({{"type", "keep_network"}, {"network", name}});
}

void SupervisorClient::node_changed() { impl_->insist({{"type", "node_changed"}}); }

namespace {

// One plan on its way through a supervisor, and its successor if it is killed.
class Application {
public:
    Application(const Plan& plan, const EventSink& sink) : plan_(plan), sink_(sink), token_(sys::random_hex(32)) {}

    json::Value apply_message(int id) const {
        return {{"type", "apply"}, {"id", id}, {"token", token_}, {"plan", plan_}};
    }

    // The result, or nothing when the connection ended before it.
    std::optional<json::Value> follow(Connection& c, int id, std::stop_token stop) {
        std::stop_callback on_stop(stop, [this] { wakeup_.ring(); });
        for (;;) {
            while (auto m = c.next()) {
                if (m->value("id", 0) != id) continue;
                if (m->value("type", "") == "result") return m;
                if (sink_) sink_(supervisor::event_from_json(m->at("event")));
            }
            if (stop.stop_requested() && !std::exchange(cancelled_, true)) c.send({{"type", "cancel"}, {"id", id}});
            pollfd p[2] = {{c.fd(), POLLIN, 0}, {wakeup_.fd(), POLLIN, 0}};
            const int ready = ::poll(p, 2, static_cast<int>(std::chrono::milliseconds(look_interval).count()));
            if (ready < 0 && errno != EINTR) throw sys_error(errno, "waiting for the supervisor");
            if (ready == 0) c.require_awake();
            if (p[1].revents) wakeup_.clear();
            if (p[0].revents && !c.read()) {
                while (auto m = c.next())
                    if (m->value("id", 0) == id && m->value("type", "") == "result") return m;
                return std::nullopt;
            }
        }
    }
    void reconnected() { cancelled_ = false; }

private:
    const Plan& plan_;
    const EventSink& sink_;
    std::string token_;
    Wakeup wakeup_;
    bool cancelled_ = false;
};

} // namespace

void SupervisorClient::apply(const Plan& plan, const EventSink& sink, std::stop_token stop) {
    Application application(plan, sink);
    for (int attempt = 0;; ++attempt) {
        int id = impl_->next_id++;
        std::optional<json::Value> result;
        if (impl_->send(application.apply_message(id))) result = application.follow(*impl_->connection, id, stop);
        if (result) {
            auto failure = supervisor::optional_error(*result, "error");
            if (failure && result->value("stale", false)) throw StalePlan(*failure);
            if (failure) throw *failure;
            return;
        }
        if (attempt >= reconnects)
            throw error(Errc::unavailable, "the supervisor of project {} ended again and again", impl_->project);
        impl_->reconnect(); // killed: its successor goes on with the plan
        application.reconnected();
    }
}

void SupervisorClient::subscribe(const std::function<bool(const Event&)>& sink, std::stop_token stop,
                                 const std::function<bool()>& go_on) {
    int id = impl_->next_id++;
    if (!impl_->send({{"type", "subscribe"}, {"id", id}})) return;
    Wakeup wakeup;
    std::stop_callback on_stop(stop, [&wakeup] { wakeup.ring(); });
    const int look = go_on ? static_cast<int>(std::chrono::milliseconds(look_interval).count()) : -1;
    Connection& c = *impl_->connection;
    while (!stop.stop_requested()) {
        while (auto m = c.next()) {
            if (m->value("id", 0) != id) continue;
            const bool event = m->value("type", "") == "event";
            if (event ? !sink(supervisor::event_from_json(m->at("event"))) : go_on && !go_on()) return;
        }
        pollfd p[2] = {{c.fd(), POLLIN, 0}, {wakeup.fd(), POLLIN, 0}};
        const int ready = ::poll(p, 2, look);
        if (ready < 0 && errno != EINTR) throw sys_error(errno, "waiting for events");
        if (ready == 0 && !go_on()) return;
        if (p[0].revents && !c.read()) {
            while (auto m = c.next())
                if (m->value("id", 0) == id && m->value("type", "") == "event" &&
                    !sink(supervisor::event_from_json(m->at("event"))))
                    return;
            return;
        }
    }
}

} // namespace davit
