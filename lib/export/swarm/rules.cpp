// What Swarm's stack files (version 3) have a word for.
#include "export/targets.hpp"

namespace davit::exports {

namespace {

constexpr std::string_view no_node = "Swarm does not set it: it is the node's";
constexpr std::string_view develops = "it is for the machine where one develops";

constexpr Rule swarm_table[] = {
    {"services.*.image services.*.command services.*.entrypoint services.*.working_dir services.*.user "
     "services.*.environment services.*.init services.*.tty services.*.stdin_open services.*.stop_signal "
     "services.*.stop_grace_period services.*.healthcheck.** services.*.logging.** services.*.labels "
     "services.*.hostname services.*.dns services.*.dns_search services.*.extra_hosts services.*.configs.** "
     "services.*.secrets.** services.*.read_only services.*.cap_add services.*.cap_drop services.*.sysctls "
     "services.*.ulimits.** services.*.oom_score_adj services.*.isolation services.*.credential_spec.** "
     "services.*.networks services.*.networks.* services.*.networks.*.aliases services.*.networks.*.driver_opts "
     "services.*.deploy services.*.deploy.mode services.*.deploy.replicas services.*.deploy.labels "
     "services.*.deploy.endpoint_mode services.*.deploy.placement.** services.*.deploy.update_config.** "
     "services.*.deploy.rollback_config.** services.*.deploy.restart_policy.** services.*.deploy.resources "
     "services.*.deploy.resources.limits.** services.*.deploy.resources.reservations "
     "services.*.deploy.resources.reservations.cpus services.*.deploy.resources.reservations.memory "
     "services.*.deploy.resources.reservations.generic_resources.** services.*.ports services.*.ports.[].target "
     "services.*.ports.[].protocol services.*.ports.[].mode services.*.volumes services.*.volumes.[].type "
     "services.*.volumes.[].source services.*.volumes.[].target services.*.volumes.[].read_only "
     "services.*.volumes.[].consistency services.*.volumes.[].bind services.*.volumes.[].bind.propagation "
     "services.*.volumes.[].volume services.*.volumes.[].volume.nocopy services.*.volumes.[].tmpfs "
     "services.*.volumes.[].tmpfs.size services networks networks.* networks.*.driver networks.*.driver_opts "
     "networks.*.external.** networks.*.internal networks.*.attachable networks.*.labels networks.*.ipam "
     "networks.*.ipam.driver networks.*.ipam.config networks.*.ipam.config.[].subnet networks.*.name volumes "
     "volumes.* volumes.*.name volumes.*.driver volumes.*.driver_opts volumes.*.external.** volumes.*.labels "
     "secrets secrets.* secrets.*.external.** secrets.*.labels secrets.*.driver secrets.*.driver_opts "
     "secrets.*.template_driver configs configs.* configs.*.external.** configs.*.labels configs.*.template_driver "
     "services.*.volumes.[].image",
     Kind::exact},
    {"version include.** services.*.profiles services.*.extends.** services.*.env_file.** services.*.label_file",
     Kind::exact, settled},
    {"name", Kind::adjusted, "a stack is named when it is deployed", {}, "docker stack deploy -c stack.yaml NAME"},
    {"services.*.attach services.*.develop.** services.*.pull_refresh_after services.*.expose",
     Kind::adjusted,
     develops,
     {},
     left_out},
    {"services.*.pull_policy", Kind::adjusted, "Swarm pins images by digest when it is deployed", {}, left_out},
    {"services.*.scale", Kind::adjusted, {}, {}, "deploy.replicas"},
    {"services.*.restart", Kind::adjusted, "Swarm goes by it", {}, "deploy.restart_policy"},
    {"services.*.cpus services.*.mem_limit services.*.pids_limit",
     Kind::adjusted,
     "version 3 has it there",
     {},
     "deploy.resources.limits"},
    {"services.*.mem_reservation", Kind::adjusted, "version 3 has it there", {}, "deploy.resources.reservations"},
    {"services.*.tmpfs", Kind::adjusted, "`stack deploy` ignores the short form", {}, "volumes of type tmpfs"},
    {"services.*.ports.[].published", Kind::adjusted, "version 3 takes no text", {}, "a number"},
    {"services.*.platform", Kind::adjusted, {}, {}, "deploy.placement.constraints"},
    {"services.*.depends_on.** services.*.links", Kind::dropped,
     "Swarm has no order: all services start at once, and find each other by name",
     "let the program try again until the other answers, or fail so that it is restarted"},
    {"services.*.build.**", Kind::adjusted, "Swarm builds nothing", "davit build, davit push", left_out},
    {"services.*.container_name", Kind::dropped, "a task has a name of its own", "use the service's name"},
    {"services.*.external_links", Kind::dropped, "there are no containers outside of services",
     "put both on an external network"},
    {"services.*.domainname", Kind::dropped, no_node, "write it into hostname"},
    {"services.*.dns_opt", Kind::dropped, "version 3 has no word for it",
     "docker service update --dns-option-add after it is deployed"},
    {"services.*.group_add", Kind::dropped, "version 3 has no word for it",
     "docker service update --group-add after it is deployed"},
    {"services.*.annotations", Kind::dropped, "tasks have no annotations", "use labels"},
    {"services.*.post_start.** services.*.pre_stop.** services.*.pre_start.**", Kind::dropped,
     "Swarm runs nothing beside a task", "do it in the image's entrypoint, or in a service that runs once"},
    {"services.*.provider.** services.*.models.** models.**", Kind::dropped, "it is made by a program of this machine",
     "give the service what the provider gives by environment"},
    {"services.*.network_mode", Kind::dropped, "tasks share no network namespace with each other",
     "put both on one network and use the name"},
    {"services.*.networks.*.ipv4_address services.*.networks.*.ipv6_address services.*.networks.*.link_local_ips "
     "services.*.networks.*.mac_address services.*.mac_address services.*.networks.*.interface_name "
     "services.*.networks.*.priority services.*.networks.*.gw_priority services.*.networks.*.use_service_name_alias",
     Kind::dropped, "Swarm gives addresses and interfaces itself", "use names"},
    {"services.*.ports.[].host_ip", Kind::dropped, "Swarm publishes a port on every address of every node",
     "close it in the firewall, or leave the port out"},
    {"services.*.ports.[].name services.*.ports.[].app_protocol",
     Kind::adjusted,
     "it says something to people only",
     {},
     left_out},
    {"services.*.volumes.[].bind.create_host_path",
     Kind::adjusted,
     "Swarm makes no directories on nodes",
     {},
     left_out},
    {"services.*.volumes.[].bind.recursive services.*.volumes.[].bind.selinux services.*.volumes.[].volume.labels "
     "services.*.volumes.[].volume.subpath services.*.volumes.[].tmpfs.mode services.*.volumes.[].image.subpath",
     Kind::dropped, "version 3 has no word for it", "docker service create --mount has"},
    {"services.*.volumes_from", Kind::dropped, "tasks share no mounts", "name the volumes in both services"},
    {"services.*.shm_size", Kind::dropped, "`stack deploy` ignores it",
     "mount a tmpfs on /dev/shm: volumes: [{type: tmpfs, target: /dev/shm, tmpfs: {size: …}}]"},
    {"services.*.storage_opt services.*.pid services.*.ipc services.*.uts services.*.userns_mode services.*.cgroup "
     "services.*.cgroup_parent services.*.runtime services.*.privileged services.*.security_opt "
     "services.*.use_api_socket services.*.device_cgroup_rules services.*.oom_kill_disable "
     "services.*.blkio_config.** services.*.memswap_limit services.*.mem_swappiness services.*.cpuset "
     "services.*.cpu_count services.*.cpu_percent services.*.cpu_period services.*.cpu_quota "
     "services.*.cpu_rt_period services.*.cpu_rt_runtime services.*.cpu_shares services.*.umask",
     Kind::dropped, no_node, "set it for the daemon of the nodes, or run the service on one machine with davit"},
    {"services.*.devices.** services.*.gpus.** services.*.deploy.resources.reservations.devices.**", Kind::dropped,
     "tasks get no devices", "have the nodes offer a generic resource, and reserve it: generic_resources"},
    {"networks.*.ipam.config.[].gateway networks.*.ipam.config.[].ip_range networks.*.ipam.config.[].aux_addresses "
     "networks.*.ipam.options networks.*.enable_ipv4 networks.*.enable_ipv6",
     Kind::dropped, "version 3 has no word for it",
     "docker network create --driver overlay by hand, and make the network external"},
    {"secrets.*.name configs.*.name secrets.*.file configs.*.file",
     Kind::adjusted,
     "Swarm's secrets and configs never change: a new content is a new object",
     {},
     "a name with its version"},
    {"configs.*.content configs.*.environment", Kind::adjusted, "version 3 has files only", {}, "a file of the export"},
    {"secrets.*.environment",
     Kind::adjusted,
     "version 3 has no word for it, and no export holds a secret",
     {},
     "an external secret, made by secrets.sh"},
    {"jobs.**", Kind::dropped, "davit has no rule for it"},
};

} // namespace

const Rules& swarm_rules() {
    static const Rules rules(swarm_table);
    return rules;
}

} // namespace davit::exports
