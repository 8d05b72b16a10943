// The table of virtual addresses in the namespace of each container: what the services of its networks are, kept in
// step. One transaction a namespace for what came in one turn of the loop.
#pragma once

#include "base/event_loop.hpp"
#include "net/netlink.hpp"
#include "net/vips.hpp"
#include "supervisor/helper/helper.hpp"

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace davit::supervisor {

class ClientTables {
public:
    explicit ClientTables(EventLoop& loop);
    ~ClientTables();

    // All services of a network. Clients follow in the next turns.
    void set(const std::string& network, net::VipTable services);
    // A namespace on these networks; written before this returns. It was there under an earlier supervisor: whatever
    // that left in it is replaced. The descriptor is the caller's, and open until remove().
    void add(const std::string& client, std::vector<std::string> networks, int netns, bool was_there);
    void remove(const std::string& client);
    // Calls back when all clients have what was set until now; from inside, if they have it.
    void when_applied(std::function<void()> done);
    // Addresses that may be given to others next: ends every flow by way of them that a client or the host still has.
    // Done when none is left, once the clients have what was set until now.
    void forget_flows(const std::set<net::IpAddress>& gone, std::function<void()> done);

    // As when_applied(), and what forget_flows() was asked for until now is done.
    void when_forgotten(std::function<void()> done);

    bool busy() const { return flows_.busy(); }
    void stop_helper() { flows_.stop(); }

private:
    using Snapshot = std::shared_ptr<const net::VipTable>;
    struct Client {
        std::vector<std::string> networks;
        int netns = -1;
        std::optional<net::NetlinkSocket> netfilter; // closing it waits for what the kernel still frees
        std::map<std::string, Snapshot> applied;     // by network
        bool written = false;                        // the table is there
    };

    Snapshot current(const std::string& network) const;
    void apply_soon();
    void apply();
    void bring_along(const std::string& id, Client& client);
    net::NetlinkSocket& socket_of(Client& client);
    void write_whole(const std::string& id, Client& client);
    void flush_soon(const net::StaleFlows& stale);
    void flush();

    EventLoop& loop_;
    std::map<std::string, Snapshot> networks_;
    std::map<std::string, Client> clients_;
    std::set<std::string> behind_; // clients
    bool posted_ = false;
    std::vector<std::function<void()>> waiters_;
    // The last change between two snapshots: the same for all clients of a network.
    struct Change {
        Snapshot before, after;
        net::nft::Transaction transaction;
    };
    std::optional<Change> last_change_;

    Helper flows_; // it walks connection tracking, for tens of ms
    net::StaleFlows stale_;
    std::set<std::string> stale_networks_;
    std::vector<std::function<void()>> forgotten_, flushing_; // wait for the next flush, for the one under way
    EventLoop::Watch flush_timer_;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

} // namespace davit::supervisor
