#include "supervisor/network/networks.hpp"

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/programs.hpp"
#include "base/sys.hpp"
#include "net/bridge.hpp"
#include "net/taken.hpp"
#include "network/builtin.hpp"
#include "supervisor/network/kept_addresses.hpp"

#include <algorithm>
#include <linux/netlink.h>
#include <sys/inotify.h>

namespace davit::supervisor {

namespace {
constexpr std::chrono::milliseconds leave_delay{1000};
}

Networks::Networks(EventLoop& loop, const RecordStore& store, std::string project, Helper& helper,
                   net::dns::Registry& registry)
    : loop_(loop), store_(store), project_(std::move(project)), helper_(helper), registry_(registry),
      host_(NETLINK_ROUTE),
      proxied_(loop, find_program("davit-port-proxy"), ProjectPaths(store.roots(), project_).port_proxy_socket()),
      clients_(loop) {
    state_.project = project_;
}

void Networks::load() {
    net::HostNetworkState all = net::load_state(store_.roots().run);
    if (auto it = all.projects.find(project_); it != all.projects.end()) state_ = it->second;
    state_.project = project_;
    if (state_.group == 0) state_.group = net::choose_group(all, project_, store_.roots().run);
    // Rules of containers that are gone: those that live are adopted and add theirs again.
    if (!state_.ports.empty()) schedule_commit();
    state_.ports.clear();
    services_.load();
    for (const auto& n : state_.networks)
        if (services_.uses(n.name)) {
            changed_.insert(n.name);
            read_foreign(n.name);
        }
}

std::string shown(const net::dns::NamedEndpoint& endpoint) {
    if (!endpoint.container_name.empty()) return "container " + endpoint.container_name;
    return "service " + (endpoint.names.empty() ? endpoint.container_id : endpoint.names.front());
}

void Networks::adopted() {
    std::set<std::string> ids;
    for (const auto& [id, holder] : holders_) ids.insert(id);
    ids.merge(services_.proxy_ids());
    services_.adopted();
    if (services_.any()) quarantine_unknown();
    proxied_.keep_only(ids);
    leave_unused();
    // What an earlier supervisor said of containers that ended with it.
    for (const auto& network : list_directory(store_.roots().run_networks())) {
        const std::string dir = endpoints_dir(store_.roots(), network);
        if (exists(dir + "/" + project_ + ".json")) changed_.insert(network);
        for (const auto& file : list_directory(dir)) // it was killed while it wrote
            if (file.starts_with(project_ + ".json.") && file.ends_with(".tmp")) ::unlink((dir + "/" + file).c_str());
    }
    if (!changed_.empty()) post_process();
    watch_firewall();
}

bool Networks::in_use(const std::string& name) const {
    for (const auto& [id, holder] : holders_)
        for (const auto& a : holder->lease.attachments)
            if (a.network->name() == name) return true;
    return services_.uses(name);
}

// Networks of others that no container of ours is on any more; our own stay until they are removed.
void Networks::leave_unused() {
    std::size_t before = state_.networks.size();
    std::vector<std::string> gone;
    std::erase_if(state_.networks, [&](const net::NetworkState& n) {
        auto record = store_.network(n.name);
        if ((record && record->project == project_) || in_use(n.name) || any_quarantined(n.name)) return false;
        save_kept();
        networks_.erase(n.name);
        gone.push_back(n.name);
        return true;
    });
    leave_timer_.reset();
    if (state_.networks.size() == before) return;
    schedule_commit();
    for (const auto& name : gone) leaving_[name] = version_; // its bridge goes with that commit
}

// The next container may be about to come: making a bridge anew waits for the removal of the old one.
void Networks::leave_soon() {
    if (!leave_timer_) leave_timer_ = loop_.after(leave_delay, [this] { leave_unused(); });
}

bool Networks::leaving(const ContainerRecord& record) const {
    return std::any_of(record.endpoints.begin(), record.endpoints.end(),
                       [&](const auto& e) { return leaving_.contains(e.network); });
}

Network& Networks::get(const std::string& name) {
    auto it = networks_.find(name);
    if (it != networks_.end()) return *it->second;
    auto record = store_.network(name);
    if (!record && is_builtin_network(name)) record = builtin_network(name, store_.roots().run);
    if (!record || (record->bridge.empty() && !is_shared_driver(record->driver)))
        throw error(Errc::not_found, "failed to set up container networking: network {} not found", name);
    return add(std::make_unique<Network>(std::move(*record)));
}

const NetworkRecord* Networks::known(const std::string& name) const {
    const auto it = networks_.find(name);
    return it == networks_.end() ? nullptr : &it->second->record();
}

std::uint32_t Networks::group_of(const NetworkRecord& record) const {
    if (record.project == project_) return state_.group;
    return net::choose_group(net::load_state(store_.roots().run), record.project, store_.roots().run);
}

// A network of others may be another one by now, of the same name.
Network& Networks::current(const std::string& name) {
    Network& known = get(name);
    if (known.record().project == project_) return known;
    const auto now = store_.network(name);
    if (!now && !is_builtin_network(name))
        throw error(Errc::not_found, "failed to set up container networking: network {} not found", name);
    if (!now || now->id == known.record().id || in_use(name)) return known;
    networks_.erase(name);
    std::erase_if(state_.networks, [&](const auto& n) { return n.name == name; });
    return get(name);
}

Network& Networks::add(std::unique_ptr<Network> network) {
    const std::string& name = network->name();
    auto keep = [&](const std::string& holder, const net::IpAddress& address) {
        if (net::AddressPool* pool = network->pool(address.is_v6())) pool->keep(address, holder);
    };
    for (const auto& [holder, addresses] : read_kept(store_.roots(), name, project_))
        for (const auto& address : addresses) keep(holder, address);
    for (bool v6 : {false, true})
        if (net::AddressPool* pool = network->pool(v6)) pool->take_change(); // that is what the file says
    std::erase_if(expected_, [&](const Expected& e) {
        if (e.network == name) keep(e.holder, e.address);
        return e.network == name;
    });
    return *(networks_[name] = std::move(network));
}

const net::ResolvConf& Networks::host_resolv() {
    std::int64_t now = sys::monotonic_ns();
    if (host_resolv_read_ == 0 || now - host_resolv_read_ > 1'000'000'000) {
        host_resolv_ = net::host_resolv_conf();
        host_resolv_read_ = now;
    }
    return host_resolv_;
}

// ---- creation

void Networks::create(const std::string& name, Done done) {
    // What goes takes bridges by their name, or all of the project's: a new one is made when it has gone.
    if (removing_ > 0) return deferred_.emplace_back(name, std::move(done)), void();
    creations_.emplace_back(name, std::move(done));
    post_process();
}

std::vector<net::Taken> Networks::taken(const std::string& bridge, const std::string& name) {
    auto out = net::observe_taken(host_, bridge);
    auto others = taken_by(store_.networks(), name);
    out.insert(out.end(), others.begin(), others.end());
    return out;
}

bool Networks::overlaps_others(const Network& network) {
    const auto others = net::observe_taken(host_, network.record().bridge);
    for (const auto& subnet : network.state().subnets)
        for (const auto& other : others)
            if (other.subnet.overlaps(subnet)) return true;
    return false;
}

// Gives a network of ours its subnets and makes its bridge. The machine's lock is one state root's: another
// root, or a VPN, may take the subnet between the look and the bridge. Whoever sees the other afterwards
// yields and looks again from another place; if both do, there is room for both.
std::unique_ptr<Network> Networks::settle(NetworkRecord record, const std::string& own_link) {
    const std::string machine = read_file_if_exists("/etc/machine-id").value_or("");
    constexpr int attempts = 6;
    if (record.bridge.empty() && network_options(record).bridge_name.empty())
        record.bridge = net::bridge_name(record.project, record.name, store_.roots().run);
    for (int attempt = 1;; ++attempt) {
        const std::string bridge = record.bridge;
        complete(record, taken(own_link, record.name), machine, attempt == 1 ? std::string() : sys::random_hex(8));
        if (!bridge.empty()) record.bridge = bridge;
        if (record.created == 0) record.created = sys::realtime_ns();
        auto network = std::make_unique<Network>(record);
        store_.write(record); // first: a bridge without a record would be nobody's after a crash
        net::create_bridge(host_, network->bridge(group_of(record)));
        if (!overlaps_others(*network)) {
            network->in_kernel = true;
            return network;
        }
        net::remove_bridge(host_, record.bridge);
        if (attempt == attempts)
            throw error(Errc::conflict, "the subnets of network {} are taken by somebody else at each attempt",
                        record.name);
        record.subnet4.clear();
        record.subnet6.clear();
    }
}

Network& Networks::in_kernel(const std::string& name) {
    Network* network = &current(name);
    if (network->in_kernel) return *network;
    const NetworkRecord& r = network->record();
    if (network->is_shared()) return use(add(settle_shared(r)));
    // After a boot, or as nobody was on it: meanwhile its subnet may be another's.
    const bool missing = !net::find_link(host_, r.bridge);
    const bool ours_to_move = r.project == project_ || (r.project.empty() && r.ipam.empty());
    if (missing && ours_to_move && read_foreign_endpoints(store_.roots(), name, project_).empty()) {
        network = &add(settle(r, r.bridge));
    } else {
        if (missing)
            for (const auto& subnet : network->state().subnets) net::require_free(subnet, taken(r.bridge, name));
        net::create_bridge(host_, network->bridge(group_of(r)));
        network->in_kernel = true;
    }
    return use(*network);
}

// Every project that uses a network lists it: the rules stay until the last of them has gone.
Network& Networks::use(Network& network) {
    auto mine = std::find_if(state_.networks.begin(), state_.networks.end(),
                             [&](const auto& n) { return n.name == network.name(); });
    if (mine != state_.networks.end()) *mine = network.state();
    else state_.networks.push_back(network.state());
    schedule_commit();
    return network;
}

void Networks::create_now(const std::string& name) {
    auto staged = store_.staged_network(project_, name);
    if (staged) {
        if (auto made = store_.network(name)) {
            store_.drop_staged_network(project_, name);
            // Ours: an earlier supervisor was killed after it had written the record.
            if (made->project != project_) throw error(Errc::conflict, "network {} exists already", name);
            staged.reset();
        }
    }
    if (!staged) {
        in_kernel(name);
        return;
    }
    if (staged->id.empty()) staged->id = sys::random_hex(64);
    if (staged->created == 0) staged->created = sys::realtime_ns();
    std::unique_ptr<Network> network;
    try {
        network = is_shared_driver(staged->driver) ? settle_shared(*staged) : settle(*staged, {});
    } catch (...) {
        store_.remove_network(name);
        throw;
    }
    store_.drop_staged_network(project_, name);
    state_.networks.push_back(network->state());
    add(std::move(network));
    schedule_commit();
}

// ---- removal

void Networks::remove(const std::string& name, Done done) {
    try {
        auto record = store_.network(name);
        if (!record) return done(nullptr);
        require_unused(name);
        save_kept(); // for a network of that name that follows
        store_.remove_network(name);
        std::erase_if(state_.networks, [&](const auto& n) { return n.name == name; });
        networks_.erase(name);
        foreign_.erase(name);
        acknowledged_.erase(name);
        foreign_leaving_.erase(name);
        unwatched_.erase(name);
        std::erase_if(watched_, [&](const auto& w) {
            if (w.second != name) return false;
            ::inotify_rm_watch(inotify_.get(), w.first);
            return true;
        });
        changed_.insert(name);
        write_changed(); // addresses in quarantine went with it
        if (removals_.empty()) loop_.post([this] { remove_batch(); });
        const bool stays = is_shared_driver(record->driver) && is_own_of(store_.networks(), record->bridge);
        removals_.push_back({name, stays ? std::string() : record->bridge, std::move(done)});
        ++removing_;
    } catch (const Error& e) {
        done(&e);
    }
}

void Networks::require_unused(const std::string& name) {
    for (const auto& [id, holder] : holders_)
        for (const auto& a : holder->lease.attachments)
            if (a.network->name() == name)
                throw error(Errc::conflict, "network {} is in use by container {}", name, id.substr(0, 12));
    if (services_.uses(name)) throw error(Errc::conflict, "network {} is in use by a service", name);
    for (const auto& [project, endpoints] : read_foreign_endpoints(store_.roots(), name, project_))
        for (const auto& e : endpoints)
            if (!is_leaving(e))
                throw error(Errc::conflict, "network {} is in use by {} of project {}", name, shown(e), project);
}

void Networks::remove_batch() {
    std::vector<Removal> batch;
    batch.swap(removals_);
    // The last networks of the project: one grace period for all that it ever made.
    bool last = state_.networks.empty() && holders_.empty();
    if (last) group_to_remove_ = state_.group;
    for (const auto& r : batch)
        if (!r.bridge.empty()) bridges_to_remove_.push_back(r.bridge);
    schedule_commit();
    when_committed([this, all = std::move(batch)](const Error* e) {
        removing_ -= all.size();
        for (const auto& r : all) r.done(e);
        if (removing_ > 0) return;
        for (auto& [name, done] : std::exchange(deferred_, {})) create(name, std::move(done));
    });
}

} // namespace davit::supervisor
