// What Kubernetes has for the keys of a compose file.
#include "export/targets.hpp"

namespace davit::exports {

namespace {

constexpr std::string_view k8s_node = "Kubernetes leaves it to the node";

constexpr Rule kubernetes_table[] = {
    {"services services.*.image services.*.command services.*.entrypoint services.*.environment "
     "services.*.working_dir services.*.tty services.*.stdin_open services.*.stop_grace_period services.*.hostname "
     "services.*.read_only services.*.cap_add services.*.cap_drop services.*.sysctls services.*.privileged "
     "services.*.healthcheck services.*.healthcheck.test services.*.healthcheck.interval "
     "services.*.healthcheck.timeout services.*.healthcheck.retries services.*.healthcheck.disable "
     "services.*.pull_policy "
     "services.*.deploy services.*.deploy.mode services.*.deploy.replicas services.*.scale "
     "services.*.deploy.resources services.*.deploy.resources.limits services.*.deploy.resources.limits.cpus "
     "services.*.deploy.resources.limits.memory services.*.deploy.resources.reservations "
     "services.*.deploy.resources.reservations.cpus services.*.deploy.resources.reservations.memory "
     "services.*.cpus services.*.mem_limit services.*.mem_reservation services.*.ports "
     "services.*.ports.[].target services.*.ports.[].protocol services.*.ports.[].name services.*.expose "
     "services.*.ports.[].app_protocol services.*.configs services.*.configs.[].source "
     "services.*.configs.[].target services.*.configs.[].mode services.*.secrets services.*.secrets.[].source "
     "services.*.secrets.[].target services.*.secrets.[].mode services.*.volumes services.*.volumes.[].type "
     "services.*.volumes.[].source services.*.volumes.[].target services.*.volumes.[].read_only "
     "services.*.volumes.[].volume services.*.volumes.[].volume.subpath services.*.volumes.[].tmpfs "
     "services.*.volumes.[].tmpfs.size services.*.tmpfs services.*.networks services.*.networks.* "
     "services.*.networks.*.aliases services.*.networks.*.use_service_name_alias services.*.dns_search "
     "services.*.dns_opt services.*.extra_hosts services.*.depends_on services.*.shm_size networks networks.* "
     "networks.*.internal volumes volumes.* volumes.*.name volumes.*.external.** volumes.*.labels "
     "configs configs.* configs.*.content configs.*.file configs.*.environment configs.*.name configs.*.external.** "
     "configs.*.labels secrets secrets.* secrets.*.name secrets.*.external.**",
     Kind::exact},
    {"version include.** services.*.profiles services.*.extends.** services.*.env_file.** services.*.label_file",
     Kind::exact, settled},
    {"name", Kind::exact, "the label app.kubernetes.io/part-of"},
    {"services.*.attach services.*.develop.** services.*.pull_refresh_after",
     Kind::adjusted,
     "it is for the machine where one develops",
     {},
     left_out},
    {"services.*.volumes.[].bind services.*.volumes.[].bind.create_host_path services.*.volumes.[].bind.propagation "
     "services.*.volumes.[].bind.recursive services.*.volumes.[].bind.selinux services.*.volumes.[].consistency "
     "services.*.volumes.[].volume.labels",
     Kind::adjusted,
     "it is about directories of one machine",
     {},
     left_out},
    {"services.*.healthcheck.start_period services.*.healthcheck.start_interval", Kind::adjusted,
     "a pod is not ready until its test has passed; a startupProbe would end it",
     "x-k8s-liveness: true, for containers that end when they are unhealthy", left_out},
    {"services.*.labels services.*.annotations",
     Kind::adjusted,
     "the values of labels are too short for these",
     {},
     "annotations of the pod"},
    {"services.*.deploy.labels",
     Kind::adjusted,
     "the values of labels are too short for these",
     {},
     "annotations of the workload"},
    {"services.*.restart services.*.deploy.restart_policy services.*.deploy.restart_policy.condition", Kind::exact,
     "restartPolicy: pods are restarted always, jobs as it says"},
    {"services.*.deploy.restart_policy.max_attempts", Kind::dropped, "only jobs give up", "x-k8s-controller: job"},
    {"services.*.deploy.restart_policy.delay services.*.deploy.restart_policy.window", Kind::dropped,
     "the delay doubles from 10 s to 5 min"},
    {"services.*.ports.[].published",
     Kind::adjusted,
     "inside the cluster a Service has the container's port",
     {},
     "the port of a second Service, of type LoadBalancer"},
    {"services.*.ports.[].mode", Kind::exact, "host is a hostPort"},
    {"services.*.ports.[].host_ip", Kind::dropped, "a load balancer has an address of its own",
     "x-k8s-service-type: ClusterIP keeps it inside, with `kubectl port-forward` for the rest"},
    {"services.*.build.**", Kind::adjusted, "Kubernetes builds nothing", "davit build, davit push", left_out},
    {"services.*.user", Kind::exact, "runAsUser and runAsGroup"},
    {"services.*.group_add", Kind::exact, "supplementalGroups"},
    {"services.*.init", Kind::adjusted, "the pod's first process reaps then", {}, "shareProcessNamespace"},
    {"services.*.stop_signal",
     Kind::adjusted,
     "Kubernetes 1.33 with the feature gate ContainerStopSignals",
     {},
     "lifecycle.stopSignal"},
    {"services.*.domainname", Kind::adjusted, "a pod's domain is the cluster's", {}, "subdomain"},
    {"services.*.dns", Kind::adjusted, "the cluster's own server stays first", {}, "dnsConfig.nameservers"},
    {"services.*.depends_on.*.condition services.*.depends_on.*.required services.*.depends_on.*.restart "
     "services.*.depends_on.*",
     Kind::dropped, "Kubernetes starts all pods at once and restarts what fails",
     "let the program try again; `service_healthy` on a service with ports becomes an init container that waits"},
    {"services.*.links",
     Kind::adjusted,
     "every service has its name; an alias is a Service of its own",
     {},
     "Services"},
    {"services.*.external_links", Kind::dropped, "there are no containers outside of pods",
     "a Service of type ExternalName"},
    {"services.*.container_name", Kind::dropped, "pods have names of their own", "use the service's name"},
    {"services.*.platform", Kind::adjusted, {}, {}, "nodeSelector"},
    {"services.*.network_mode", Kind::dropped, "pods share no network with each other",
     "put both containers in one pod by hand, or use the service's name"},
    {"services.*.pid services.*.ipc", Kind::dropped, "pods share no namespaces with each other", "only host is known"},
    {"services.*.uts services.*.userns_mode services.*.cgroup services.*.cgroup_parent services.*.isolation "
     "services.*.storage_opt services.*.oom_kill_disable services.*.oom_score_adj services.*.blkio_config.** "
     "services.*.memswap_limit services.*.mem_swappiness services.*.cpuset services.*.cpu_count "
     "services.*.cpu_percent services.*.cpu_period services.*.cpu_quota services.*.cpu_rt_period "
     "services.*.cpu_rt_runtime services.*.cpu_shares services.*.ulimits.** services.*.device_cgroup_rules "
     "services.*.pids_limit services.*.deploy.resources.limits.pids services.*.umask",
     Kind::dropped, k8s_node, "set it in the container runtime or the kubelet of the nodes"},
    {"services.*.runtime", Kind::adjusted, "a RuntimeClass of this name must exist", {}, "runtimeClassName"},
    {"services.*.security_opt", Kind::adjusted, {}, {}, "securityContext"},
    {"services.*.credential_spec.**", Kind::dropped, "it is for Windows nodes", "securityContext.windowsOptions"},
    {"services.*.use_api_socket", Kind::dropped, "there is no Docker engine whose socket could be given"},
    {"services.*.devices.**", Kind::dropped, "pods get devices from device plugins",
     "a device plugin, and its resource in limits"},
    {"services.*.gpus.[].count services.*.deploy.resources.reservations.devices.[].count services.*.gpus "
     "services.*.deploy.resources.reservations.devices",
     Kind::adjusted,
     "a device plugin must offer it",
     {},
     "the limit nvidia.com/gpu"},
    {"services.*.gpus.** services.*.deploy.resources.reservations.devices.**", Kind::dropped,
     "a device plugin knows numbers only", "nodeSelector or a DRA claim, by hand"},
    {"services.*.deploy.resources.reservations.generic_resources.**", Kind::dropped,
     "extended resources have names with a domain", "a device plugin, and its resource in requests"},
    {"services.*.logging.**", Kind::dropped, k8s_node, "a log agent on the nodes"},
    {"services.*.post_start services.*.post_start.[].command services.*.pre_stop services.*.pre_stop.[].command "
     "services.*.pre_start services.*.pre_start.[].command services.*.pre_start.[].image "
     "services.*.pre_start.[].user services.*.pre_start.[].privileged services.*.pre_start.[].working_dir "
     "services.*.pre_start.[].environment",
     Kind::exact},
    {"services.*.pre_start.** services.*.post_start.** services.*.pre_stop.**", Kind::dropped,
     "hooks of a container run as the container does", "sh -c in the hook's command"},
    {"services.*.provider.** services.*.models.** models.**", Kind::dropped, "it is made by a program of one machine",
     "give the service what the provider gives by environment"},
    {"services.*.networks.*.ipv4_address services.*.networks.*.ipv6_address services.*.networks.*.link_local_ips "
     "services.*.networks.*.mac_address services.*.mac_address services.*.networks.*.interface_name "
     "services.*.networks.*.priority services.*.networks.*.gw_priority services.*.networks.*.driver_opts",
     Kind::dropped, "the cluster's network gives addresses and interfaces", "use names"},
    {"networks.*.name", Kind::exact, "policies go by the key"},
    {"networks.*.driver networks.*.driver_opts networks.*.ipam.** networks.*.enable_ipv4 networks.*.enable_ipv6 "
     "networks.*.attachable networks.*.external.** networks.*.labels",
     Kind::dropped, "there is one flat network; networks are NetworkPolicies", "the cluster's network plugin has it"},
    {"services.*.volumes_from", Kind::dropped, "pods share no mounts", "name the volumes in both services"},
    {"services.*.volumes.[].volume.nocopy", Kind::exact, "a new volume is empty in any case"},
    {"services.*.volumes.[].tmpfs.mode", Kind::dropped, "an emptyDir has mode 0777", "chmod in an init container"},
    {"services.*.volumes.[].image services.*.volumes.[].image.subpath", Kind::exact, "a volume of type image, 1.33"},
    {"services.*.configs.[].uid services.*.configs.[].gid services.*.secrets.[].uid services.*.secrets.[].gid",
     Kind::dropped, "files belong to root and to fsGroup", "x-k8s-fs-group: GID at the service"},
    {"configs.*.template_driver secrets.*.template_driver secrets.*.driver secrets.*.driver_opts", Kind::dropped,
     "Kubernetes has no such drivers", "an operator: External Secrets, Secrets Store CSI"},
    {"secrets.*.environment secrets.*.file", Kind::adjusted, "no export holds a secret", {}, "a command of secrets.sh"},
    {"secrets.*.labels", Kind::dropped, "secrets.sh makes the Secret without labels", "kubectl label"},
    {"volumes.*.driver volumes.*.driver_opts", Kind::dropped, "a storage class makes the volume",
     "x-k8s-class at the volume"},
    {"services.*.deploy.endpoint_mode", Kind::adjusted, "dnsrr is a headless Service", {}, "clusterIP"},
    {"services.*.deploy.placement services.*.deploy.placement.constraints "
     "services.*.deploy.placement.preferences services.*.deploy.placement.preferences.[].spread "
     "services.*.deploy.placement.max_replicas_per_node",
     Kind::adjusted,
     {},
     {},
     "affinity and topologySpreadConstraints"},
    {"services.*.deploy.update_config services.*.deploy.update_config.order "
     "services.*.deploy.update_config.parallelism",
     Kind::adjusted,
     {},
     {},
     "maxSurge and maxUnavailable"},
    {"services.*.deploy.update_config.monitor services.*.deploy.update_config.delay",
     Kind::adjusted,
     "the longer of both",
     {},
     "minReadySeconds"},
    {"services.*.deploy.update_config.failure_action services.*.deploy.update_config.max_failure_ratio", Kind::dropped,
     "a rollout that fails stays as it is, with the old pods", "kubectl rollout undo"},
    {"services.*.deploy.rollback_config.**", Kind::dropped, "a roll-back is a rollout", "kubectl rollout undo"},
    {"jobs.**", Kind::dropped, "davit has no rule for it"},
};

} // namespace

const Rules& kubernetes_rules() {
    static const Rules rules(kubernetes_table);
    return rules;
}

} // namespace davit::exports
