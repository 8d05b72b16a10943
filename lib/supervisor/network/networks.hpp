// The networks of a project: their bridges, who has which address and port, the host's rules and
// the names other projects publish on shared networks. Runs in the loop; what takes longer goes to
// the helper. Changes that come in one turn of the loop share one lock and one nft transaction.
#pragma once

#include "base/event_loop.hpp"
#include "davit/error.hpp"
#include "net/dns/registry.hpp"
#include "net/firewall_watch.hpp"
#include "net/netlink.hpp"
#include "net/ports.hpp"
#include "net/state.hpp"
#include "project/store.hpp"
#include "supervisor/helper/helper.hpp"
#include "supervisor/network/client_tables.hpp"
#include "supervisor/network/endpoints_file.hpp"
#include "supervisor/network/network.hpp"
#include "supervisor/network/proxied_ports.hpp"
#include "supervisor/network/service_addresses.hpp"
#include "supervisor/network/wiring.hpp"

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace davit::supervisor {

// What a container holds on its networks as long as it runs or is about to be restarted.
struct NetworkLease {
    std::vector<EndpointRecord> wishes;  // in connect order
    std::vector<Attachment> attachments; // point into wishes and the networks
    std::vector<UniqueFd> port_sockets;
    std::vector<PublishedPort> ports; // for ps
};

// The network that carries the default route is the one that ports are published to; null: none.
const Attachment* publishing(const NetworkLease& lease);
// "container x", "service y": who has an address.
std::string shown(const net::dns::NamedEndpoint& endpoint);

class Networks {
public:
    using Done = std::function<void(const Error* error)>;
    using Connected = std::function<void(const Error* error, const NetworkLease* lease)>;

    Networks(EventLoop& loop, const RecordStore& store, std::string project, Helper& helper,
             net::dns::Registry& registry);

    // What earlier supervisors left: the project's file under <run>/net.
    void load();
    // When all containers that live have been adopted: what belongs to others is given up.
    void adopted();
    // From the staged record, or the existing one (its bridge is made again where it is missing).
    void create(const std::string& name, Done done);
    // Refused (conflict) while a container of any project is on it. Missing is fine.
    void remove(const std::string& name, Done done);

    // A container that is there: the addresses it asks for are not given to others meanwhile.
    void expect(const ContainerRecord& record);
    // Addresses and ports; the names are published. Valid until release().
    void connect(const ContainerRecord& record, Connected done);
    // A container that runs already, from its status; the parked port reservations follow.
    void adopt(const ContainerRecord& record, const ContainerStatus& status);
    void keep_sockets(const std::string& container_id, std::vector<UniqueFd> sockets);
    // Its names go and come back while it is down between restarts.
    void publish(const ContainerRecord& record, bool published);
    void release(const std::string& container_id);
    // It is removed: what it kept for itself is free, what its service keeps is not.
    void forget(const ContainerRecord& record);
    // What is published for one container is published for the other, which gives up what it has of its own; done
    // when the host's rules say so. Established connections stay where they are.
    void hand_over(const std::string& from, const ContainerRecord& to, Done done);
    const NetworkLease* lease(const std::string& container_id) const;

    // Of a network that a container of ours is on; null: none.
    const NetworkRecord* known(const std::string& name) const;

    // live.cpp: a container that has a lease. record: as it will be.
    // It gets an address on one more network; its names follow, and its ports where the way out is another one then.
    void add_network(const ContainerRecord& record, const std::string& network, Connected done);
    // Names and ports leave the network; the address stays the container's until free_network().
    void drop_network(const ContainerRecord& record, const std::string& network);
    void free_network(const std::string& container_id, const std::string& network);
    // In the helper: an interface goes out of a container's namespace.
    void unplug(int netns, const std::string& ifname, Done done);

    // Services on these networks.
    ServiceAddresses& services() { return services_; }
    // The namespace of a container that has its addresses, before anything runs in it (or, was_there, after an earlier
    // supervisor): it sees the services of its networks until leave(). The descriptor stays open until then.
    void join(const std::string& container_id, int netns, bool was_there);
    void leave(const std::string& container_id) { clients_.remove(container_id); }
    // What keeps its ports, and those of its services: copies are parked in its shim; again when this is called.
    std::vector<int> sockets_of(const std::string& container_id) const;
    std::function<void(const std::string& container_id)> park;

    // Writes down which addresses belong to whom; at the end, else it happens by itself.
    void save_kept();
    // When the host's rules reflect everything until now.
    void when_committed(Done done);

    // It waits for the machine's lock, for the helper that drops flows, or for others to have dropped them.
    bool busy() const {
        return process_posted_ || clients_.busy() || any_quarantined() || commit_posted_ || committing_ > committed_;
    }
    // What nobody here is on any more goes at once: at the end; else it waits a second.
    void leave_unused();
    void stop_helper() { clients_.stop_helper(); }                    // as Helper::stop()
    bool owes_commit() const { return static_cast<bool>(recommit_); } // the last one failed: it is tried again
    std::uint32_t group() const { return state_.group; }
    const net::ResolvConf& host_resolv(); // read once a second at most
    bool uses_any() const { return !state_.networks.empty() || !state_.services.empty(); }

private:
    friend class ServiceAddresses;
    struct Holder {
        NetworkLease lease;
        std::vector<net::dns::NamedEndpoint> names;
        bool published = true;
        bool served = false; // a service led to it at some time: connections by way of its address may outlive it
    };
    struct Waiting {
        ContainerRecord record;
        Connected done;
    };
    struct Joining {
        ContainerRecord record;
        std::string network;
        Connected done;
    };
    struct Removal {
        std::string name, bridge;
        Done done;
    };

    Network& get(const std::string& name);
    Network& add(std::unique_ptr<Network> network);
    Network& current(const std::string& name);
    std::uint32_t group_of(const NetworkRecord& record) const; // of links
    Network& in_kernel(const std::string& name);               // its bridge is made where it is missing
    std::unique_ptr<Network> settle(NetworkRecord record, const std::string& own_link);
    std::unique_ptr<Network> settle_shared(NetworkRecord record);
    Network& use(Network& network);
    bool overlaps_others(const Network& network);
    std::vector<net::Taken> taken(const std::string& bridge, const std::string& name);

    void process(); // with the machine's lock: creations, connections
    void create_now(const std::string& name);
    void connect_now(const ContainerRecord& record);
    void lease_addresses(const ContainerRecord& record, NetworkLease& lease);
    void lease_addresses_on(const EndpointRecord& wish, const ContainerRecord& record, NetworkLease& lease);
    void add_network_now(const ContainerRecord& record, const std::string& network);
    void exchange_lease(const ContainerRecord& record, Holder& holder, NetworkLease fresh);
    net::IpAddress lease_one(Network& network, bool v6, const std::string& wish, const ContainerRecord& record);
    void keep_soon(Network& network);
    void lease_ports(const ContainerRecord& record, NetworkLease& lease);
    bool held_by(const std::string& container_id, const PortRecord& port) const;
    void add_port_rules(const ContainerRecord& record, const NetworkLease& lease);
    void serve_proxied(const std::string& id, const NetworkLease& lease);
    void give_back(const std::string& id, const NetworkLease& lease);
    // quarantine.cpp
    using ByNetwork = std::map<std::string, std::set<net::IpAddress>>;
    void quarantine(const ByNetwork& addresses);
    void end_quarantine(const ByNetwork& addresses);
    void quarantine_unknown();
    bool frees_soon(const std::string& network) const; // an address of ours or of others
    bool any_quarantined(const std::string& network) const;
    bool any_quarantined() const;
    void touch(const NetworkLease& lease);
    void refuse_all(const Error& why);
    void write_changed();
    void write_later();
    void post_process();

    void remove_batch();
    void require_unused(const std::string& name);

    bool in_use(const std::string& name) const;
    void leave_soon();
    bool leaving(const ContainerRecord& record) const;

    void watch_firewall();
    void heal_soon();
    void schedule_commit();
    void commit();
    void commit_again(const HelperJob& failed);

    void watch_foreign(const std::string& network);
    bool open_inotify();
    void look_at_foreign();
    void read_foreign(const std::string& network);
    void set_clients(const std::string& network);
    void acknowledge(const std::string& network, const AppliedChanges& now);
    void park_again(const std::string& container_id);
    void on_inotify();

    EventLoop& loop_;
    const RecordStore& store_;
    std::string project_;
    Helper& helper_;
    net::dns::Registry& registry_;
    net::NetlinkSocket host_;
    net::ProjectNetState state_;

    std::map<std::string, std::unique_ptr<Network>> networks_;
    std::map<std::string, std::unique_ptr<Holder>> holders_; // by container id
    ProxiedPorts proxied_;                                   // watches sockets of the holders
    ServiceAddresses services_{*this};
    ClientTables clients_;
    std::map<std::string, std::vector<std::pair<std::string, OnNetwork>>> foreign_; // services of others, by network
    std::map<std::string, AppliedChanges> acknowledged_;                            // by network
    std::map<std::string, std::set<net::IpAddress>> foreign_leaving_;               // by network: seen already
    std::set<std::string> changed_; // networks whose endpoints file is to be written

    struct Expected {
        std::string network, holder;
        net::IpAddress address;
    };
    std::vector<Expected> expected_;      // of networks that nobody has asked for yet
    std::set<std::string> kept_to_write_; // networks
    EventLoop::Watch kept_timer_;

    std::vector<Waiting> waiting_;
    std::vector<Joining> joining_;
    std::vector<std::pair<std::string, Done>> creations_;
    std::vector<Removal> removals_;
    std::size_t removing_ = 0;                           // that the host's rules and links do not reflect yet
    std::vector<std::pair<std::string, Done>> deferred_; // creations that wait for those
    std::uint32_t group_to_remove_ = 0;                  // by the next commit
    std::map<std::string, std::uint64_t> leaving_;       // networks whose bridge goes with a commit: its version
    EventLoop::Watch leave_timer_;
    std::vector<std::string> bridges_to_remove_;
    bool process_posted_ = false;
    EventLoop::Watch retry_, rewrite_, recommit_, freed_;

    std::uint64_t version_ = 0, committing_ = 0, committed_ = 0;
    bool commit_posted_ = false;
    std::vector<std::pair<std::uint64_t, Done>> commit_waiters_;

    std::optional<net::FirewallWatch> firewall_;
    EventLoop::Watch nftables_watch_, sysctl_watch_, heal_timer_;

    UniqueFd inotify_;
    EventLoop::Watch inotify_watch_, look_again_;
    std::map<int, std::string> watched_;
    std::set<std::string> unwatched_; // containers have taken what root may have of inotify: looked at by the clock
    bool unwatched_told_ = false;

    net::ResolvConf host_resolv_;
    std::int64_t host_resolv_read_ = 0;
};

} // namespace davit::supervisor
