// Networks of a project, a service's place on them, and its ports.
#include "base/network_drivers.hpp"
#include "compose/attributes/rows.hpp"

namespace davit::compose {

using namespace shapes;

namespace {

constinit const Shape aux_addresses{.types = t_map, .values = &text, .extensions = false};
constexpr Row<IpamPool> pool_rows[] = {
    row<&IpamPool::subnet>("subnet", text),
    row<&IpamPool::gateway>("gateway", text),
    row<&IpamPool::ip_range>("ip_range", text),
    row<&IpamPool::aux_addresses>("aux_addresses", aux_addresses),
};
constexpr Table pool_table(pool_rows);
constinit const Shape pool{.noun = "an ipam pool", .types = t_map, .fields = pool_table};
constinit const Shape pools{.types = t_list, .items = &pool};
constexpr std::string_view own_addresses = "davit gives out the addresses itself";
constexpr std::string_view ipam_drivers[] = {"default"};
constexpr Row<Ipam> ipam_rows[] = {
    row<&Ipam::driver>("driver", text).without_effect({.why = own_addresses, .acted = ipam_drivers}),
    row<&Ipam::config, ObjectList<IpamPool>>("config", pools, {.merging = Merging::ipam_config}),
    row<&Ipam::options>("options", aux_addresses, {.identity = Identity::name}).without_effect({own_addresses}),
};
constexpr Table ipam_table(ipam_rows);
constinit const Shape ipam{.noun = "ipam", .types = t_map, .fields = ipam_table};

constexpr Row<Network> network_rows[] = {
    row<&Network::name>("name", text),
    row<&Network::driver>("driver", text),
    row<&Network::driver_opts>("driver_opts", driver_opts)
        .without_effect({.why = "davit does not know this option", .acted = acted_network_options}),
    row<&Network::ipam, Object<Ipam>>("ipam", ipam),
    row<&Network::external>("external", external, {.cast = Cast::boolean}),
    row<&Network::internal>("internal", bool_or_text, {.cast = Cast::boolean}),
    row<&Network::attachable>("attachable", bool_or_text, {.cast = Cast::boolean})
        .without_effect({"any container of this machine can be attached"}),
    row<&Network::labels>("labels", list_or_map, {.merging = Merging::to_sequence, .identity = Identity::name}),
    row<&Network::enable_ipv4>("enable_ipv4", bool_or_text, {.cast = Cast::boolean}),
    row<&Network::enable_ipv6>("enable_ipv6", bool_or_text, {.cast = Cast::boolean}),
};
constexpr Table network_table(network_rows);

constexpr std::string_view acted_endpoint_options[] = {"com.docker.network.endpoint.sysctls", endpoint_ifname};
constexpr Row<ServiceNetwork> service_network_rows[] = {
    row<&ServiceNetwork::aliases>("aliases", unique_texts, {.identity = Identity::name}),
    row<&ServiceNetwork::driver_opts>("driver_opts", driver_opts)
        .without_effect({.why = "davit does not know this option", .acted = acted_endpoint_options}),
    row<&ServiceNetwork::gw_priority>("gw_priority", number),
    row<&ServiceNetwork::interface_name>("interface_name", text),
    row<&ServiceNetwork::ipv4_address>("ipv4_address", text),
    row<&ServiceNetwork::ipv6_address>("ipv6_address", text),
    row<&ServiceNetwork::link_local_ips>("link_local_ips", unique_texts, {.identity = Identity::name}),
    row<&ServiceNetwork::mac_address>("mac_address", text),
    row<&ServiceNetwork::priority>("priority", number),
};
constexpr Table service_network_table(service_network_rows);
constinit const Shape service_network{
    .noun = "a network of a service", .types = t_map | t_null, .fields = service_network_table};

constexpr Row<Port> port_rows[] = {
    row<&Port::name>("name", text).without_effect({"it is a name for those who read the file"}),
    row<&Port::mode>("mode", text).without_effect({"there is one machine; it is published as ingress is", "host"}),
    row<&Port::host_ip>("host_ip", text),
    row<&Port::target>("target", integer_or_text, {.cast = Cast::integer}),
    row<&Port::published>("published", integer_or_text),
    row<&Port::protocol>("protocol", text),
    row<&Port::app_protocol>("app_protocol", text).without_effect({"nothing on this machine reads it"}),
};
constexpr Table port_table(port_rows);
constinit const Shape port{.noun = "a port", .types = t_num | t_str | t_map, .fields = port_table};

} // namespace

constinit const Shape shapes::network{.noun = "a network", .types = t_map | t_null, .fields = network_table};
constinit const Shape shapes::service_networks{.types = t_list | t_map,
                                               .values = &service_network,
                                               .keys = Keys::resource,
                                               .extensions = false,
                                               .items = &text,
                                               .unique = true};
constinit const Shape shapes::ports{.types = t_list, .items = &port, .unique = true};

template <>
Rows<IpamPool> rows<IpamPool>() {
    return pool_table;
}

template <>
Rows<Ipam> rows<Ipam>() {
    return ipam_table;
}

template <>
Rows<Network> rows<Network>() {
    return network_table;
}

template <>
Rows<ServiceNetwork> rows<ServiceNetwork>() {
    return service_network_table;
}

template <>
Rows<Port> rows<Port>() {
    return port_table;
}

} // namespace davit::compose
