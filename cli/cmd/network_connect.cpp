#include "base/error.hpp"
#include "cli/cmd/network.hpp"
#include "cli/context.hpp"
#include "cli/docker_errors.hpp"
#include "cli/options.hpp"
#include "davit/containers.hpp"
#include "davit/networks.hpp"

namespace davit::cli {

int run_network_connect(Globals& globals, const Args& args) {
    ConnectOptions how;
    std::vector<std::string> names, driver_opts;
    Options options(globals, "network connect [OPTIONS] NETWORK CONTAINER", "Connect a container to a network");
    options.list("alias", how.aliases, "Add network-scoped alias for the container")
        .list("driver-opt", driver_opts, "Driver options for the network", "strings")
        .value("gw-priority", how.gw_priority, "Highest gw-priority provides the default gateway")
        .each(
            "ip", "ip", [&](const std::string& text) { how.ipv4 = checked_address(text); }, "IPv4 address")
        .each(
            "ip6", "ip", [&](const std::string& text) { how.ipv6 = checked_address(text); }, "IPv6 address")
        .list("link", how.links, "Add link to another container", "list")
        .each(
            "link-local-ip", "ipSlice",
            [&](const std::string& text) {
                if (!is_address(text))
                    throw error(Errc::usage, "invalid string being converted to IP address: {}", text);
                how.link_local_ips.push_back(text);
            },
            "Add a link-local address for the container")
        .arguments(names, 2, 2);
    if (!options.parse(args)) return 0;
    for (const std::string& text : driver_opts) {
        const std::size_t equals = text.find('=');
        if (equals == std::string::npos || equals == 0)
            throw error(Errc::usage, "invalid key/value pair format in driver options");
        how.driver_opts[text.substr(0, equals)] = text.substr(equals + 1);
    }
    Context context(globals);
    context.mute();
    const ContainerInfo container = find_container(context.engine(), names[1]);
    const NetworkInfo to = network(context.engine(), names[0]);
    if (!context.dry_run()) connect_network(context.engine(), to, container, how, context.stop());
    return 0;
}

int run_network_disconnect(Globals& globals, const Args& args) {
    bool force = false;
    std::vector<std::string> names;
    Options options(globals, "network disconnect [OPTIONS] NETWORK CONTAINER", "Disconnect a container from a network");
    options.flag("f,force", force, "Force the container to disconnect from a network").arguments(names, 2, 2);
    if (!options.parse(args)) return 0;
    Context context(globals);
    context.mute();
    const ContainerInfo container = find_container(context.engine(), names[1]);
    const NetworkInfo from = network(context.engine(), names[0]);
    if (!context.dry_run())
        disconnect_network(context.engine(), from, container, force && !docker_is_spoken(), context.stop());
    return 0;
}

} // namespace davit::cli
