// Container: after a crash of the supervisor or of the shim.
#include "supervisor/container/container.hpp"

#include "base/error.hpp"
#include "base/log.hpp"
#include "base/sys.hpp"
#include "net/netns.hpp"
#include "supervisor/network/wiring.hpp"

#include <algorithm>
#include <chrono>
#include <fcntl.h>

namespace davit::supervisor {

namespace {
constexpr std::chrono::milliseconds shim_retry_pause{2}, replace_again{1000};
constexpr int clear_attempts = 3;
}

void Container::adopt() {
    if (running()) return adopt_running();
    if (status_.state == ContainerState::restarting) {
        auto delay = std::chrono::nanoseconds(std::clamp<std::int64_t>(
            status_.next_restart - sys::realtime_ns(), 0, std::max<std::int64_t>(0, status_.restart_delay)));
        return schedule_restart(delay);
    }
    if (status_.state == ContainerState::removing)
        status_.state = ContainerState::exited; // the removal is asked for again
    // A shim that was spawned, and whose Started nobody saw.
    if (runtime::shim_lives(world_.paths.run_container(record_.id))) {
        status_.stopped_by_user = false; // not any more; see save()
        run_ = std::make_unique<Run>();
        run_->launched = true;
        lease_again();
        find_shim();
    } else if (record_.auto_remove && status_.state == ContainerState::exited) {
        world_.loop.post(guarded([this] { world_.auto_remove(*this); }));
    }
}

void Container::adopt_running() {
    began_ -= std::chrono::nanoseconds(sys::age_ns(status_.pid_start));
    run_ = std::make_unique<Run>();
    run_->launched = true;
    if (checked())
        health_ = std::make_unique<HealthMonitor>(*record_.healthcheck, status_.started_at,
                                                  status_.health == Health::none ? Health::starting : status_.health,
                                                  status_.failing_streak);
    lease_again();
    find_shim();
}

bool Container::connect_shim() {
    auto shim = runtime::ShimConnection::connect(world_.paths.run_container(record_.id),
                                                 runtime::ShimConnection::Role::supervisor);
    if (!shim) return false;
    attach_shim(std::move(*shim));
    if (run_->adopted || run_->netns) park_descriptors(); // wired by this supervisor
    else run_->shim->get_parked();
    run_->shim->status();
    if (run_->stopping) send_kill();
    return true;
}

// It may not listen yet, or be dying at this moment; what it leaves is looked at when it is gone.
void Container::find_shim() {
    if (connect_shim()) return;
    if (!runtime::shim_lives(world_.paths.run_container(record_.id))) return shim_lost();
    find_shim_in(shim_retry_pause);
}

void Container::find_shim_in(std::chrono::milliseconds pause) {
    run_->shim_retry = world_.loop.after(pause, guarded([this] {
                                             if (run_ && !run_->shim) find_shim();
                                         }));
}

// At once, before anything else can be given its addresses.
void Container::lease_again() {
    // One that was disconnected from all networks has an empty lease; one that is not wired yet has none.
    if (record_.network_mode != "bridge" || (status_.endpoints.empty() && !record_.endpoints.empty())) return;
    try {
        world_.networks.adopt(record_, status_);
    } catch (const Error& e) {
        log::warning("taking over the addresses of container {}: {}", record_.name, e.describe());
    }
}

void Container::handle(runtime::ParkedFds& e) {
    if (e.tag == "dns" && e.fds.size() == 2) {
        run_->parked.insert(run_->parked.begin(), std::move(e.fds));
        run_->parked_dns = true;
    } else if (!e.fds.empty()) {
        run_->parked.push_back(std::move(e.fds));
    }
    if (!e.last) return;
    adopt_wiring();
}

void Container::adopt_wiring() {
    if (std::exchange(run_->adopted, true)) return;
    std::vector<UniqueFd> ports;
    std::vector<UniqueFd> dns;
    for (std::size_t i = 0; i < run_->parked.size(); ++i) {
        if (i == 0 && run_->parked_dns) dns = std::move(run_->parked[i]);
        else std::move(run_->parked[i].begin(), run_->parked[i].end(), std::back_inserter(ports));
    }
    run_->parked.clear();
    try {
        if (const NetworkLease* lease = world_.networks.lease(record_.id)) {
            world_.networks.keep_sockets(record_.id, std::move(ports));
            run_->netns = net::netns_of(status_.pid);
            world_.networks.join(record_.id, run_->netns.get(), true);
            if (record_.ecs && record_.ecs->metadata) world_.serve_metadata(record_.id, run_->netns.get());
            Wiring wiring = wire(record_, lease->attachments, world_.networks.group(), world_.networks.host_resolv(),
                                 dns.size() == 2);
            if (wiring.dns) {
                net::dns::ServeSpec serve{wiring.client, wiring.upstreams, wiring.external};
                auto sockets = dns.size() == 2 ? net::dns::adopt_sockets(std::move(dns[0]), std::move(dns[1]))
                                               : net::dns::open_sockets(run_->netns.get());
                world_.dns.serve(std::move(serve), std::move(sockets), run_->netns.get());
            }
            park_descriptors();
        }
    } catch (const Error& e) {
        log::warning("taking over the network of container {}: {}", record_.name, e.describe());
    }
    if (status_.state == ContainerState::running) start_health(true);
}

void Container::shim_lost() {
    // What the dead shim recorded; else what the kernel still knows.
    if (auto exit = exit_record(world_.paths.exit_file(record_.id));
        exit && status_.pid != 0 && exit->pid == status_.pid && exit->start_time == status_.pid_start) {
        run_->exited = runtime::Exited{exit->code, exit->signal, exit->known, exit->oom, exit->finished_ns};
        return end_run();
    }
    if (!running()) {
        run_->failed = error(Errc::failed, "davit-shim ended while container {} was starting", record_.name);
        return clear_group(clear_attempts);
    }
    if (!run_->netns) adopt_wiring();
    replace_shim();
}

// A shim that was killed when the program had just begun, and nobody had heard of it, leaves it behind.
void Container::clear_group(int attempts) {
    HelperJob job;
    job.kind = HelperJob::Kind::remove_cgroups;
    job.paths = {record_.cgroup};
    job.text = kill_first;
    world_.files.run(job, guarded([this, attempts](const Error* e) {
                         if (e && attempts > 1)
                             return clear_group(attempts - 1); // its helper may have been killed, too
                         if (e) log::warning("what is left of a start of container {}: {}", record_.name, e->what());
                         end_run();
                     }));
}

void Container::replace_shim() {
    auto abandoned = std::exchange(run_->execs, {});
    for (auto& [id, job] : abandoned) job->abort("davit-shim was lost");
    run_->replies.clear();
    runtime::ShimStart s = shim_start();
    s.hold_for_attach = false;
    runtime::Adopted adopted;
    adopted.pid = status_.pid;
    adopted.start_time = status_.pid_start;
    if (run_->stdio.stdin_write) adopted.stdin_write = run_->stdio.stdin_write.get();
    if (run_->stdio.stdout_read) adopted.stdout_read = run_->stdio.stdout_read.get();
    if (run_->stdio.stderr_read) adopted.stderr_read = run_->stdio.stderr_read.get();
    if (run_->stdio.console) adopted.console = run_->stdio.console.get();
    s.adopt = adopted;
    try {
        UniqueFd steps = sys::open(world_.paths.steps(record_.id), O_RDONLY);
        s.steps_fd = steps.get();
        runtime::Shim shim = runtime::start_shim(s);
        shim.process.detach();
        attach_shim(std::move(shim.control));
        emit(EventKind::warning,
             fmt::format("davit-shim of container {} was lost and has been replaced", record_.name));
        // As subreaper this supervisor became the parent of the container when its shim died.
        world_.reaper.expect(status_.pid, guarded([this](const ExitStatus& status) {
                                 if (run_ && run_->shim) run_->shim->report_exit(status.code, status.signal);
                             }));
        park_descriptors();
        start_health(true);
        if (run_->stopping) send_kill();
    } catch (const Error& e) {
        log::warning("replacing the shim of container {}: {}", record_.name, e.describe());
        // No descriptor, no memory: that passes, and without a shim nobody can stop the container.
        if (!run_->shim) find_shim_in(replace_again);
    }
}

} // namespace davit::supervisor
