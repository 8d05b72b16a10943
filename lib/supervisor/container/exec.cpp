// Container: commands that the supervisor runs inside: hooks and healthchecks.
#include "supervisor/container/container.hpp"

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/log.hpp"
#include "base/sys.hpp"
#include "base/units.hpp"
#include "supervisor/event_log.hpp"

namespace davit::supervisor {

namespace {
constexpr std::size_t hook_output_limit = 65536, told_limit = 4096;
}

ExecJob* Container::exec(const std::string& steps, std::chrono::nanoseconds timeout, std::size_t output_limit,
                         ExecJob::Done done) {
    auto job = std::make_unique<ExecJob>(world_.loop, *run_->shim, steps, timeout, output_limit, std::move(done));
    ExecJob* out = job.get();
    run_->execs[job->id()] = std::move(job);
    return out;
}

// ---- hooks

void Container::run_hooks(bool post_start, std::size_t n, Done done) {
    const auto& hooks = post_start ? record_.post_start : record_.pre_stop;
    if (n >= hooks.size()) return done(nullptr);
    if (!run_ || !run_->shim) {
        Error e = error(Errc::failed, "container {} ended before its hooks ran", record_.name);
        return done(&e);
    }
    // Written first: whatever becomes of this supervisor, the hook does not run twice.
    (post_start ? status_.post_start_begun : status_.pre_stop_begun) = static_cast<int>(n) + 1;
    save();
    std::string steps =
        post_start ? world_.paths.post_start_steps(record_.id, n) : world_.paths.pre_stop_steps(record_.id, n);
    try {
        exec(steps, {}, hook_output_limit, guarded([this, post_start, n, done](ExecJob::Result result) {
                 if (!result.output.empty()) emit(EventKind::container_hook, result.output);
                 if (!result.error && result.exit_code == 0) return run_hooks(post_start, n + 1, done);
                 Error e = error(Errc::failed, "{} hook exited with status {} ({} {} of container {})", record_.service,
                                 result.exit_code, post_start ? "post_start" : "pre_stop", n + 1, record_.name);
                 if (result.error)
                     e = Error(*result.error).with_context(fmt::format("running a hook of container {}", record_.name));
                 else if (!result.output.empty()) e.with_hint("it said: " + result.output.substr(0, told_limit));
                 done(&e);
             }));
    } catch (const Error& e) {
        done(&e);
    }
}

// ---- healthchecks

namespace {

std::string over_time(std::chrono::nanoseconds limit, const std::string& output) {
    return fmt::format("Health check exceeded timeout ({}){}{}", format_duration(limit.count()),
                       output.empty() ? "" : ": ", output);
}

// As docker's events tell of it.
std::string command_of(const std::vector<std::string>& test) {
    std::string out = test.front() == "CMD-SHELL" ? "/bin/sh -c" : "";
    for (std::size_t i = 1; i < test.size(); ++i) out += (out.empty() ? "" : " ") + test[i];
    return out;
}

// It only explains: without room for it the checks go on.
void keep_result(const std::string& file, HealthResult result) {
    try {
        write_file_atomic(file, health_log_with(read_file_if_exists(file).value_or(""), std::move(result)), 0600,
                          false);
    } catch (const Error& e) {
        log::warning("{}", e.what());
    }
}

} // namespace

void Container::note(const std::vector<JournalLine>& lines) {
    if (world_.journal) world_.journal(lines);
}

void Container::start_health(bool resume) {
    if (!checked()) return;
    if (!health_) health_ = std::make_unique<HealthMonitor>(*record_.healthcheck, status_.started_at);
    if (resume) save(); // its health shows again
    health_timer_ = world_.loop.after(health_->delay(status_.started_at + age().count()), [this] { check_health(); });
}

void Container::stop_health() { health_timer_.reset(); }

void Container::check_health() {
    if (!run_ || !run_->shim || status_.state != ContainerState::running) return;
    const std::int64_t began = sys::realtime_ns(), at = status_.started_at + age().count();
    try {
        const std::string id = sys::random_hex(64);
        exec(world_.paths.health_steps(record_.id), health_->timeout(), health_output_limit,
             guarded([this, began, at, id](ExecJob::Result r) {
                 if (!r.error)
                     note({container_line(record_, sys::realtime_ns(), "exec_die",
                                          {{"execID", id}, {"exitCode", std::to_string(r.exit_code)}})});
                 health_result(std::move(r), began, at);
             }));
        const std::string command = command_of(record_.healthcheck->test);
        note({container_line(record_, began, "exec_create: " + command, {{"execID", id}}),
              container_line(record_, began, "exec_start: " + command, {{"execID", id}})});
    } catch (const Error& e) {
        health_result({-1, false, {}, e}, began, at);
    }
}

void Container::health_result(ExecJob::Result result, std::int64_t began, std::int64_t at) {
    if (!health_ || !run_ || status_.state != ContainerState::running) return;
    HealthResult r{began, sys::realtime_ns(), result.exit_code, std::move(result.output)};
    if (result.timed_out) r.output = over_time(health_->timeout(), r.output);
    else if (result.error) r.output = result.error->what();
    bool changed = health_->add(r, at);
    keep_result(world_.paths.health_log(record_.id), std::move(r));
    save();
    if (changed) {
        emit(EventKind::container_health, to_string(health_->state()));
        world_.changed(*this);
    }
    health_timer_ = world_.loop.after(health_->delay(status_.started_at + age().count()), [this] { check_health(); });
}

} // namespace davit::supervisor
