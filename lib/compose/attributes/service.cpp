// The attributes of a service. Those of its parts stand in the other files of this folder.
#include "compose/attributes/rows.hpp"
#include "compose/formats.hpp"

namespace davit::compose {

using namespace shapes;

namespace {

constexpr std::int64_t zero = 0, hundred = 100, oom_least = -1000, oom_most = 1000;

constinit const Shape cpu_count{.types = t_int | t_str, .least = &zero};
constinit const Shape cpu_percent{.types = t_int | t_str, .least = &zero, .most = &hundred};
constinit const Shape oom_score_adj{.types = t_int | t_str, .least = &oom_least, .most = &oom_most};
constexpr std::string_view cgroups[] = {"host", "private"};
constinit const Shape cgroup{.types = t_str, .words = cgroups};
constinit const Shape container_name{.types = t_str, .pattern = Pattern::container_name};
constinit const Shape pull_policy{.types = t_str, .pattern = Pattern::pull_policy};
constinit const Shape label_file{.types = t_str | t_list, .items = &text};
constinit const Shape storage_opt{.types = t_map, .closed = false};

using S = Service;
using Hooks = ObjectList<ServiceHook>;
using References = ObjectList<FileReference>;
constexpr Row<S> service_rows[] = {
    row<&S::profiles>("profiles", unique_texts, {.identity = Identity::name}),
    row<&S::annotations>("annotations", list_or_map, {.merging = Merging::to_sequence, .identity = Identity::name}),
    row<&S::attach>("attach", bool_or_text),
    row<&S::build, OptionalObject<BuildConfig>>(
        "build", build, {.written = ShortForm::build, .merging = Merging::build, .filled = Default::build}),
    row<&S::develop, OptionalObject<Develop>>("develop", develop),
    row<&S::blkio_config, OptionalObject<BlkioConfig>>("blkio_config", blkio_config),
    row<&S::cap_add>("cap_add", unique_texts, {.identity = Identity::name}),
    row<&S::cap_drop>("cap_drop", unique_texts, {.identity = Identity::name}),
    row<&S::cgroup_parent>("cgroup_parent", text),
    row<&S::cgroup>("cgroup", cgroup),
    row<&S::cpu_count>("cpu_count", cpu_count, {.cast = Cast::integer})
        .without_effect({"it is for Windows containers"}),
    row<&S::cpu_percent>("cpu_percent", cpu_percent, {.cast = Cast::real})
        .without_effect({"it is for Windows containers"}),
    row<&S::cpu_period>("cpu_period", number_or_text, {.cast = Cast::integer}),
    row<&S::cpu_quota>("cpu_quota", number_or_text, {.cast = Cast::integer}),
    row<&S::cpu_rt_period>("cpu_rt_period", number_or_text, {.cast = Cast::integer}),
    row<&S::cpu_rt_runtime>("cpu_rt_runtime", number_or_text, {.cast = Cast::integer}),
    row<&S::cpus>("cpus", number_or_text, {.cast = Cast::real}),
    row<&S::cpuset>("cpuset", text),
    row<&S::cpu_shares>("cpu_shares", number_or_text, {.cast = Cast::integer}),
    row<&S::command>("command", command, {.merging = Merging::replace}),
    row<&S::configs, References>("configs", file_references, {.identity = Identity::config_target})
        .each_item({.written = ShortForm::file_reference}),
    row<&S::container_name>("container_name", container_name),
    row<&S::credential_spec, OptionalObject<CredentialSpec>>("credential_spec", credential_spec)
        .without_effect({"it is for Windows containers"}),
    row<&S::depends_on, ObjectMap<Dependency>>("depends_on", depends_on,
                                               {.written = ShortForm::depends_on, .merging = Merging::depends_on}),
    row<&S::deploy, OptionalObject<Deploy>>("deploy", deploy),
    row<&S::device_cgroup_rules>("device_cgroup_rules", unique_texts),
    row<&S::devices, ObjectList<Device>>("devices", devices, {.identity = Identity::device_target})
        .each_item({.written = ShortForm::device}),
    row<&S::dns>("dns", text_or_list,
                 {.written = ShortForm::text_or_list, .merging = Merging::to_sequence, .identity = Identity::name}),
    row<&S::dns_opt>("dns_opt", unique_texts, {.merging = Merging::to_sequence, .identity = Identity::name}),
    row<&S::dns_search>("dns_search", text_or_list, {.merging = Merging::to_sequence, .identity = Identity::name}),
    row<&S::domainname>("domainname", text),
    row<&S::entrypoint>("entrypoint", command, {.merging = Merging::replace}),
    row<&S::provider, OptionalObject<Provider>>("provider", provider),
    row<&S::environment>("environment", list_or_map, {.merging = Merging::to_sequence, .identity = Identity::name}),
    row<&S::env_file, ObjectList<EnvFile>>(
        "env_file", env_file,
        {.written = ShortForm::env_file, .merging = Merging::to_sequence, .identity = Identity::path}),
    row<&S::expose>("expose", text_or_number_list, {.identity = Identity::expose}),
    row<&S::extends, OptionalObject<Extends>>("extends", extends, {.written = ShortForm::extends}),
    row<&S::external_links>("external_links", unique_texts),
    row<&S::extra_hosts>("extra_hosts", extra_hosts, {.merging = Merging::extra_hosts}),
    row<&S::group_add>("group_add", text_or_integer_list),
    row<&S::gpus, ObjectList<DeviceRequest>>("gpus", gpus, {.written = ShortForm::gpus})
        .each_item({.filled = Default::device_request, .check = Check::device_request}),
    row<&S::hostname>("hostname", text),
    row<&S::healthcheck, OptionalObject<HealthCheck>>("healthcheck", healthcheck),
    row<&S::image>("image", text),
    row<&S::init>("init", bool_or_text, {.cast = Cast::boolean}),
    row<&S::ipc>("ipc", text),
    row<&S::isolation>("isolation", text),
    row<&S::labels>("labels", list_or_map, {.merging = Merging::to_sequence, .identity = Identity::name}),
    row<&S::label_file>("label_file", label_file, {.written = ShortForm::text_or_list, .merging = Merging::to_sequence})
        .each_item({.path = HostPath::file}),
    row<&S::links>("links", unique_texts, {.identity = Identity::name}),
    row<&S::logging, OptionalObject<Logging>>("logging", logging, {.merging = Merging::logging}),
    row<&S::mem_limit, Bytes>("mem_limit", number_or_text),
    row<&S::mem_reservation, Bytes>("mem_reservation", integer_or_text),
    row<&S::memswap_limit, Bytes>("memswap_limit", number_or_text),
    row<&S::mem_swappiness, Bytes>("mem_swappiness", integer_or_text),
    row<&S::mac_address>("mac_address", text),
    row<&S::models, NullableMap<ServiceModel>>("models", service_models,
                                               {.written = ShortForm::names, .merging = Merging::names})
        .without_effect({"davit runs no models"}),
    row<&S::network_mode>("network_mode", text),
    row<&S::networks, NullableMap<ServiceNetwork>>("networks", service_networks,
                                                   {.written = ShortForm::names, .merging = Merging::names}),
    row<&S::oom_kill_disable>("oom_kill_disable", bool_or_text, {.cast = Cast::boolean}),
    row<&S::oom_score_adj>("oom_score_adj", oom_score_adj, {.cast = Cast::integer}),
    row<&S::pid>("pid", text_or_null),
    row<&S::pids_limit, NonZero>("pids_limit", number_or_text, {.cast = Cast::integer}),
    row<&S::platform>("platform", text),
    row<&S::ports, ObjectList<Port>>("ports", ports, {.written = ShortForm::ports, .identity = Identity::port})
        .each_item({.filled = Default::port, .check = Check::port_address}),
    row<&S::privileged>("privileged", bool_or_text, {.cast = Cast::boolean}),
    row<&S::pull_policy>("pull_policy", pull_policy),
    row<&S::pull_refresh_after, YamlOnly<Text>>("pull_refresh_after", text),
    row<&S::read_only>("read_only", bool_or_text, {.cast = Cast::boolean}),
    row<&S::restart>("restart", text),
    row<&S::runtime>("runtime", text),
    row<&S::scale>("scale", integer_or_text, {.cast = Cast::integer}),
    row<&S::secrets, References>("secrets", file_references, {.identity = Identity::secret_target})
        .each_item({.written = ShortForm::file_reference, .filled = Default::secret_target}),
    row<&S::security_opt>("security_opt", unique_texts),
    row<&S::shm_size, Bytes>("shm_size", number_or_text),
    row<&S::stdin_open>("stdin_open", bool_or_text, {.cast = Cast::boolean}),
    row<&S::stop_grace_period>("stop_grace_period", text),
    row<&S::stop_signal>("stop_signal", text),
    row<&S::storage_opt>("storage_opt", storage_opt).without_effect({"overlay file systems have no such options"}),
    row<&S::sysctls>("sysctls", list_or_map, {.merging = Merging::to_sequence, .identity = Identity::name}),
    row<&S::tmpfs>("tmpfs", text_or_list, {.merging = Merging::to_sequence, .identity = Identity::name}),
    row<&S::tty>("tty", bool_or_text, {.cast = Cast::boolean}),
    row<&S::ulimits, Ulimits>("ulimits", ulimits).each_value({.cast = Cast::integer, .merging = Merging::ulimit}),
    row<&S::use_api_socket>("use_api_socket", boolean)
        .without_effect({"there is no engine whose socket could be given"}),
    row<&S::user>("user", text),
    row<&S::userns_mode>("userns_mode", text),
    row<&S::uts>("uts", text),
    row<&S::volumes, ObjectList<Mount>>("volumes", mounts, {.identity = Identity::mount_target})
        .each_item({.written = ShortForm::volume, .path = HostPath::mount, .check = Check::mount_options}),
    row<&S::volumes_from>("volumes_from", unique_texts),
    row<&S::working_dir>("working_dir", text),
    row<&S::pre_start, ObjectList<PreStartHook>>("pre_start", pre_start),
    row<&S::post_start, Hooks>("post_start", hooks),
    row<&S::pre_stop, Hooks>("pre_stop", hooks),
};
constexpr Table service_table(service_rows);

} // namespace

constinit const Shape shapes::service{.noun = "a service", .types = t_map, .fields = service_table};

template <>
Rows<Service> rows<Service>() {
    return service_table;
}

Node* encode_service(Tree& tree, const Service& s, bool json) {
    Encoder e{tree, json};
    return encode_struct<Service>(e, s);
}

} // namespace davit::compose
