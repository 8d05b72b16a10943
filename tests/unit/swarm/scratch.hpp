// A directory of its own for each test, removed afterwards, and a service with every field set.
#pragma once

#include "base/sys.hpp"
#include "swarm/store.hpp"

#include <cstdlib>
#include <string>

namespace davit::swarm::test {

class Scratch {
public:
    Scratch() {
        std::string path = "/tmp/davit-test-XXXXXX";
        if (!::mkdtemp(path.data())) std::abort();
        path_ = path;
    }
    Scratch(const Scratch&) = delete;
    ~Scratch() { sys::remove_tree(path_); }
    Roots roots() const { return {path_ + "/state", path_ + "/run"}; }

private:
    std::string path_;
};

inline Mount full_mount() {
    Mount m;
    m.type = "volume";
    m.source = "data";
    m.target = "/data";
    m.read_only = m.bind_options = m.non_recursive = m.create_mountpoint = true;
    m.read_only_non_recursive = m.read_only_force_recursive = m.volume_options = m.no_copy = m.tmpfs_options = true;
    m.consistency = "cached";
    m.propagation = "rslave";
    m.volume_labels = {{"k", "v"}};
    m.subpath = "sub";
    m.driver = "local";
    m.driver_options = {{"type", "nfs"}};
    m.tmpfs_size = 1048576;
    m.tmpfs_mode = 01777;
    return m;
}

inline ContainerSpec full_container() {
    ContainerSpec c;
    c.image = "busybox:latest@sha256:00";
    c.labels = {{"on", "container"}};
    c.command = {"/bin/sh"};
    c.args = {"-c", "true"};
    c.hostname = "{{.Task.Slot}}";
    c.env = {"A=1", "B="};
    c.dir = "/w";
    c.user = "1:2";
    c.groups = {"55"};
    c.privileges = Privileges{"config", "file", "registry", true, true, "custom", true, "disabled"};
    c.init = false;
    c.stop_signal = "USR1";
    c.tty = c.open_stdin = c.read_only = true;
    c.mounts = {full_mount(), Mount{}};
    c.stop_grace_period = 0;
    c.healthcheck = Healthcheck{{"CMD", "true"}, 1, 2, 3, 4, 5};
    c.hosts = {"1.2.3.4 a"};
    c.dns_config = DnsConfig{{"1.1.1.1"}, {"x.y"}, {"ndots:2"}};
    c.secrets = {{"id1", "s", "/run/s", "1", "2", 0400}};
    c.configs = {{"id2", "c", "/c", "0", "0", 0444}};
    c.isolation = "default";
    c.sysctls = {{"net.core.somaxconn", "5"}};
    c.capability_add = {"CAP_NET_ADMIN"};
    c.capability_drop = {"CAP_MKNOD"};
    c.ulimits = {{"nofile", 10, 20}};
    c.oom_score_adj = -5;
    return c;
}

inline ServiceSpec full_spec() {
    ServiceSpec s;
    s.name = "x_web";
    s.labels = {{"com.docker.stack.namespace", "x"}};
    s.task.container = full_container();
    s.task.resources = Resources{ResourceLimits{500000000, 67108864, 50},
                                 ResourceReservations{1, 2, {{"gpu", "", 3}, {"fpga", "one", 0}}}, 7, 0};
    s.task.restart_policy = RestartPolicy{"on-failure", 0, 2, 9};
    s.task.placement = Placement{{"node.role==manager"}, {"node.labels.z"}, 3, {{"x86_64", "linux"}, {"", "linux"}}};
    s.task.networks = {{"net", {"web", "other"}, {{"o", "p"}}}};
    s.task.log_driver = LogDriver{"json-file", {{"max-size", "2m"}}};
    s.task.force_update = 4;
    s.mode = {ModeKind::replicated_job, {}, 2, 4};
    s.update_config = UpdateConfig{0, 60, "rollback", 7, 0.3, "start-first"};
    s.rollback_config = UpdateConfig{2, 0, "continue", 0, 1, "stop-first"};
    s.endpoint = EndpointSpec{"dnsrr", {{"http", "udp", 53, 18462, "host"}}};
    return s;
}

inline Service full_service() {
    Service s;
    s.id = "a" + std::string(24, '0');
    s.project = "stack.x";
    s.version = 11;
    s.spec_version = 3;
    s.created_at = 1'790'000'000'123'456'789;
    s.updated_at = s.created_at + 1;
    s.spec = full_spec();
    s.previous = ServiceSpec{};
    s.previous->name = "x_web";
    s.previous->mode = {ModeKind::replicated, 0, {}, {}};
    s.previous_spec_version = 2;
    s.template_version = 3;
    s.previous_template_version = 2;
    s.update_status = UpdateStatus{"paused", 1, 2, "update paused due to …", 3};
    s.ports = {{"", "tcp", 80, 30000, "ingress"}};
    s.addresses = {{std::string(64, 'b'), "10.0.1.2/24"}};
    s.job_iteration = 5;
    s.job_started_at = 6;
    s.kept = {{7, 8, s.spec.task, s.spec.endpoint}, {9, 10, {}, {}}};
    return s;
}

} // namespace davit::swarm::test
