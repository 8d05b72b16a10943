// Waiting for a container's end. Its supervisor tells of it, also when the container goes with it (--rm); while there
// is none, it is looked at.
#include "engine/machine/machine.hpp"

#include "base/error.hpp"
#include "davit/event.hpp"

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

namespace davit {

namespace {

using machine::Impl;

class Wait {
public:
    Wait(Impl& impl, const ContainerInfo& container, ContainerWait condition, std::stop_token stop)
        : impl_(impl), condition_(condition), stop_(std::move(stop)),
          seen_(machine::look_at(impl, container.project, container.id)), code_(seen_.status.exit_code) {}

    ExitResult run() {
        if (seen_.active()) SupervisorClient::look_after(impl_.store.roots(), seen_.record.project);
        while (!over()) {
            if (stop_.stop_requested()) throw error(Errc::interrupted, "interrupted");
            if (auto supervisor = SupervisorClient::connect(impl_.store.roots(), seen_.record.project))
                supervisor->subscribe([this](const Event& e) { return !told(e); }, stop_, [this] { return !over(); });
            else pause();
        }
        return {impl_.info(seen_.record, seen_.status), code_};
    }

private:
    bool told(const Event& e) {
        if (e.container_id != seen_.record.id) return false;
        if (e.kind == EventKind::container_exited) {
            code_ = e.exit_code;
            ended_ = true;
        }
        if (e.kind == EventKind::container_removed) gone_ = true;
        return met();
    }

    bool met() const { return gone_ || (ended_ && condition_ != ContainerWait::removed); }

    bool over() {
        if (met()) return true;
        const auto record = impl_.store.container(seen_.record.project, seen_.record.id);
        if (!record) return gone_ = true;
        const ContainerStatus now = impl_.store.status(*record);
        const ObservedContainer observed{*record, now};
        // Another run has ended since the first look, or this one.
        const bool another = now.finished_at != seen_.status.finished_at && now.finished_at != 0;
        const bool rests = condition_ == ContainerWait::not_running && !observed.active();
        if (!another && !rests) return false;
        code_ = now.exit_code;
        ended_ = true;
        return met();
    }

    void pause() {
        std::mutex mutex;
        std::unique_lock guard(mutex);
        std::condition_variable_any woken;
        woken.wait_for(guard, stop_, std::chrono::milliseconds(50), [] { return false; });
    }

    Impl& impl_;
    ContainerWait condition_;
    std::stop_token stop_;
    ObservedContainer seen_; // at the beginning
    int code_;
    bool ended_ = false, gone_ = false;
};

} // namespace

ExitResult wait_container(Engine& engine, const ContainerInfo& container, ContainerWait condition,
                          std::stop_token stop) {
    return Wait(EngineAccess::of(engine), container, condition, std::move(stop)).run();
}

} // namespace davit
