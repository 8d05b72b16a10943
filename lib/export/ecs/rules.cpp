// What ECS has for the keys of a compose file: of a task definition, a service, and what stands around them.
#include "export/targets.hpp"

namespace davit::exports {

namespace {

constexpr std::string_view ecs_fargate = "Fargate does not allow it";

constexpr Rule ecs_table[] = {
    {"services services.*.image services.*.command services.*.entrypoint services.*.environment "
     "services.*.working_dir services.*.user services.*.tty services.*.stdin_open services.*.read_only services.*.init "
     "services.*.stop_grace_period services.*.labels services.*.healthcheck services.*.healthcheck.test "
     "services.*.healthcheck.interval services.*.healthcheck.timeout services.*.healthcheck.retries "
     "services.*.healthcheck.start_period services.*.healthcheck.disable services.*.deploy services.*.deploy.mode "
     "services.*.deploy.replicas services.*.scale services.*.deploy.resources services.*.deploy.resources.limits "
     "services.*.deploy.resources.limits.memory services.*.deploy.resources.limits.cpus services.*.cpus "
     "services.*.mem_limit services.*.mem_reservation services.*.deploy.resources.reservations "
     "services.*.deploy.resources.reservations.memory services.*.ports services.*.ports.[].target "
     "services.*.ports.[].protocol services.*.expose services.*.secrets services.*.secrets.[].source "
     "services.*.secrets.[].target services.*.secrets.[].mode services.*.secrets.[].uid services.*.secrets.[].gid "
     "services.*.dns services.*.dns_search services.*.sysctls services.*.cap_drop services.*.platform "
     "services.*.networks services.*.networks.* services.*.networks.*.use_service_name_alias "
     "services.*.volumes services.*.volumes.[].type "
     "services.*.volumes.[].source services.*.volumes.[].target services.*.volumes.[].read_only "
     "services.*.volumes.[].volume networks networks.* volumes volumes.* secrets secrets.* configs configs.* "
     "services.*.depends_on",
     Kind::exact},
    {"version include.** services.*.profiles services.*.extends.** services.*.env_file.** services.*.label_file",
     Kind::exact, settled},
    {"name", Kind::exact, "cluster and families are named by it"},
    {"services.*.attach services.*.develop.** services.*.pull_refresh_after services.*.pull_policy",
     Kind::adjusted,
     "every task pulls its images",
     {},
     left_out},
    {"services.*.healthcheck.start_interval", Kind::dropped, "ECS has one interval", "a shorter interval"},
    {"services.*.deploy.resources.reservations.cpus", Kind::dropped, "a task's cpu is its limit",
     "deploy.resources.limits.cpus"},
    {"services.*.ports.[].published",
     Kind::adjusted,
     "in awsvpc a task's port is the container's",
     {},
     "the port of a load balancer's listener"},
    {"services.*.ports.[].mode", Kind::adjusted, "there is one way to publish", {}, left_out},
    {"services.*.ports.[].name", Kind::adjusted, "ports are named by service and number", {}, left_out},
    {"services.*.ports.[].app_protocol",
     Kind::adjusted,
     "http and https make an ALB of it",
     {},
     "listener and target group"},
    {"services.*.ports.[].host_ip", Kind::dropped, "a load balancer has addresses of its own",
     "leave the port out, or x-aws-scheme: internal"},
    {"services.*.build.**", Kind::adjusted, "ECS builds nothing", "davit build, davit push", left_out},
    {"services.*.depends_on.*.condition services.*.depends_on.*.required services.*.depends_on.*.restart "
     "services.*.depends_on.*",
     Kind::dropped, "ECS orders containers of one task, not services",
     "let the program try again, or put both in one task: --layout task, x-aws-task"},
    {"services.*.links services.*.networks.*.aliases", Kind::dropped, "Service Connect has one name of a port",
     "use the service's name"},
    {"services.*.external_links", Kind::dropped, "there are no containers outside of tasks", "its address"},
    {"services.*.restart services.*.deploy.restart_policy services.*.deploy.restart_policy.condition", Kind::exact,
     "a service replaces a task that ends"},
    {"services.*.deploy.restart_policy.delay services.*.deploy.restart_policy.max_attempts "
     "services.*.deploy.restart_policy.window",
     Kind::dropped, "ECS waits longer after each failure by itself"},
    {"services.*.deploy.update_config services.*.deploy.update_config.parallelism "
     "services.*.deploy.update_config.order",
     Kind::adjusted,
     {},
     {},
     "minimumHealthyPercent and maximumPercent"},
    {"services.*.deploy.update_config.failure_action", Kind::adjusted, {}, {}, "deploymentCircuitBreaker"},
    {"services.*.deploy.update_config.monitor services.*.deploy.update_config.delay "
     "services.*.deploy.update_config.max_failure_ratio services.*.deploy.rollback_config.**",
     Kind::dropped, "a rolling deployment has no such times", "alarms of CloudWatch as deployment alarms"},
    {"services.*.deploy.labels", Kind::adjusted, {}, {}, "tags of the service"},
    {"services.*.deploy.endpoint_mode", Kind::dropped, "Service Connect balances at the client"},
    {"services.*.deploy.placement.**", Kind::dropped, "Fargate has no nodes", "subnets of the zones that are meant"},
    {"services.*.devices.** services.*.ipc services.*.memswap_limit services.*.mem_swappiness", Kind::dropped,
     ecs_fargate, "x-aws-launch_type: EC2"},
    {"services.*.pid", Kind::dropped, "Fargate shares no processes but those of one task",
     "service:NAME of the same task, or x-aws-launch_type: EC2"},
    {"services.*.gpus services.*.gpus.[].count services.*.deploy.resources.reservations.devices "
     "services.*.deploy.resources.reservations.devices.[].count services.*.gpus.** "
     "services.*.deploy.resources.reservations.devices.**",
     Kind::dropped, ecs_fargate, "x-aws-launch_type: EC2, and instances with GPUs"},
    {"services.*.cap_add", Kind::exact},
    {"services.*.ulimits services.*.ulimits.* services.*.ulimits.*.soft services.*.ulimits.*.hard", Kind::exact},
    {"services.*.logging.driver services.*.logging.options services.*.logging services.*.logging.options.**",
     Kind::adjusted,
     "Fargate has awslogs, splunk and awsfirelens",
     {},
     "awslogs"},
    {"services.*.container_name", Kind::dropped, "tasks have no names", "use the service's name"},
    {"services.*.hostname services.*.domainname services.*.extra_hosts services.*.dns_opt services.*.mac_address "
     "services.*.networks.*.ipv4_address services.*.networks.*.ipv6_address services.*.networks.*.link_local_ips "
     "services.*.networks.*.mac_address services.*.networks.*.interface_name services.*.networks.*.priority "
     "services.*.networks.*.gw_priority services.*.networks.*.driver_opts",
     Kind::dropped, "the network mode awsvpc gives names and addresses itself", "use the service's name"},
    {"services.*.network_mode", Kind::dropped, "the network mode is awsvpc",
     "service:NAME puts both containers in one task"},
    {"services.*.deploy.resources.reservations.generic_resources.** services.*.device_cgroup_rules services.*.uts "
     "services.*.userns_mode services.*.cgroup services.*.cgroup_parent "
     "services.*.isolation services.*.runtime services.*.storage_opt services.*.oom_kill_disable "
     "services.*.oom_score_adj services.*.blkio_config.** "
     "services.*.cpuset services.*.cpu_count services.*.cpu_percent services.*.cpu_period services.*.cpu_quota "
     "services.*.cpu_rt_period services.*.cpu_rt_runtime services.*.pids_limit "
     "services.*.deploy.resources.limits.pids services.*.umask services.*.annotations services.*.group_add",
     Kind::dropped, "a task definition has no word for it", "do it in the image's entrypoint"},
    {"services.*.cpu_shares", Kind::dropped, "a task's cpu is its limit", "deploy.resources.limits.cpus"},
    {"services.*.stop_signal", Kind::dropped, "ECS sends the image's signal", "STOPSIGNAL in the Dockerfile"},
    {"services.*.security_opt services.*.privileged services.*.shm_size", Kind::dropped, ecs_fargate,
     "x-aws-launch_type: EC2"},
    {"services.*.tmpfs services.*.volumes.[].tmpfs services.*.volumes.[].tmpfs.size", Kind::exact},
    {"services.*.volumes.[].tmpfs.mode", Kind::dropped, "ECS has no mode of a tmpfs",
     "chmod in the image's entrypoint"},
    {"services.*.credential_spec.**", Kind::dropped, "it is for Windows", "credentialSpecs, by hand"},
    {"services.*.use_api_socket", Kind::dropped, "there is no Docker engine whose socket could be given"},
    {"services.*.post_start.** services.*.pre_stop.** services.*.pre_start.**", Kind::dropped,
     "ECS runs nothing beside a container", "do it in the image's entrypoint, or in a service that runs once"},
    {"services.*.provider.** services.*.models.** models.**", Kind::dropped, "it is made by a program of one machine",
     "give the service what the provider gives by environment"},
    {"services.*.configs.**", Kind::dropped, "ECS has no files but those of images and EFS",
     "copy it into the image, or give it by environment"},
    {"configs.*.**", Kind::dropped, "ECS has no files but those of images and EFS", "copy it into the image"},
    {"services.*.volumes_from", Kind::dropped, "tasks share no mounts", "name the volumes in both services"},
    {"services.*.volumes.[].bind.** services.*.volumes.[].consistency services.*.volumes.[].volume.** "
     "services.*.volumes.[].image.**",
     Kind::dropped, "mounts of ECS have no such options"},
    {"networks.*.name volumes.*.name", Kind::exact, "security groups and file systems go by the key"},
    {"volumes.*.driver volumes.*.driver_opts volumes.*.external.** volumes.*.labels",
     Kind::adjusted,
     "a named volume is an EFS file system",
     {},
     left_out},
    {"networks.*.external.** networks.*.labels networks.*.attachable",
     Kind::adjusted,
     "a network is a security group",
     {},
     left_out},
    {"networks.*.driver networks.*.driver_opts networks.*.ipam.** networks.*.enable_ipv4 networks.*.enable_ipv6 "
     "networks.*.internal",
     Kind::dropped, "the VPC and its subnets have it", "x-aws-vpc, x-aws-subnets"},
    {"secrets.*.name secrets.*.external.**", Kind::exact},
    {"secrets.*.environment secrets.*.file", Kind::adjusted, "no export holds a secret", {}, "a command of secrets.sh"},
    {"secrets.*.labels secrets.*.driver secrets.*.driver_opts secrets.*.template_driver", Kind::dropped,
     "Secrets Manager has no such drivers", "tags, by hand"},
    {"jobs.**", Kind::dropped, "davit has no rule for it"},
};

} // namespace

const Rules& ecs_rules() {
    static const Rules rules(ecs_table);
    return rules;
}

} // namespace davit::exports
