#include "davit/wait.hpp"

#include "base/error.hpp"
#include "base/log.hpp"
#include "base/sys.hpp"
#include "base/thread.hpp"
#include "davit/logs.hpp"
#include "engine/engine_impl.hpp"
#include "engine/waits/http_status.hpp"
#include "engine/waits/listening.hpp"
#include "engine/waits/log_watch.hpp"

#include <algorithm>
#include <condition_variable>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <mutex>
#include <thread>

namespace davit {

namespace {

using namespace std::chrono_literals;
using WaitClock = std::chrono::steady_clock;
constexpr auto first_port_look = 2ms, longest_port_pause = 50ms;
constexpr auto first_probe_pause = 10ms, longest_probe_pause = 500ms;
constexpr auto http_limit = 2s;
constexpr auto look_again = 1s; // whatever is told
constexpr std::size_t told_lines = 10;

Wait make(Wait::Kind kind, std::string service) {
    Wait w;
    w.kind = kind;
    w.service = std::move(service);
    return w;
}

} // namespace

Wait running(std::string service) { return make(Wait::Kind::running, std::move(service)); }
Wait healthy(std::string service) { return make(Wait::Kind::healthy, std::move(service)); }

Wait exited(std::string service, int code) {
    Wait w = make(Wait::Kind::exited, std::move(service));
    w.code = code;
    return w;
}

Wait log_line(std::string service, std::string expression) {
    Wait w = make(Wait::Kind::log_line, std::move(service));
    w.text = std::move(expression);
    return w;
}

Wait log(std::string service, std::string expression) { return log_line(std::move(service), std::move(expression)); }

Wait port(std::string service, std::uint16_t number) {
    Wait w = make(Wait::Kind::port, std::move(service));
    w.port = number;
    return w;
}

Wait http(std::string service, std::uint16_t number, std::string path, int status) {
    Wait w = make(Wait::Kind::http, std::move(service));
    w.port = number;
    w.text = std::move(path);
    w.code = status;
    return w;
}

Wait command(std::string service, std::vector<std::string> words) {
    Wait w = make(Wait::Kind::command, std::move(service));
    w.words = std::move(words);
    return w;
}

const char* to_string(Wait::Kind kind) noexcept {
    switch (kind) {
    case Wait::Kind::running: return "running";
    case Wait::Kind::healthy: return "healthy";
    case Wait::Kind::exited: return "exited";
    case Wait::Kind::log_line: return "log_line";
    case Wait::Kind::port: return "port";
    case Wait::Kind::http: return "http";
    case Wait::Kind::command: return "command";
    }
    return "";
}

std::string to_string(const Wait& w) {
    switch (w.kind) {
    case Wait::Kind::running: return w.service + " runs";
    case Wait::Kind::healthy: return w.service + " is healthy";
    case Wait::Kind::exited: return fmt::format("{} has exited with {}", w.service, w.code);
    case Wait::Kind::log_line: return fmt::format("{} writes a line that matches /{}/", w.service, w.text);
    case Wait::Kind::port: return fmt::format("{} listens at port {}", w.service, w.port);
    case Wait::Kind::http: return fmt::format("{} answers http://:{}{} with {}", w.service, w.port, w.text, w.code);
    case Wait::Kind::command: return fmt::format("'{}' succeeds in {}", fmt::join(w.words, " "), w.service);
    }
    return {};
}

namespace {

std::string unmet_text(bool timed_out, const std::vector<Unmet>& unmet) {
    std::string out = timed_out ? "not ready in time" : "never ready";
    for (const Unmet& u : unmet) {
        out += fmt::format("\n  waiting until {}: {} {}", to_string(u.wait),
                           u.container.empty() ? "it" : "container " + u.container, u.why);
        for (const std::string& line : u.last_lines) out += fmt::format("\n    | {}", line);
    }
    return out;
}

} // namespace

WaitError::WaitError(bool timed_out, std::vector<Unmet> unmet)
    : Error(Errc::failed, unmet_text(timed_out, unmet)), timed_out_(timed_out),
      unmet_(std::make_shared<const std::vector<Unmet>>(std::move(unmet))) {}

namespace {

struct WaitProgress {
    bool met = false, never = false;
    std::string why = "has not been looked at", container; // while it is unmet
};

// Several containers, one of which is in the way.
using Found = std::vector<ContainerInfo>;

class Waiting {
public:
    Waiting(Engine& engine, std::string project, std::vector<Wait> waits)
        : engine_(engine), project_(std::move(project)), waits_(std::move(waits)), progress_(waits_.size()) {}

    void run(std::chrono::nanoseconds limit, const std::stop_token& stop);

private:
    void start_threads();
    void listen(const std::stop_token& stop);
    void probe(std::size_t i, const std::stop_token& stop);
    bool try_once(const Wait& wait, const ContainerInfo& container, std::string& why, const std::stop_token& stop);
    Found containers_of(const Wait& wait) const;
    void look(std::size_t i);
    void look_at_state(const Wait& wait, const ContainerInfo& c, WaitProgress& now) const;
    bool open_port(const Wait& wait, const ContainerInfo& c) const;
    bool checked(const ContainerInfo& c) const;
    void set(std::size_t i, const WaitProgress& now);
    void met(std::size_t i);
    [[noreturn]] void give_up(bool timed_out);
    std::vector<std::string> last_lines(const std::string& name) const;

    Engine& engine_;
    const std::string project_;
    const std::vector<Wait> waits_;
    std::mutex mutex_; // of what follows
    std::condition_variable_any changed_;
    std::vector<WaitProgress> progress_;
    bool news_ = true;
    std::unique_ptr<LogWatch> logs_;
    std::vector<std::jthread> threads_; // joined first
};

Found Waiting::containers_of(const Wait& wait) const {
    Found out;
    for (ContainerInfo& c : engine_.containers(project_))
        if (!c.oneoff && c.service == wait.service) out.push_back(std::move(c));
    return out;
}

bool Waiting::checked(const ContainerInfo& c) const {
    const auto record = EngineAccess::of(engine_).store.container(project_, c.id);
    return record && record->healthcheck && !record->healthcheck->test.empty() &&
           record->healthcheck->test.front() != "NONE";
}

bool Waiting::open_port(const Wait& wait, const ContainerInfo& c) const {
    const auto& store = EngineAccess::of(engine_).store;
    const auto record = store.container(project_, c.id);
    if (!record || c.pid == 0) return false;
    const ContainerStatus status = store.status(*record);
    const bool loopback = c.network_mode == "host" || c.network_mode == "none";
    return status.pid == c.pid && listens_in_namespace_of(status.pid, status.pid_start, wait.port, loopback);
}

// Of one container: now.met stays as it is where the condition holds.
void Waiting::look_at_state(const Wait& wait, const ContainerInfo& c, WaitProgress& now) const {
    const auto unmet = [&](std::string why, bool never = false) {
        if (now.never) return;
        now = {false, never, std::move(why), c.name};
    };
    const bool over = c.state == ContainerState::exited || c.state == ContainerState::dead;
    if (wait.kind == Wait::Kind::exited) {
        if (!over) unmet(fmt::format("is {}", to_string(c.state)));
        else if (c.exit_code != wait.code) unmet(fmt::format("has exited with code {}", c.exit_code), true);
        return;
    }
    // What it wrote or answered before its end counts.
    if (over) return unmet(fmt::format("has exited with code {}", c.exit_code), true);
    if (c.state != ContainerState::running) return unmet(fmt::format("is {}", to_string(c.state)));
    if (wait.kind == Wait::Kind::port && !open_port(wait, c)) return unmet("does not listen there");
    if (wait.kind != Wait::Kind::healthy || c.health == Health::healthy) return;
    if (c.health == Health::unhealthy) return unmet("is unhealthy", true);
    if (c.health == Health::none && !checked(c)) return unmet("has no healthcheck", true);
    unmet("is starting");
}

void Waiting::look(std::size_t i) {
    const Wait& wait = waits_[i];
    const bool told =
        wait.kind == Wait::Kind::log_line || wait.kind == Wait::Kind::http || wait.kind == Wait::Kind::command;
    const Found found = containers_of(wait);
    WaitProgress now{true, false, {}, {}};
    if (found.empty()) now = {false, false, "has no container", {}};
    for (const ContainerInfo& c : found) look_at_state(wait, c, now);
    if (wait.kind == Wait::Kind::log_line && now.never)
        for (const ContainerInfo& c : found)
            if (logs_->written(i, c)) return met(i);
    if (told) { // by its thread; here only whether it still can be
        const std::lock_guard guard(mutex_);
        if (progress_[i].met) return;
        if (now.met && !found.empty()) {
            if (wait.kind == Wait::Kind::log_line)
                progress_[i] = {false, false, "has not written one yet", found.front().name};
            return;
        }
    }
    set(i, now);
}

void Waiting::set(std::size_t i, const WaitProgress& now) {
    const std::lock_guard guard(mutex_);
    if (!progress_[i].met) progress_[i] = now;
}

void Waiting::met(std::size_t i) {
    const std::lock_guard guard(mutex_);
    progress_[i].met = true;
    progress_[i].never = false;
    news_ = true;
    changed_.notify_all();
}

// The supervisor's events; its successor's after it was killed.
void Waiting::listen(const std::stop_token& stop) {
    const auto ring = [this] {
        const std::lock_guard guard(mutex_);
        news_ = true;
        changed_.notify_all();
        return true;
    };
    std::mutex mutex;
    std::condition_variable_any woken;
    while (!stop.stop_requested()) {
        try {
            if (auto supervisor = SupervisorClient::connect(EngineAccess::of(engine_).store.roots(), project_))
                supervisor->subscribe([&](const Event&) { return ring(); }, stop, ring);
        } catch (const std::exception& e) {
            log::debug("listening to the supervisor of project {}: {}", project_, e.what());
        }
        std::unique_lock guard(mutex);
        woken.wait_for(guard, stop, 20ms, [] { return false; });
    }
}

bool Waiting::try_once(const Wait& wait, const ContainerInfo& c, std::string& why, const std::stop_token& stop) {
    if (wait.kind == Wait::Kind::command) {
        ExecOptions options;
        options.command = wait.words;
        const int code = engine_.exec(c, options, {}, {}, stop);
        why = fmt::format("the command has exited with {}", code);
        return code == 0;
    }
    if (!open_port(wait, c)) {
        why = "does not listen there";
        return false;
    }
    std::string host = c.network_mode == "host" ? "127.0.0.1" : "";
    std::uint16_t number = wait.port;
    for (const AttachedNetwork& n : c.networks)
        if (host.empty()) host = n.ipv4.empty() ? n.ipv6 : n.ipv4;
    for (const PublishedPort& p : c.ports) {
        if (p.target != wait.port || p.protocol != "tcp" || p.host_port == 0) continue;
        host = p.host_ip.empty() || p.host_ip == "0.0.0.0" ? "127.0.0.1" : p.host_ip == "::" ? "::1" : p.host_ip;
        number = p.host_port;
        break;
    }
    if (host.empty()) {
        why = "has no address";
        return false;
    }
    return http_status(host, number, wait.text, http_limit, why) == wait.code;
}

void Waiting::probe(std::size_t i, const std::stop_token& stop) {
    std::mutex mutex;
    std::condition_variable_any woken;
    std::chrono::milliseconds pause = first_probe_pause;
    while (!stop.stop_requested()) {
        WaitProgress now{false, false, "has no container", {}};
        try {
            for (const ContainerInfo& c : containers_of(waits_[i])) {
                now = {false, false, fmt::format("is {}", to_string(c.state)), c.name};
                if (c.state != ContainerState::running) continue;
                try {
                    if (try_once(waits_[i], c, now.why, stop)) return met(i);
                } catch (const std::exception& e) { // it has just ended; there is no such program
                    now.why = e.what();
                }
            }
        } catch (const std::exception& e) { // no descriptor is left
            now.why = e.what();
        }
        if (!stop.stop_requested()) set(i, now);
        std::unique_lock guard(mutex);
        woken.wait_for(guard, stop, pause, [] { return false; });
        pause = std::min<std::chrono::milliseconds>(pause * 3 / 2, longest_probe_pause);
    }
}

void Waiting::start_threads() {
    logs_ = std::make_unique<LogWatch>(engine_, project_, waits_, [this](std::size_t i) { met(i); });
    threads_.push_back(started<std::jthread>([this](const std::stop_token& stop) { listen(stop); }));
    for (std::size_t i = 0; i < waits_.size(); ++i)
        if (waits_[i].kind == Wait::Kind::http || waits_[i].kind == Wait::Kind::command)
            threads_.push_back(started<std::jthread>([this, i](const std::stop_token& stop) { probe(i, stop); }));
}

std::vector<std::string> Waiting::last_lines(const std::string& name) const {
    std::vector<std::string> out;
    try {
        LogRange range;
        range.tail = told_lines;
        if (const auto c = name.empty() ? std::nullopt : engine_.container(project_, name))
            read_log(*c, range, [&](const LogLine& line) {
                out.push_back(line.text);
                return true;
            });
    } catch (const Error& e) {
        log::debug("reading the log of container {}: {}", name, e.what());
    }
    return out;
}

void Waiting::give_up(bool timed_out) {
    std::vector<Unmet> unmet;
    const std::lock_guard guard(mutex_);
    for (std::size_t i = 0; i < waits_.size(); ++i)
        if (const WaitProgress& p = progress_[i]; !p.met)
            unmet.push_back({waits_[i], p.why, p.container, last_lines(p.container)});
    throw WaitError(timed_out, std::move(unmet));
}

void Waiting::run(std::chrono::nanoseconds limit, const std::stop_token& stop) {
    const auto begin = WaitClock::now();
    const auto end = limit < WaitClock::time_point::max() - begin ? begin + limit : WaitClock::time_point::max();
    const bool ports =
        std::any_of(waits_.begin(), waits_.end(), [](const Wait& w) { return w.kind == Wait::Kind::port; });
    std::chrono::milliseconds port_pause = first_port_look;
    SupervisorClient::look_after(EngineAccess::of(engine_).store.roots(), project_); // somebody has to see what happens
    start_threads();
    for (;;) {
        for (std::size_t i = 0; i < waits_.size(); ++i) look(i);
        std::unique_lock guard(mutex_);
        const auto holds = [](bool WaitProgress::*what) { return [what](const WaitProgress& p) { return p.*what; }; };
        if (std::all_of(progress_.begin(), progress_.end(), holds(&WaitProgress::met))) return;
        const bool never = std::any_of(progress_.begin(), progress_.end(), holds(&WaitProgress::never));
        const bool late = limit.count() != 0 && WaitClock::now() >= end;
        guard.unlock();
        if (stop.stop_requested()) throw error(Errc::interrupted, "interrupted while waiting for project {}", project_);
        if (never || late) give_up(!never);
        guard.lock();
        std::chrono::nanoseconds pause = look_again;
        if (ports)
            pause = std::exchange(port_pause, std::min<std::chrono::milliseconds>(port_pause * 2, longest_port_pause));
        if (limit.count() != 0) pause = std::min<std::chrono::nanoseconds>(pause, end - WaitClock::now());
        changed_.wait_for(guard, stop, pause, [this] { return news_; });
        news_ = false;
    }
}

// What stands in a request line (RFC 9112 §3.2).
bool is_request_path(const std::string& path) {
    return path.starts_with('/') &&
           std::none_of(path.begin(), path.end(), [](unsigned char c) { return c <= ' ' || c == 0x7f; });
}

void check_wait(const Wait& w) {
    if (*to_string(w.kind) == '\0') throw error(Errc::usage, "a wait is of no kind: {}", static_cast<int>(w.kind));
    if (w.service.empty()) throw error(Errc::usage, "a wait names no service");
    if (w.kind == Wait::Kind::log_line && w.text.find('\0') != std::string::npos)
        throw error(Errc::usage, "the expression of the wait for service {} has a NUL byte", w.service);
    if (w.kind == Wait::Kind::http && !is_request_path(w.text))
        throw error(Errc::usage, "the wait for service {} has no path that can be asked for", w.service)
            .with_hint("it begins with '/', and a space is written as %20");
    if (w.kind == Wait::Kind::command && w.words.empty())
        throw error(Errc::usage, "the wait for service {} names no command", w.service);
    if ((w.kind == Wait::Kind::port || w.kind == Wait::Kind::http) && w.port == 0)
        throw error(Errc::usage, "the wait for service {} names no port", w.service);
}

} // namespace

void wait(Engine& engine, const std::string& project, const std::vector<Wait>& waits, std::chrono::nanoseconds limit,
          std::stop_token stop) {
    for (const Wait& w : waits) check_wait(w);
    Waiting(engine, project, waits).run(limit, stop);
}

} // namespace davit
