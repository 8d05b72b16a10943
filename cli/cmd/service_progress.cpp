#include "cli/cmd/service_progress.hpp"

#include "base/error.hpp"
#include "base/printable.hpp"
#include "cli/docker_errors.hpp"
#include "cli/terminal.hpp"

#include <algorithm>
#include <cstdio>
#include <map>
#include <unistd.h>

namespace davit::cli {

namespace {

constexpr std::uint64_t most_lines = 20; // of more tasks only the number is shown

// Lines that have a name each: on a terminal a line is written over, elsewhere each change is a line.
class NamedLines {
public:
    explicit NamedLines(bool terminal) : terminal_(terminal) {}

    void write(const std::string& name, const std::string& text) {
        std::string& have = shown_[name];
        if (have == text && !have.empty()) return;
        const auto known = rows_.find(name);
        if (!terminal_ || known == rows_.end()) {
            rows_.emplace(name, rows_.size());
            std::printf("%s: %s\n", name.c_str(), text.c_str());
        } else {
            const std::size_t up = rows_.size() - known->second;
            std::printf("\x1b[%zuA\x1b[2K\r%s: %s\n", up, name.c_str(), text.c_str());
            if (up > 1) std::printf("\x1b[%zuB", up - 1);
        }
        have = text;
        std::fflush(stdout);
    }
    bool terminal() const { return terminal_; }

private:
    bool terminal_;
    std::map<std::string, std::string> shown_;
    std::map<std::string, std::size_t> rows_;
};

std::string shortened(std::string text) {
    constexpr std::size_t most = 75;
    std::replace(text.begin(), text.end(), '\n', ' ');
    if (text.size() > most) text = text.substr(0, most - 1) + "…";
    return printable(text);
}

class ServiceProgress {
public:
    ServiceProgress(const Globals& globals, std::string name)
        : lines_(use_ansi(globals, STDOUT_FILENO)), name_(std::move(name)) {}

    void see(const ConvergeProgress& p) {
        begin(p);
        for (std::size_t i = 0; i < p.tasks.size(); ++i) task(p, i);
        if (p.rolling_back && p.service.update_status)
            lines_.write("rollback", printable(p.service.update_status->message));
        if (!all_run_) overall(p, p.running);
        all_run_ = p.running == p.wanted;
        if (p.converged) return end(p);
        if (p.verify_left) verifying(*p.verify_left);
        else if (verifying_) {
            lines_.write("verify", "Detected task failure");
            verifying_ = false;
        }
    }

private:
    void begin(const ConvergeProgress& p) {
        if (begun_) return;
        begun_ = true;
        overall(p, 0);
        const swarm::ModeKind kind = p.service.spec.mode.kind;
        // One line, of this node, once there is news.
        if (kind == swarm::ModeKind::global || kind == swarm::ModeKind::global_job) return;
        for (std::uint64_t i = 1; i <= p.wanted && p.wanted <= most_lines; ++i) lines_.write(slot(p, i), " ");
    }

    static std::string slot(const ConvergeProgress& p, std::uint64_t number) {
        const swarm::ModeKind kind = p.service.spec.mode.kind;
        const bool global = kind == swarm::ModeKind::global || kind == swarm::ModeKind::global_job;
        if (global && number <= p.tasks.size()) return p.tasks[number - 1].node_id.substr(0, 12);
        return fmt::format("{}/{}", number, p.wanted);
    }

    void overall(const ConvergeProgress& p, std::uint64_t running) {
        if (p.service.spec.mode.job()) return job(p, running);
        lines_.write("overall progress", fmt::format("{}{} out of {} tasks",
                                                     p.rolling_back ? "rolling back update: " : "", running, p.wanted));
    }

    // How many are complete docker draws as a bar, on terminals only.
    void job(const ConvergeProgress& p, std::uint64_t complete) {
        if (lines_.terminal()) lines_.write("job progress", fmt::format("{} out of {} complete", complete, p.wanted));
        const swarm::ServiceMode& mode = p.service.spec.mode;
        if (mode.kind == swarm::ModeKind::global_job) return;
        const auto active = std::ranges::count(p.tasks, swarm::TaskState::running, &swarm::Task::state);
        const std::uint64_t left = p.wanted - std::min(complete, p.wanted);
        lines_.write("active tasks",
                     fmt::format("{} out of {} tasks", active, std::min(left, mode.max_concurrent.value_or(1))));
    }

    void task(const ConvergeProgress& p, std::size_t i) {
        if (p.wanted > most_lines || i >= p.wanted || all_run_) return;
        const swarm::Task& t = p.tasks[i];
        if (!t.error.empty()) lines_.write(slot(p, i + 1), shortened(t.error));
        else if (lines_.terminal() && t.state <= swarm::TaskState::complete)
            lines_.write(slot(p, i + 1), fmt::format("{:<9}", swarm::to_string(t.state)));
    }

    void verifying(std::chrono::nanoseconds left) {
        verifying_ = true;
        const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(left).count() + 1;
        lines_.write("verify", fmt::format("Waiting {} seconds to verify that tasks are stable...", seconds));
    }

    void end(const ConvergeProgress& p) {
        if (p.service.spec.mode.job()) std::puts("job complete");
        else lines_.write("verify", fmt::format("Service {} converged", printable(name_)));
    }

    NamedLines lines_;
    const std::string name_;
    bool begun_ = false, all_run_ = false, verifying_ = false;
};

} // namespace

void wait_for_service(Context& context, Swarm& swarm, const std::string& id, const std::string& name, bool quiet) {
    ServiceProgress progress(context.globals(), name);
    std::fflush(stdout);
    try {
        swarm.wait_converged(
            id,
            [&](const ConvergeProgress& p) {
                if (!quiet) progress.see(p);
            },
            context.stop());
    } catch (const Error& e) {
        if (e.kind() == Errc::failed && docker_is_spoken()) throw Error(Errc::usage, e.what()); // its client's words
        if (e.kind() != Errc::interrupted) throw;
        std::fprintf(stderr, "Operation continuing in background.\nUse `%s service ps %s` to check progress.\n",
                     docker_is_spoken() ? "docker" : "davit", name.c_str());
    }
}

} // namespace davit::cli
