#include "stack/schema.hpp"

namespace davit::stack {

namespace {

constexpr Table open_table{{}, -1, true};

constexpr Key build_keys[] = {
    {"context"},
    {"dockerfile"},
    {"args", Is::variables},
    {"labels", Is::pairs},
    {"cache_from", Is::set},
    {"extra_hosts", Is::hosts},
    {"network"},
    {"target"},
};
constexpr Table build_table{build_keys, -1, true};

constexpr Key file_reference_keys[] = {
    {"source"}, {"target"}, {"uid"}, {"gid"}, {"mode", Is::amount, nullptr, 0, true},
};
constexpr Table file_reference_table{file_reference_keys, -1, true};

constexpr Key credential_keys[] = {{"config", Is::text, nullptr, 8}, {"file"}, {"registry"}};
constexpr Table credential_table{credential_keys};

constexpr Key health_keys[] = {
    {"test", Is::test},
    {"timeout", Is::duration, nullptr, 0, true},
    {"interval", Is::duration, nullptr, 0, true},
    {"retries", Is::amount, nullptr, 0, true},
    {"start_period", Is::duration, nullptr, 4, true},
    {"start_interval", Is::duration, nullptr, 12, true},
    {"disable", Is::boolean},
};
constexpr Table health_table{health_keys};

constexpr Key logging_keys[] = {{"driver"}, {"options", Is::log_options}};
constexpr Table logging_table{logging_keys};

constexpr Key attachment_keys[] = {
    {"aliases", Is::set}, {"driver_opts", Is::options, nullptr, 13}, {"ipv4_address"}, {"ipv6_address"}};
constexpr Table attachment_table{attachment_keys};

constexpr Key port_keys[] = {{"mode"}, {"target", Is::count}, {"published", Is::count}, {"protocol"}};
constexpr Table port_table{port_keys};

constexpr Key bind_keys[] = {{"propagation"}};
constexpr Table bind_table{bind_keys, -1, true};
constexpr Key volume_options_keys[] = {{"nocopy", Is::boolean}};
constexpr Table volume_options_table{volume_options_keys, -1, true};
constexpr Key tmpfs_keys[] = {{"size", Is::count}};
constexpr Table tmpfs_table{tmpfs_keys, -1, true};
constexpr Key mount_keys[] = {
    {"type"},
    {"source"},
    {"target"},
    {"read_only", Is::boolean},
    {"consistency", Is::text, nullptr, 3},
    {"bind", Is::record, &bind_table, 0, true},
    {"volume", Is::record, &volume_options_table, 0, true},
    {"tmpfs", Is::record, &tmpfs_table, 6, true},
    {"cluster", Is::record, &open_table, 11, true},
};
constexpr std::string_view mount_needs[] = {"type"};
constexpr Table mount_table{mount_keys, -1, false, mount_needs};

constexpr Key ulimit_keys[] = {{"soft", Is::integer}, {"hard", Is::integer}};
constexpr std::string_view ulimit_needs[] = {"soft", "hard"};
constexpr Table ulimit_table{ulimit_keys, -1, false, ulimit_needs};

constexpr Key update_keys[] = {
    {"parallelism", Is::count, nullptr, 0, true},
    {"delay", Is::duration},
    {"failure_action"},
    {"monitor", Is::duration},
    {"max_failure_ratio", Is::number},
    {"order", Is::order, nullptr, 4},
};
constexpr Table update_table{update_keys};

constexpr Key limit_keys[] = {{"cpus"}, {"memory", Is::size}, {"pids", Is::integer, nullptr, 9}};
constexpr Table limit_table{limit_keys};
constexpr Key discrete_keys[] = {{"kind", Is::text, nullptr, 0, true}, {"value", Is::number, nullptr, 0, true}};
constexpr Table discrete_table{discrete_keys};
constexpr Key generic_keys[] = {{"discrete_resource_spec", Is::record, &discrete_table, 0, true}};
constexpr Table generic_table{generic_keys};
constexpr Key reservation_keys[] = {
    {"cpus"}, {"memory", Is::size}, {"generic_resources", Is::records, &generic_table, 5}};
constexpr Table reservation_table{reservation_keys};
constexpr Key resource_keys[] = {{"limits", Is::record, &limit_table, 0, true},
                                 {"reservations", Is::record, &reservation_table, 0, true}};
constexpr Table resource_table{resource_keys};

constexpr Key restart_keys[] = {
    {"condition"},
    {"delay", Is::duration, nullptr, 0, true},
    {"max_attempts", Is::count, nullptr, 0, true},
    {"window", Is::duration, nullptr, 0, true},
};
constexpr Table restart_table{restart_keys};

constexpr Key preference_keys[] = {{"spread"}};
constexpr Table preference_table{preference_keys};
constexpr Key placement_keys[] = {
    {"constraints", Is::texts},
    {"preferences", Is::records, &preference_table, 3},
    {"max_replicas_per_node", Is::count, nullptr, 8},
};
constexpr Table placement_table{placement_keys};

constexpr Key deploy_keys[] = {
    {"mode"},
    {"replicas", Is::count, nullptr, 0, true},
    {"labels", Is::pairs},
    {"update_config", Is::record, &update_table, 0, true},
    {"rollback_config", Is::record, &update_table, 7, true},
    {"resources", Is::record, &resource_table},
    {"restart_policy", Is::record, &restart_table, 0, true},
    {"placement", Is::record, &placement_table},
    {"endpoint_mode", Is::text, nullptr, 2},
};
constexpr Table deploy_table{deploy_keys};

constexpr Key service_keys[] = {
    {"build", Is::build, &build_table},
    {"cap_add", Is::set},
    {"cap_drop", Is::set},
    {"cgroupns_mode", Is::text, nullptr, 9},
    {"cgroup_parent"},
    {"command", Is::words, nullptr, 0, false, Merge::replace},
    {"configs", Is::files, &file_reference_table, 3, false, Merge::by_source},
    {"container_name"},
    {"credential_spec", Is::record, &credential_table, 3},
    {"depends_on", Is::set},
    {"deploy", Is::record_or_null, &deploy_table},
    {"devices", Is::set},
    {"dns", Is::text_or_set},
    {"dns_search", Is::text_or_set},
    {"domainname"},
    {"entrypoint", Is::words, nullptr, 0, false, Merge::replace},
    {"environment", Is::variables},
    {"env_file", Is::text_or_set},
    {"expose", Is::scalars},
    {"external_links", Is::set},
    {"extra_hosts", Is::hosts},
    {"hostname"},
    {"healthcheck", Is::record, &health_table, 0, true},
    {"image"},
    {"init", Is::boolean, nullptr, 7, true},
    {"ipc"},
    {"isolation", Is::text, nullptr, 5},
    {"labels", Is::pairs},
    {"links", Is::set},
    {"logging", Is::record, &logging_table, 0, true, Merge::logging},
    {"mac_address"},
    {"network_mode"},
    {"networks", Is::networks, &attachment_table, 0, false, Merge::attachment},
    {"oom_score_adj", Is::integer, nullptr, 13},
    {"pid", Is::text_or_null},
    {"ports", Is::ports, &port_table, 0, false, Merge::by_published},
    {"privileged", Is::boolean},
    {"read_only", Is::boolean},
    {"restart"},
    {"secrets", Is::files, &file_reference_table, 1, false, Merge::by_source},
    {"security_opt", Is::set},
    {"shm_size", Is::number_or_text},
    {"stdin_open", Is::boolean},
    {"stop_grace_period", Is::duration, nullptr, 0, true},
    {"stop_signal"},
    {"sysctls", Is::pairs},
    {"tmpfs", Is::text_or_set},
    {"tty", Is::boolean},
    {"ulimits", Is::ulimits, &ulimit_table},
    {"user"},
    {"userns_mode"},
    {"volumes", Is::volumes, &mount_table, 0, false, Merge::by_target},
    {"working_dir"},
};
constexpr Table service_table{service_keys, 7};

constexpr Key pool_keys[] = {{"subnet"}};
constexpr Table pool_table{pool_keys};
constexpr Key ipam_keys[] = {{"driver"}, {"config", Is::records, &pool_table}};
constexpr Table ipam_table{ipam_keys};

constexpr Key network_keys[] = {
    {"name", Is::text, nullptr, 5},
    {"driver"},
    {"driver_opts", Is::options},
    {"ipam", Is::record, &ipam_table},
    {"external", Is::external},
    {"internal", Is::boolean},
    {"attachable", Is::boolean, nullptr, 2},
    {"labels", Is::pairs},
};
constexpr Table network_table{network_keys, 7};

constexpr Key volume_keys[] = {
    {"name", Is::text, nullptr, 4}, {"driver"}, {"driver_opts", Is::options}, {"external", Is::external},
    {"labels", Is::pairs},
};
constexpr Table volume_table{volume_keys, 7};

constexpr Key secret_keys[] = {
    {"name", Is::text, nullptr, 5},
    {"file"},
    {"external", Is::external},
    {"labels", Is::pairs},
    {"driver", Is::text, nullptr, 8},
    {"driver_opts", Is::options, nullptr, 8},
    {"template_driver", Is::text, nullptr, 8},
};
constexpr Table secret_table{secret_keys, 7};

constexpr Key config_keys[] = {
    {"name", Is::text, nullptr, 5},
    {"file"},
    {"external", Is::external},
    {"labels", Is::pairs},
    {"template_driver", Is::text, nullptr, 8},
};
constexpr Table config_table{config_keys, 7};

constexpr Key file_keys[] = {
    {"version", Is::text, nullptr, 0, true},          {"services", Is::named_records, &service_table, 0, true},
    {"networks", Is::named_records, &network_table},  {"volumes", Is::named_records, &volume_table},
    {"secrets", Is::named_records, &secret_table, 1}, {"configs", Is::named_records, &config_table, 3},
};

} // namespace

const Table file_table{file_keys, 4};

const Key* Table::find(std::string_view name) const {
    for (const Key& key : keys)
        if (key.name == name) return &key;
    return nullptr;
}

} // namespace davit::stack
