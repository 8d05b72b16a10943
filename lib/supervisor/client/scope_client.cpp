#include "supervisor/client/scope_client.hpp"

#include "base/error.hpp"
#include "base/sys.hpp"
#include "project/store.hpp"
#include "supervisor/client/connection.hpp"

#include <chrono>
#include <optional>

namespace davit {

namespace {
using namespace std::chrono_literals;
constexpr auto scope_awake_interval = 1s;  // whether the supervisor was stopped
constexpr auto scope_stop_interval = 50ms; // whether the caller has had enough
constexpr auto scope_farewell = 3s;
constexpr int scope_attempts = 4; // to be answered by one that is not killed meanwhile
} // namespace

struct ScopeClient::Impl {
    Roots roots;
    std::string project;
    std::optional<supervisor::Connection> connection;

    void connect() { connection.emplace(supervisor::start_supervisor(roots, project, true)); }
    std::optional<json::Value> answer_to(json::Value message, const std::stop_token& stop);
    void insist(const json::Value& message, const std::stop_token& stop = {});
};

// Nothing: the supervisor has ended.
std::optional<json::Value> ScopeClient::Impl::answer_to(json::Value message, const std::stop_token& stop) {
    message["id"] = 1;
    if (!connection->send(message)) return std::nullopt;
    auto look = std::chrono::steady_clock::now() + scope_awake_interval;
    while (!connection->ended()) {
        auto answer = connection->wait(stop.stop_possible() ? scope_stop_interval : scope_awake_interval);
        if (!answer && !connection->ended() && std::chrono::steady_clock::now() >= look) {
            connection->require_awake();
            look = std::chrono::steady_clock::now() + scope_awake_interval;
        }
        if (!answer && stop.stop_requested()) {
            connection.reset(); // without a farewell: it has something to do still
            throw error(Errc::interrupted, "interrupted while project {} is taken down", project);
        }
        if (answer && answer->value("type", "") == "result") return answer;
    }
    return std::nullopt;
}

void ScopeClient::Impl::insist(const json::Value& message, const std::stop_token& stop) {
    for (int attempt = 0; attempt < scope_attempts; ++attempt) {
        if (attempt > 0 || !connection) connect();
        const auto answer = answer_to(message, stop);
        if (!answer) continue;
        if (auto failure = supervisor::optional_error(*answer, "error")) throw *failure;
        return;
    }
    throw error(Errc::unavailable, "the supervisor of project {} ended again and again", project);
}

ScopeClient::ScopeClient(const Roots& roots, const std::string& project)
    : impl_(std::make_unique<Impl>(Impl{roots, project, std::nullopt})) {
    make_roots(roots);
    impl_->connect();
}

ScopeClient::~ScopeClient() {
    auto& connection = impl_->connection;
    if (!connection || sys::is_stopped(connection->pid())) return;
    try {
        if (!connection->send({{"type", "bye"}})) return;
        const auto until = std::chrono::steady_clock::now() + scope_farewell;
        while (
            connection->wait(std::chrono::ceil<std::chrono::milliseconds>(until - std::chrono::steady_clock::now()))) {}
    } catch (const std::exception&) { // the end is the end
    }
}

void ScopeClient::hold(const ScopeRecord& record) {
    impl_->insist({{"type", "scope"}, {"scope", json::parse_text(to_json(record))}});
}

void ScopeClient::end(bool take_down, const std::stop_token& stop) {
    impl_->insist({{"type", "end_scope"}, {"take_down", take_down}}, stop);
}

} // namespace davit
