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
#include "supervisor/network/network.hpp"
#include "supervisor/network/proxied_ports.hpp"
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
    const NetworkLease* lease(const std::string& container_id) const;

    // Writes down which addresses belong to whom; at the end, else it happens by itself.
    void save_kept();
    // When the host's rules reflect everything until now.
    void when_committed(Done done);

    bool busy() const { return process_posted_; }                     // it waits for the machine's lock
    bool owes_commit() const { return static_cast<bool>(recommit_); } // the last one failed: it is tried again
    std::uint32_t group() const { return state_.group; }
    const net::ResolvConf& host_resolv(); // read once a second at most
    bool uses_any() const { return !state_.networks.empty(); }

private:
    struct Holder {
        NetworkLease lease;
        std::vector<net::dns::NamedEndpoint> names;
        bool published = true;
    };
    struct Waiting {
        ContainerRecord record;
        Connected done;
    };
    struct Removal {
        std::string name, bridge;
        Done done;
    };

    Network& get(const std::string& name);
    Network& add(std::unique_ptr<Network> network);
    Network& in_kernel(const std::string& name); // its bridge is made where it is missing
    std::unique_ptr<Network> settle(NetworkRecord record, const std::string& own_link);
    bool overlaps_others(const Network& network);
    std::vector<net::Taken> taken(const std::string& bridge, const std::string& name);

    void process(); // with the machine's lock: creations, connections
    void create_now(const std::string& name);
    void connect_now(const ContainerRecord& record);
    void lease_addresses(const ContainerRecord& record, NetworkLease& lease);
    net::IpAddress lease_one(Network& network, bool v6, const std::string& wish, const ContainerRecord& record);
    void keep_soon(Network& network);
    void lease_ports(const ContainerRecord& record, NetworkLease& lease);
    void add_port_rules(const ContainerRecord& record, const NetworkLease& lease);
    void serve_proxied(const std::string& id, const NetworkLease& lease);
    void give_back(const std::string& id, const NetworkLease& lease);
    void touch(const NetworkLease& lease);
    void refuse_all(const Error& why);
    void write_changed();
    void write_later();
    void post_process();

    void remove_batch();
    void require_unused(const std::string& name);

    bool in_use(const std::string& name) const;
    void leave_unused();

    void watch_firewall();
    void heal_soon();
    void schedule_commit();
    void commit();
    void commit_again(const HelperJob& failed);

    void watch_foreign(const std::string& network);
    bool open_inotify();
    void look_at_foreign();
    void read_foreign(const std::string& network);
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
    std::set<std::string> changed_;                          // networks whose endpoints file is to be written

    struct Expected {
        std::string network, holder;
        net::IpAddress address;
    };
    std::vector<Expected> expected_;      // of networks that nobody has asked for yet
    std::set<std::string> kept_to_write_; // networks
    EventLoop::Watch kept_timer_;

    std::vector<Waiting> waiting_;
    std::vector<std::pair<std::string, Done>> creations_;
    std::vector<Removal> removals_;
    std::uint32_t group_to_remove_ = 0; // by the next commit
    std::vector<std::string> bridges_to_remove_;
    bool process_posted_ = false;
    EventLoop::Watch retry_, rewrite_, recommit_;

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
