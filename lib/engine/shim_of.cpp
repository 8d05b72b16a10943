#include "engine/shim_of.hpp"

#include "base/error.hpp"
#include "base/sys.hpp"
#include "project/store.hpp"
#include "supervisor/client/protocol.hpp"

#include <chrono>
#include <poll.h>
#include <variant>

namespace davit {

namespace {

using namespace std::chrono_literals;
constexpr auto answer_limit = 10s;
constexpr auto stopped_limit = 1s;   // of one that somebody has stopped
constexpr auto takeover_limit = 10s; // a supervisor and a shim are started in 30 ms on a quiet machine
constexpr auto look_again = 100ms;   // the supervisor may have been killed a moment later than its shim

// A socket takes connections as long as its process has not quite died: only an answer tells.
std::optional<runtime::ShimConnection> answering(const std::string& run_dir, const std::stop_token& stop) {
    auto shim = runtime::ShimConnection::connect(run_dir);
    if (!shim) return std::nullopt;
    shim->status();
    const pid_t pid = sys::peer_of(shim->fd()).pid;
    const auto began = std::chrono::steady_clock::now();
    while (std::chrono::steady_clock::now() < began + answer_limit) {
        pollfd readable{shim->fd(), POLLIN, 0};
        ::poll(&readable, 1, static_cast<int>(look_again.count()));
        if (stop.stop_requested()) throw error(Errc::interrupted, "interrupted");
        if (!readable.revents && std::chrono::steady_clock::now() > began + stopped_limit && sys::is_stopped(pid))
            throw error(Errc::unavailable, "davit-shim (pid {}) is stopped and does not answer", pid)
                .with_hint(fmt::format("let it go on: kill -CONT {}", pid));
        while (auto event = shim->receive()) {
            if (std::holds_alternative<runtime::Disconnected>(*event)) return std::nullopt;
            if (std::holds_alternative<runtime::ShimStatus>(*event)) return shim;
        }
    }
    throw error(Errc::unavailable, "davit-shim (pid {}) does not answer within {} s", pid, answer_limit.count());
}

bool has_process(const RecordStore& store, const ContainerRecord& record) { return store.status(record).pid != 0; }

} // namespace

runtime::ShimConnection connect_to_shim(const Roots& roots, const std::string& project, const std::string& container_id,
                                        std::stop_token stop) {
    const std::string run_dir = ProjectPaths(roots, project).run_container(container_id);
    const RecordStore store(roots);
    const auto began = std::chrono::steady_clock::now();
    for (auto next_look = began;;) {
        if (auto shim = answering(run_dir, stop)) return std::move(*shim);
        const auto record = store.container(project, container_id);
        const std::string name = record ? record->name : container_id.substr(0, 12);
        if (!record || !has_process(store, *record))
            throw error(Errc::unavailable, "container {} is not running", name)
                .with_hint("'davit ps -a' tells what became of it");
        const auto now = std::chrono::steady_clock::now();
        if (now > began + takeover_limit)
            throw error(Errc::unavailable, "container {} does not answer: it has no davit-shim", name);
        if (now >= next_look) {
            SupervisorClient::look_after(roots, project);
            next_look = std::chrono::steady_clock::now() + look_again;
        }
        if (stop.stop_requested()) throw error(Errc::interrupted, "interrupted");
        ::poll(nullptr, 0, 2); // the new one opens its socket as soon as it has started
    }
}

} // namespace davit
