// Networks without a bridge: macvlan and ipvlan.
#include "supervisor/network/networks.hpp"

#include "base/file.hpp"
#include "base/sys.hpp"
#include "net/bridge.hpp"
#include "network/drivers.hpp"

namespace davit::supervisor {

// The parent that is below a network of shared links; `record` learns when it was made here.
std::unique_ptr<Network> Networks::settle_shared(NetworkRecord record) {
    const NetworkRecord before = record;
    const auto others = store_.networks();
    check_parent_use(record, others);
    if (record.bridge.empty() && shared_network(record).parent.empty())
        record.bridge = net::bridge_name(record.project, record.name, store_.roots().run);
    const std::string own = record.bridge;
    complete(record, taken_by(others, record.name), read_file_if_exists("/etc/machine-id").value_or(""));
    if (record.created == 0) record.created = sys::realtime_ns();
    record.bridge = own;
    auto network = std::make_unique<Network>(record);
    const net::ParentSpec parent = network->parent(group_of(record));
    net::check_parent(host_, parent);
    if (record.bridge.empty()) {
        record.bridge = own_parent(record, others, net::find_link(host_, parent.name).has_value());
        network = std::make_unique<Network>(record);
    }
    if (record != before) store_.write(record); // first: a link without a record would be nobody's after a crash
    net::provide_parent(host_, parent);
    network->in_kernel = true;
    return network;
}

} // namespace davit::supervisor
