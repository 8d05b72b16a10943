#include "cli/cmd/foreground_run.hpp"

#include "base/error.hpp"
#include "cli/attach/session.hpp"
#include "cli/logs/last_words.hpp"

#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <exception>
#include <mutex>
#include <optional>
#include <thread>

namespace davit::cli {

namespace {

// The engine starts the container in one thread; it waits before its first instruction until the
// other has attached, so that no output is missed.
class ForegroundRun {
public:
    ForegroundRun(Context& context, const ForegroundStart& what) : context_(context), what_(what) {
        if (what.detach_keys) keys_ = DetachKeys(*what.detach_keys); // what is no key sequence starts nothing
    }

    int run() {
        context_.also_to([this](const Event& event) { on_event(event); });
        // Its start is seen by its output, and why it fails is told at the end.
        context_.hide([](const Event& event) {
            return event.op == OpKind::start_container &&
                   (event.resource.starts_with("run:") || event.resource.starts_with("container:"));
        });
        Engine& engine = context_.engine();
        std::jthread starting([&] { start(); });
        std::optional<int> code;
        if (wait_for_container()) {
            AttachOptions attach;
            attach.container.project = what_.project;
            attach.container.id = id_;
            attach.container.name = name_;
            attach.container.tty = what_.tty;
            attach.input = what_.input;
            attach.output = what_.output;
            attach.errors = what_.errors;
            attach.forward_signals = what_.sig_proxy;
            if (keys_) attach.keys = *keys_;
            context_.mute();
            try {
                code = attach_to(engine, attach, context_.interrupts());
            } catch (const Error&) {
                starting.join(); // why the container could not start says more than that it went away
                if (failure_) std::rethrow_exception(failure_);
                throw;
            }
        }
        if (starting.joinable()) starting.join();
        // The signals of now were the command's, which has ended by them or in spite of them.
        if (code && what_.remove && !engine.wait_removed(what_.project, id_, std::chrono::seconds(10)))
            std::fprintf(stderr, "warning: container %s has ended and is not removed yet\n", name_.c_str());
        if (failure_ && !code) unmet_.tell(engine, what_.project);
        // A container that ended before the engine heard of its start is no failure.
        if (failure_ && !code) std::rethrow_exception(failure_);
        return code.value_or(0);
    }

private:
    void start() {
        try {
            what_.start(context_.stop());
        } catch (...) {
            failure_ = std::current_exception();
        }
        std::lock_guard lock(mutex_);
        over_ = true;
        changed_.notify_all();
    }

    void on_event(const Event& event) {
        unmet_.see(event);
        if (what_.event) what_.event(event);
        if (event.kind == EventKind::container_created && what_.created) what_.created(event.container_id);
        if (event.kind != EventKind::container_attachable) return;
        context_.mute(); // before its output comes
        std::lock_guard lock(mutex_);
        id_ = event.container_id;
        name_ = event.container_name;
        changed_.notify_all();
    }

    bool wait_for_container() {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [this] { return over_ || !id_.empty(); });
        return !id_.empty();
    }

    Context& context_;
    const ForegroundStart& what_;
    std::optional<DetachKeys> keys_;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::string id_, name_;
    UnmetConditions unmet_;
    bool over_ = false;
    std::exception_ptr failure_;
};

} // namespace

int run_in_foreground(Context& context, const ForegroundStart& what) { return ForegroundRun(context, what).run(); }

int run_in_foreground(Context& context, const Project& project, const RunOptions& run) {
    return run_in_foreground(context, {project.name, run.tty, run.open_stdin, run.remove, [&](std::stop_token stop) {
                                           context.engine().run(project, run, std::move(stop));
                                       }});
}

} // namespace davit::cli
