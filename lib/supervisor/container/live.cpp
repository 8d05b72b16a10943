// Container: what is changed while it is there: its name, its limits and restart policy, its networks.
#include "supervisor/container/container.hpp"

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/log.hpp"
#include "base/sys.hpp"
#include "net/endpoint.hpp"
#include "supervisor/network/wiring.hpp"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <fcntl.h>
#include <unistd.h>

namespace davit::supervisor {

void Container::rename(const std::string& name) {
    if (record_.name == name) return; // an earlier supervisor has done it
    ContainerRecord next = record_;
    next.name = name;
    const std::string before = record_.name;
    const NameIndex::Holder self{record_.project, record_.id};
    world_.names->claim(name, self);
    try {
        // Not after: a link whose container has another name is anybody's to take over.
        world_.names->release(before, self);
        write_record(std::move(next));
    } catch (...) {
        world_.names->release(name, self);
        world_.names->claim(before, self);
        throw;
    }
    if (world_.networks.lease(record_.id)) world_.networks.publish(record_, running() && record_.takes_over.empty());
    emit(EventKind::container_renamed, before);
}

// ---- limits and restart policy

namespace {

// As the client has written it, after checking.
RestartRecord restart_from(const std::string& text) {
    const auto colon = text.find(':');
    const std::string word = text.substr(0, colon);
    RestartRecord out;
    if (word == "always") out.kind = RestartKind::always;
    if (word == "unless-stopped") out.kind = RestartKind::unless_stopped;
    if (word == "on-failure") out.kind = RestartKind::on_failure;
    if (colon != std::string::npos)
        std::from_chars(text.data() + colon + 1, text.data() + text.size(), out.max_retries);
    return out;
}

constexpr const char* updated_files[] = {"config.json", "plan.bin"};

} // namespace

void Container::update(const std::string& staged, const std::string& restart, Done done) {
    std::vector<Done> waiter{std::move(done)};
    auto finish = [this, keep = shared_from_this(), staged, restart](std::vector<Done> waiting) {
        try {
            take_over_update(staged, restart);
        } catch (const Error& e) {
            return answer(waiting, &e);
        }
        emit(EventKind::container_updated);
        answer(waiting, nullptr);
    };
    const UniqueFd limits =
        staged.empty() ? UniqueFd() : sys::open_if_exists(world_.paths.staging(staged) + "/limits.bin", O_RDONLY);
    if (!limits || !running() || !run_ || !run_->shim) return finish(std::move(waiter));
    const std::uint32_t request = run_->shim->update_limits(limits.get());
    expect_answer();
    run_->replies[request] = [this, waiter, finish](int errnum) mutable {
        if (errnum == 0 || errnum == ESRCH) return finish(std::move(waiter)); // it ended: its next start has them
        Error e = reply_error(errnum, "updating");
        if (errnum == EBUSY) e.with_hint("the container needs more than that already");
        answer(waiter, &e);
    };
}

// What the next start goes by. Each file is whole; a crash in between repeats it.
void Container::take_over_update(const std::string& staged, const std::string& restart) {
    const std::string from = world_.paths.staging(staged), to = world_.paths.container(record_.id);
    if (!staged.empty()) {
        for (const char* name : updated_files) {
            const std::string file = to + "/" + name;
            if (::rename((from + "/" + name).c_str(), file.c_str()) == 0) world_.sync_soon(file);
            else if (errno != ENOENT) throw sys_error(errno, "taking over {}/{}", from, name);
        }
        ::unlink((from + "/limits.bin").c_str());
        ::rmdir(from.c_str());
    }
    ContainerRecord next = record_;
    if (!restart.empty()) next.restart = restart_from(restart);
    write_record(std::move(next));
    policy_ = RestartPolicy(record_.restart, policy_.count(), policy_.delay());
}

// ---- networks

namespace {

template <typename List>
auto on_network(List& list, const std::string& network) {
    return std::find_if(list.begin(), list.end(), [&](const auto& e) { return e.network == network; });
}

std::vector<Attachment> without(const std::vector<Attachment>& attachments, const std::string& network) {
    std::vector<Attachment> out;
    for (const auto& a : attachments)
        if (a.network->name() != network) out.push_back(a);
    return out;
}

} // namespace

// Its interfaces are being made at this moment, or wait for a client.
std::optional<Error> Container::starting() const {
    if (!run_ || running()) return std::nullopt;
    return error(Errc::conflict, "container {} is just being started", record_.name)
        .with_hint("try again when it runs");
}

// What its namespace's files and servers say, from one set of networks to another.
void Container::rewire(const Wiring& before, const Wiring& after) {
    if (after.dns) {
        net::dns::ServeSpec serve{after.client, after.upstreams, after.external};
        if (!world_.dns.fds_of(record_.id).empty()) world_.dns.update(std::move(serve));
        else world_.dns.serve(std::move(serve), net::dns::open_sockets(run_->netns.get()), run_->netns.get());
    }
    auto rewrite = [](const std::string& file, const std::string& was, const std::string& is) {
        const std::string text = read_file_if_exists(file).value_or("");
        if (const std::string now = changed_lines(text, was, is); now != text) write_file_in_place(file, now);
    };
    rewrite(world_.paths.hosts(record_.id), before.hosts, after.hosts);
    rewrite(world_.paths.resolv_conf(record_.id), before.resolv_conf, after.resolv_conf);
    world_.networks.join(record_.id, run_->netns.get(), true);
}

void Container::recorded_network(EventKind kind, const std::string& network) {
    if (running()) {
        const NetworkLease* lease = world_.networks.lease(record_.id);
        status_.ports = lease ? lease->ports : std::vector<PublishedPort>();
        park_descriptors();
    }
    save();
    if (!running()) return; // told at its next start
    Event e;
    e.kind = kind;
    e.time_ns = sys::realtime_ns();
    e.project = record_.project;
    e.service = record_.service;
    e.container_id = record_.id;
    e.container_name = record_.name;
    e.resource = "network:" + network;
    world_.emit(std::move(e));
}

void Container::connect(const EndpointRecord& wish, Done done) {
    std::vector<Done> waiter{std::move(done)};
    const bool recorded = on_network(record_.endpoints, wish.network) != record_.endpoints.end();
    const bool wired = on_network(status_.endpoints, wish.network) != status_.endpoints.end();
    const bool leased = world_.networks.lease(record_.id) != nullptr;
    if (recorded && (wired || !leased)) return answer(waiter, nullptr);
    if (const auto refusal = starting()) return answer(waiter, &*refusal);
    if (!leased) return finish_connect(wish, std::move(waiter));
    ContainerRecord next = record_;
    if (!recorded) next.endpoints.push_back(wish);
    world_.networks.add_network(
        next, wish.network,
        [this, keep = shared_from_this(), next, wish, waiter](const Error* e, const NetworkLease*) mutable {
            const bool ended = !world_.networks.lease(record_.id); // it is attached at its next start
            if (e && !ended) return answer(waiter, e);
            try {
                if (!ended && running() && run_ && run_->netns) plug(next, wish.network);
            } catch (const Error& failure) {
                undo_connect(wish.network);
                return answer(waiter, &failure);
            }
            finish_connect(wish, std::move(waiter));
        });
}

void Container::plug(const ContainerRecord& next, const std::string& network) {
    const NetworkLease& lease = *world_.networks.lease(record_.id);
    const bool asks_us = !world_.dns.fds_of(record_.id).empty();
    const auto& host_resolv = world_.networks.host_resolv();
    const std::uint32_t group = world_.networks.group();
    const Wiring before = wire(record_, without(lease.attachments, network), group, host_resolv, asks_us);
    const Wiring after = wire(next, lease.attachments, group, host_resolv, asks_us);
    Plugging one = wire_one(lease.attachments, network, status_.endpoints, group);
    net::plug(world_.host, run_->netns.get(), one.endpoint);
    auto there = status_.endpoints;
    there.push_back(std::move(one.status));
    const auto [v4, v6] = routes_of(lease.attachments, there);
    status_.endpoints = std::move(there);
    net::set_default_routes(run_->netns.get(), v4, v6);
    rewire(before, after);
}

void Container::finish_connect(const EndpointRecord& wish, std::vector<Done> waiter) {
    ContainerRecord next = record_;
    if (on_network(next.endpoints, wish.network) == next.endpoints.end()) next.endpoints.push_back(wish);
    try {
        write_record(std::move(next));
    } catch (const Error& e) {
        undo_connect(wish.network);
        return answer(waiter, &e);
    }
    recorded_network(EventKind::network_connected, wish.network);
    world_.networks.when_committed(
        [keep = shared_from_this(), this, waiter](const Error* e) mutable { answer(waiter, e); });
}

void Container::undo_connect(const std::string& network) {
    if (!world_.networks.lease(record_.id)) return;
    world_.networks.drop_network(record_, network);
    const auto made = on_network(status_.endpoints, network);
    if (made == status_.endpoints.end()) return world_.networks.free_network(record_.id, network);
    const std::string ifname = made->interface;
    status_.endpoints.erase(made);
    if (!run_ || !run_->netns) return;
    try {
        const auto [v4, v6] = routes_of(world_.networks.lease(record_.id)->attachments, status_.endpoints);
        net::set_default_routes(run_->netns.get(), v4, v6);
    } catch (const Error& e) {
        log::warning("the routes of container {}: {}", record_.name, e.what());
    }
    world_.networks.unplug(run_->netns.get(), ifname, [this, keep = shared_from_this(), network](const Error* e) {
        if (e) log::warning("taking container {} off network {}: {}", record_.name, network, e->what());
        world_.networks.free_network(record_.id, network);
    });
}

void Container::disconnect(const std::string& network, Done done) {
    std::vector<Done> waiter{std::move(done)};
    const bool recorded = on_network(record_.endpoints, network) != record_.endpoints.end();
    const auto wired = on_network(status_.endpoints, network);
    if (!recorded && wired == status_.endpoints.end()) return answer(waiter, nullptr);
    if (const auto refusal = starting()) return answer(waiter, &*refusal);
    const NetworkLease* lease = world_.networks.lease(record_.id);
    const bool live = lease && running() && run_ && run_->netns;
    const bool asks_us = !world_.dns.fds_of(record_.id).empty();
    auto wiring = [&] {
        return wire(record_, lease->attachments, world_.networks.group(), world_.networks.host_resolv(), asks_us);
    };
    std::optional<Wiring> before;
    try {
        if (live) before = wiring();
        ContainerRecord next = record_;
        std::erase_if(next.endpoints, [&](const auto& e) { return e.network == network; });
        if (recorded) write_record(std::move(next));
    } catch (const Error& e) {
        return answer(waiter, &e);
    }
    auto finish = [this, keep = shared_from_this(), network, waiter](const Error* e) mutable {
        if (e) return answer(waiter, e);
        std::erase_if(status_.endpoints, [&](const auto& s) { return s.network == network; });
        world_.networks.free_network(record_.id, network);
        recorded_network(EventKind::network_disconnected, network);
        world_.networks.when_committed([this, keep, waiter](const Error* commit) mutable { answer(waiter, commit); });
    };
    try {
        if (lease) world_.networks.drop_network(record_, network);
    } catch (const Error& e) { // its ports are somebody else's on the network that leads out now
        log::warning("publishing the ports of container {} again: {}", record_.name, e.what());
    }
    if (!live || wired == status_.endpoints.end()) return finish(nullptr);
    const std::string ifname = wired->interface;
    try {
        auto left = status_.endpoints;
        std::erase_if(left, [&](const auto& s) { return s.network == network; });
        const auto [v4, v6] = routes_of(lease->attachments, left);
        net::set_default_routes(run_->netns.get(), v4, v6);
        rewire(*before, wiring());
    } catch (const Error& e) {
        log::warning("container {} without network {}: {}", record_.name, network, e.describe());
    }
    world_.networks.unplug(run_->netns.get(), ifname, std::move(finish));
}

} // namespace davit::supervisor
