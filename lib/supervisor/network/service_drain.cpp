// ServiceAddresses: when nobody sends a container anything new.
#include "base/error.hpp"
#include "base/sys.hpp"
#include "supervisor/network/endpoints_file.hpp"
#include "supervisor/network/networks.hpp"
#include "supervisor/network/service_addresses.hpp"
#include "supervisor/network/service_lease.hpp"

#include <algorithm>
#include <sys/socket.h>

namespace davit::supervisor {

namespace {

constexpr std::chrono::milliseconds drain_limit{1000}, forget_limit{5000};

// A supervisor that is dead applies nothing; its containers' tables are brought along by the next one.
bool supervised(const Roots& roots, const std::string& project) {
    try {
        return static_cast<bool>(sys::connect_unix(ProjectPaths(roots, project).supervisor_socket(), SOCK_STREAM));
    } catch (const Error&) {
        return false;
    }
}

} // namespace

void ServiceAddresses::drain(const std::string& container_id, Done done) {
    auto drain = std::make_shared<Drain>();
    drain->container = container_id;
    drain->done = std::move(done);
    for (const auto& [owner, service] : services_) {
        if (service->backend(container_id) == service->state.backends.end()) continue;
        for (const auto& on : service->state.networks)
            if (on.v4 || on.v6) drain->networks.push_back(on.network);
        ready(owner, container_id, false);
    }
    drains_.push_back(drain);
    networks_.loop_.post([this, drain] {
        follow(drain, drain_limit);
        networks_.clients_.when_applied([this, drain] {
            drain->clients = true;
            networks_.loop_.post([this] { finish_drains(); });
        });
    });
}

void ServiceAddresses::forget(const std::set<std::string>& networks, const std::set<net::IpAddress>& gone, Done done) {
    auto drain = std::make_shared<Drain>();
    drain->networks.assign(networks.begin(), networks.end());
    drain->done = std::move(done);
    drains_.push_back(drain);
    told_networks_.insert(networks.begin(), networks.end());
    posted_ = true; // told by follow()
    networks_.loop_.post([this, drain, gone] {
        follow(drain, forget_limit);
        networks_.clients_.forget_flows(gone, [this, drain] {
            drain->clients = true;
            networks_.loop_.post([this] { finish_drains(); });
        });
    });
}

// Until the host's table and the other projects have what is so now; the own clients are the caller's.
void ServiceAddresses::follow(const std::shared_ptr<Drain>& drain, std::chrono::milliseconds limit) {
    tell();
    drain->change = change_;
    const Roots& roots = networks_.store_.roots();
    std::map<std::string, bool> alive;
    std::erase_if(drain->networks, [&](const auto& network) {
        for (const auto& [project, other] : read_foreign(roots, network, networks_.project_)) {
            if (!alive.contains(project)) alive[project] = supervised(roots, project);
            if (alive[project]) return false;
        }
        return true;
    });
    drain->limit = networks_.loop_.after(limit, [this, drain] {
        drain->host = drain->clients = true;
        drain->networks.clear();
        finish_drains();
    });
    networks_.when_committed([this, drain](const Error*) {
        drain->host = true;
        finish_drains();
    });
}

bool ServiceAddresses::behind(const Drain& drain) const {
    const Roots& roots = networks_.store_.roots();
    for (const auto& network : drain.networks)
        for (const auto& [project, other] : read_foreign(roots, network, networks_.project_)) {
            const auto applied = read_applied(roots, network, project);
            const auto ours = applied.find(networks_.project_);
            if ((ours == applied.end() || ours->second < drain.change) && supervised(roots, project)) return true;
        }
    return false;
}

void ServiceAddresses::finish_drains() {
    std::vector<Done> done;
    std::erase_if(drains_, [&](const auto& drain) {
        if (!drain->host || !drain->clients || behind(*drain)) return false;
        drain->limit.reset();
        done.push_back(std::move(drain->done));
        return true;
    });
    for (auto& d : done)
        if (d) d(nullptr);
}

} // namespace davit::supervisor
