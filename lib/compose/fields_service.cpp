#include "compose/fields.hpp"

namespace davit::compose {

template <> std::span<const Row<Service>> rows<Service>() {
    using S = Service;
    using Hooks = ObjectList<ServiceHook>;
    using References = ObjectList<FileReference>;
    static constexpr Row<S> table[] = {
        row<&S::profiles>("profiles"), row<&S::annotations>("annotations"), row<&S::attach>("attach"),
        row<&S::build, OptionalObject<BuildConfig>>("build"), row<&S::develop, OptionalObject<Develop>>("develop"),
        row<&S::blkio_config, OptionalObject<BlkioConfig>>("blkio_config"), row<&S::cap_add>("cap_add"), row<&S::cap_drop>("cap_drop"),
        row<&S::cgroup_parent>("cgroup_parent"), row<&S::cgroup>("cgroup"), row<&S::cpu_count>("cpu_count"),
        row<&S::cpu_percent>("cpu_percent"), row<&S::cpu_period>("cpu_period"), row<&S::cpu_quota>("cpu_quota"),
        row<&S::cpu_rt_period>("cpu_rt_period"), row<&S::cpu_rt_runtime>("cpu_rt_runtime"), row<&S::cpus>("cpus"),
        row<&S::cpuset>("cpuset"), row<&S::cpu_shares>("cpu_shares"), row<&S::command>("command"),
        row<&S::configs, References>("configs"), row<&S::container_name>("container_name"),
        row<&S::credential_spec, OptionalObject<CredentialSpec>>("credential_spec"),
        row<&S::depends_on, ObjectMap<Dependency>>("depends_on"), row<&S::deploy, OptionalObject<Deploy>>("deploy"),
        row<&S::device_cgroup_rules>("device_cgroup_rules"), row<&S::devices, ObjectList<Device>>("devices"),
        row<&S::dns>("dns"), row<&S::dns_opt>("dns_opt"), row<&S::dns_search>("dns_search"), row<&S::domainname>("domainname"),
        row<&S::entrypoint>("entrypoint"), row<&S::provider, OptionalObject<Provider>>("provider"), row<&S::environment>("environment"),
        row<&S::env_file, ObjectList<EnvFile>>("env_file"), row<&S::expose>("expose"), row<&S::extends, OptionalObject<Extends>>("extends"),
        row<&S::external_links>("external_links"), row<&S::extra_hosts>("extra_hosts"), row<&S::group_add>("group_add"),
        row<&S::gpus, ObjectList<DeviceRequest>>("gpus"), row<&S::hostname>("hostname"),
        row<&S::healthcheck, OptionalObject<HealthCheck>>("healthcheck"), row<&S::image>("image"), row<&S::init>("init"),
        row<&S::ipc>("ipc"), row<&S::isolation>("isolation"), row<&S::labels>("labels"), row<&S::label_file>("label_file"),
        row<&S::links>("links"), row<&S::logging, OptionalObject<Logging>>("logging"), row<&S::mem_limit, Bytes>("mem_limit"),
        row<&S::mem_reservation, Bytes>("mem_reservation"), row<&S::memswap_limit, Bytes>("memswap_limit"),
        row<&S::mem_swappiness, Bytes>("mem_swappiness"), row<&S::mac_address>("mac_address"),
        row<&S::models, NullableMap<ServiceModel>>("models"), row<&S::network_mode>("network_mode"),
        row<&S::networks, NullableMap<ServiceNetwork>>("networks"), row<&S::oom_kill_disable>("oom_kill_disable"),
        row<&S::oom_score_adj>("oom_score_adj"), row<&S::pid>("pid"), row<&S::pids_limit, NonZero>("pids_limit"),
        row<&S::platform>("platform"), row<&S::ports, ObjectList<Port>>("ports"), row<&S::privileged>("privileged"),
        row<&S::pull_policy>("pull_policy"), row<&S::pull_refresh_after, YamlOnly<Text>>("pull_refresh_after"), row<&S::read_only>("read_only"),
        row<&S::restart>("restart"), row<&S::runtime>("runtime"), row<&S::scale>("scale"), row<&S::secrets, References>("secrets"),
        row<&S::security_opt>("security_opt"), row<&S::shm_size, Bytes>("shm_size"), row<&S::stdin_open>("stdin_open"),
        row<&S::stop_grace_period>("stop_grace_period"), row<&S::stop_signal>("stop_signal"), row<&S::storage_opt>("storage_opt"),
        row<&S::sysctls>("sysctls"), row<&S::tmpfs>("tmpfs"), row<&S::tty>("tty"), row<&S::ulimits, Ulimits>("ulimits"),
        row<&S::use_api_socket>("use_api_socket"), row<&S::user>("user"), row<&S::userns_mode>("userns_mode"), row<&S::uts>("uts"),
        row<&S::volumes, ObjectList<Mount>>("volumes"), row<&S::volumes_from>("volumes_from"), row<&S::working_dir>("working_dir"),
        row<&S::pre_start, Hooks>("pre_start"), row<&S::post_start, Hooks>("post_start"), row<&S::pre_stop, Hooks>("pre_stop"),
    };
    return table;
}

Node* encode_service(Tree& tree, const Service& service, bool json) {
    Encoder e{tree, json};
    return encode_struct(e, service);
}

} // namespace davit::compose
