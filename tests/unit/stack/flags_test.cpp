#include "davit/error.hpp"
#include "davit/service_flags.hpp"

#include "tests/support/temp_dir.hpp"

#include <doctest/doctest.h>
#include <fstream>

using namespace davit;

namespace {

using Given = std::vector<std::pair<const char*, const char*>>;

ServiceFlags flags_of(const Given& given) {
    ServiceFlags out;
    for (const auto& [name, value] : given) {
        bool known = false;
        for (const ServiceFlag& flag : service_flags())
            if (std::string(flag.name) == name) {
                out.add(flag, value);
                known = true;
            }
        REQUIRE_MESSAGE(known, name);
    }
    return out;
}

const FlagSurroundings here{"/here", {{"B", "host"}}, {}};

swarm::ServiceSpec created(const Given& given, const FlagSurroundings& around = here) {
    ServiceFlags flags = flags_of(given);
    flags.image = "busybox";
    flags.args = {"sleep", "5"};
    return create_spec(flags, around);
}

swarm::ServiceSpec updated(const swarm::ServiceSpec& spec, const Given& given) {
    return updated_spec(spec, flags_of(given), here);
}

template <typename F>
std::string refusal(F&& fn) {
    try {
        fn();
        return {};
    } catch (const Error& e) {
        return e.what();
    }
}

using Texts = std::vector<std::string>;

} // namespace

TEST_CASE("a service without flags") {
    const swarm::ServiceSpec s = created({{"name", "x"}});
    CHECK(s.name == "x");
    CHECK(s.task.container.image == "busybox");
    CHECK(s.task.container.args == Texts{"sleep", "5"});
    CHECK(s.task.container.init == false);
    CHECK(s.task.container.dns_config == swarm::DnsConfig{});
    CHECK(s.task.resources->limits == swarm::ResourceLimits{});
    CHECK(s.task.placement == swarm::Placement{});
    CHECK(s.endpoint->mode == "vip");
    CHECK_FALSE(s.task.restart_policy.has_value());
    CHECK_FALSE(s.update_config.has_value());
    CHECK_FALSE(s.mode.replicas.has_value());
}

TEST_CASE("flags of service create") {
    test::TempDir dir;
    std::ofstream(dir.path() + "/e.env") << "C=3\nA=0\nB\n";
    const swarm::ServiceSpec s = created({{"env", "A=1"},
                                          {"env", "B"},
                                          {"env", "N"},
                                          {"env-file", "e.env"},
                                          {"health-cmd", "test -e /x"},
                                          {"health-retries", "4"},
                                          {"ulimit", "nofile=10:20"},
                                          {"cap-add", "net_admin"},
                                          {"sysctl", "a=b"},
                                          {"host", "a:1.2.3.4"},
                                          {"generic-resource", "gpu=1"},
                                          {"limit-cpu", ".5"},
                                          {"limit-memory", "64m"},
                                          {"publish", "18461:80"},
                                          {"publish", "published=18463,target=81,mode=host"},
                                          {"network", "name=n,alias=al"},
                                          {"update-parallelism", "0"},
                                          {"update-max-failure-ratio", ".3"},
                                          {"restart-condition", "on-failure"},
                                          {"log-driver", "json-file"},
                                          {"log-opt", "a=b"},
                                          {"config", "c1"},
                                          {"secret", "source=s1,target=ss,mode=0400"},
                                          {"entrypoint", "/bin/sh -e"},
                                          {"mount", "type=volume,src=v,dst=/v,volume-opt=o=1,readonly"},
                                          {"mount", "type=bind,src=./x,dst=/x"}},
                                         {dir.path(), {{"B", "host"}}, {}});
    const swarm::ContainerSpec& c = s.task.container;
    CHECK(c.env == Texts{"C=3", "B=host", "A=1", "N"});
    CHECK(c.command == Texts{"/bin/sh", "-e"});
    CHECK(c.healthcheck->test == Texts{"CMD-SHELL", "test -e /x"});
    CHECK(c.healthcheck->retries == 4);
    CHECK(c.ulimits.at(0) == swarm::Ulimit{"nofile", 10, 20});
    CHECK(c.capability_add == Texts{"CAP_NET_ADMIN"});
    CHECK(c.hosts == Texts{"1.2.3.4 a"});
    CHECK(c.configs.at(0).target == "c1");
    CHECK(c.secrets.at(0).target == "ss");
    CHECK(c.secrets.at(0).mode == 0400);
    CHECK(c.mounts.at(0).driver_options.at("o") == "1");
    CHECK(c.mounts.at(0).read_only);
    CHECK(c.mounts.at(1).source == dir.path() + "/x");
    CHECK(s.task.resources->limits->nano_cpus == 500'000'000);
    CHECK(s.task.resources->reservations->generic.at(0).kind == "gpu");
    CHECK(s.endpoint->ports.at(0).published == 18461);
    CHECK(s.endpoint->ports.at(1).mode == "host");
    CHECK(s.task.networks.at(0).aliases == Texts{"al"});
    CHECK(*s.update_config == swarm::UpdateConfig{0, 0, "pause", 5'000'000'000, 0.3, "stop-first"});
    CHECK(s.task.restart_policy->condition == "on-failure");
    CHECK(s.task.restart_policy->delay == 5'000'000'000);
    CHECK(s.task.log_driver->options.at("a") == "b");
    CHECK(created({{"no-healthcheck", "true"}}).task.container.healthcheck->test == Texts{"NONE"});
}

TEST_CASE("modes and their numbers") {
    CHECK(created({{"replicas", "0"}}).mode.replicas == 0u);
    const swarm::ServiceMode job =
        created({{"mode", "replicated-job"}, {"replicas", "4"}, {"max-concurrent", "2"}}).mode;
    CHECK(job.total_completions == 4u);
    CHECK(job.max_concurrent == 2u);
    CHECK(created({{"mode", "global"}}).mode.kind == swarm::ModeKind::global);
    CHECK(refusal([] {
              created({{"mode", "global-job"}, {"replicas", "2"}});
          }) == "replicas can only be used with replicated or replicated-job mode");
    CHECK(refusal([] { created({{"mode", "bogus"}}); }) == "unknown mode: bogus, only replicated and global supported");
    CHECK(refusal([] {
              created({{"max-concurrent", "2"}});
          }) == "max-concurrent can only be used with replicated-job mode");
    const swarm::ServiceSpec global = created({{"mode", "global"}});
    CHECK(refusal([&] { updated(global, {{"replicas", "2"}}); }) == "replicas can only be used with replicated mode");
    CHECK(refusal([&] { scaled_spec(global, 2); }) == "scale can only be used with replicated or replicated-job mode");
    CHECK(scaled_spec(created({}), 3).mode.replicas == 3u);
    const swarm::ServiceMode scaled =
        scaled_spec(created({{"mode", "replicated-job"}, {"max-concurrent", "1"}}), 3).mode;
    CHECK(scaled.total_completions == 3u);
    CHECK(scaled.max_concurrent == 1u);
    CHECK(refusal([] {
              updated(created({{"mode", "replicated-job"}}), {{"replicas", "2"}});
          }) == "replicas can only be used with replicated mode");
}

TEST_CASE("values that a flag cannot have") {
    struct Row {
        const char *flag, *value, *text;
    };
    const Row rows[] = {
        {"replicas", "-1", "strconv.ParseUint: parsing \"-1\": invalid syntax"},
        {"publish", "target=x", "invalid target port (x): value must be an integer: invalid syntax"},
        {"publish", "published=1", "missing mandatory field 'target'"},
        {"publish", "127.0.0.1:80:80", "hostip is not supported"},
        {"publish", "x", "invalid containerPort: x"},
        {"publish", "80:80:80", "invalid IP address: 80"},
        {"publish", "80/foo", "invalid proto: foo"},
        {"mount", "dst=/x,bogus", "invalid field 'bogus' must be a key=value pair"},
        {"mount", "src=x", "target is required"},
        {"mount", "type=bind,dst=/x,volume-nocopy", "cannot mix 'volume-*' options with mount type 'bind'"},
        {"ulimit", "bogus=1", "invalid ulimit type: bogus"},
        {"placement-pref", "x=y", "unsupported placement preference x (only spread is supported)"},
        {"health-interval", "-1s", "duration cannot be negative"},
        {"restart-delay", "5", "time: missing unit in duration \"5\""},
        {"restart-delay", "5d", "time: unknown unit \"d\" in duration \"5d\""},
        {"restart-delay", "x5s", "time: invalid duration \"x5s\""},
        {"limit-memory", "x", "invalid size: 'x'"},
        {"limit-memory", "10Q", "invalid suffix: 'q'"},
        {"limit-cpu", "x", "failed to parse x as a rational number"},
        {"limit-cpu", "1/3", "value is too precise"},
        {"limit-cpu", "1/2", ""},
        {"limit-cpu", "1.5e0", ""},
        {"host", "a", "bad format for add-host: \"a\""},
        {"dns", "x", "IP address is not correctly formatted: x"},
        {"dns-search", "a b", "a b is not a valid domain"},
        {"dns-search", "1.2", "1.2 is not a valid domain"},
        {"dns-search", "a.b.", ""},
        {"dns-search", ".", ""},
        {"label", "=x", "invalid label '=x': empty name"},
        {"container-label", "", "invalid label '': empty name"},
        {"label-add", "a b=c", "label 'a b' contains whitespaces"},
        {"env", "=x", "invalid environment variable: =x"},
        {"env-add", "", "invalid environment variable: "},
        {"generic-resource", "gpu", "invalid generic-resource format `gpu` expected `name=value`"},
        {"secret", "", "EOF"},
        {"mount", "type=bind,src=/,dst=/x,bind-nonrecursive",
         "bind-nonrecursive is deprecated, use bind-recursive=disabled instead"},
        {"mount", "type=bind,src=/,dst=/x,bind-recursive=writable",
         "option 'bind-recursive=writable' requires 'readonly' to be specified in conjunction"},
        {"mount", "type=bind,src=/,dst=/x,ro,bind-recursive=readonly",
         "option 'bind-recursive=readonly' requires 'bind-propagation=rprivate' to be specified in conjunction"},
        {"mount", "type=volume,dst=", "invalid value for 'dst': value is empty"},
        {"mount", "type=volume, dst=/x", "invalid option 'dst' in ' dst=/x': option should not have whitespace"},
        {"mount", "TYPE=volume,DST=/x,readonly=1", ""},
    };
    for (const Row& row : rows) CHECK(refusal([&] { flags_of({{row.flag, row.value}}); }) == row.text);
    CHECK(refusal([] { flags_of({{"publish", "abc"}}); }) != "");
}

TEST_CASE("service update: lists come out in docker's order") {
    using Spec = swarm::ServiceSpec;
    const Spec s = created({{"env", "A=1"},
                            {"env", "B=2"},
                            {"constraint", "node.role==manager"},
                            {"dns", "1.1.1.1"},
                            {"host", "a:1.2.3.4"},
                            {"mount", "type=volume,src=v,dst=/v"},
                            {"cap-add", "NET_ADMIN"},
                            {"limit-memory", "64m"},
                            {"label", "a=1"},
                            {"publish", "18431:80"},
                            {"config", "c1"},
                            {"network", "n1"}});
    const Spec env = updated(s, {{"env-add", "C=3"}, {"env-add", "A=9"}});
    CHECK(env.task.container.env == Texts{"A=9", "B=2", "C=3"});
    CHECK(updated(env, {{"env-rm", "B"}, {"env-rm", "NOSUCH"}}).task.container.env == Texts{"A=9", "C=3"});

    const Spec placed =
        updated(s, {{"constraint-add", "node.hostname!=x"}, {"placement-pref-add", "spread=node.labels.z"}});
    CHECK(placed.task.placement->constraints == Texts{"node.hostname!=x", "node.role==manager"});
    CHECK(updated(placed, {{"placement-pref-rm", "spread=node.labels.z"}}).task.placement->preferences.empty());

    const Spec dns = updated(s, {{"dns-add", "2.2.2.2"}, {"dns-search-add", "s.x"}, {"host-add", "b:5.6.7.8"}});
    CHECK(dns.task.container.dns_config->nameservers == Texts{"1.1.1.1", "2.2.2.2"});
    CHECK(dns.task.container.hosts == Texts{"1.2.3.4 a", "5.6.7.8 b"});
    CHECK(updated(dns, {{"dns-rm", "1.1.1.1"}, {"host-rm", "a:1.2.3.4"}}).task.container.hosts == Texts{"5.6.7.8 b"});

    const Spec mounts =
        updated(s, {{"mount-add", "type=tmpfs,destination=/t"}, {"mount-add", "type=bind,src=/tmp,dst=/b"}});
    REQUIRE(mounts.task.container.mounts.size() == 3);
    CHECK(mounts.task.container.mounts[0].target == "/t");
    CHECK(mounts.task.container.mounts[1].target == "/b");
    CHECK(updated(mounts, {{"mount-rm", "/v"}, {"mount-rm", "/t"}}).task.container.mounts.size() == 1);

    const Spec caps = updated(s, {{"cap-add", "SYS_PTRACE"}, {"cap-drop", "CHOWN"}, {"ulimit-add", "nofile=5"}});
    CHECK(caps.task.container.capability_add == Texts{"CAP_NET_ADMIN", "CAP_SYS_PTRACE"});
    CHECK(caps.task.container.capability_drop == Texts{"CAP_CHOWN"});
    CHECK(updated(caps, {{"cap-drop", "NET_ADMIN"}}).task.container.capability_add == Texts{"CAP_SYS_PTRACE"});
    CHECK(updated(caps, {{"cap-drop", "NET_ADMIN"}}).task.container.capability_drop == Texts{"CAP_CHOWN"});
    CHECK(updated(caps, {{"ulimit-rm", "nofile"}}).task.container.ulimits.empty());

    const Spec limits = updated(s, {{"limit-cpu", ".5"}, {"limit-pids", "7"}, {"reserve-memory", "16m"}});
    CHECK(limits.task.resources->limits->memory == 64 * 1024 * 1024);
    CHECK(updated(limits, {{"limit-memory", "0"}}).task.resources->limits->memory == 0);

    CHECK(updated(s, {{"publish-add", "18432:81"}, {"publish-rm", "80"}}).endpoint->ports.at(0).published == 18432);
    CHECK(updated(s, {{"config-rm", "c1"}, {"config-add", "source=c2,target=/x"}}).task.container.configs.at(0).name ==
          "c2");
    CHECK(updated(s, {{"network-add", "n0"}}).task.networks.at(0).target == "n0");
    CHECK(refusal([&] { updated(s, {{"network-add", "n1"}}); }) == "service is already attached to network n1");
    CHECK(updated(s, {{"label-add", "b=2"}, {"label-rm", "a"}}).labels == swarm::Labels{{"b", "2"}});
    CHECK(updated(s, {{"init", "false"}, {"user", ""}, {"tty", "true"}}).task.container.tty);
    CHECK(updated(s, {{"force", "true"}}).task.force_update == 1);
    CHECK(updated(s, {}) == s);
    CHECK(refusal([&] {
              updated(s, {{"rollback", "true"}, {"force", "true"}});
          }) == "other flags may not be combined with --rollback");
    CHECK(refusal([&] {
              updated(s, {{"no-healthcheck", "true"}, {"health-cmd", "x"}});
          }) == "--no-healthcheck conflicts with --health-* options");
}

TEST_CASE("a policy that is set in part has the defaults for the rest, and keeps what it had") {
    const swarm::ServiceSpec s = created({});
    const auto none = updated(s, {{"restart-condition", "none"},
                                  {"restart-delay", "3s"},
                                  {"restart-max-attempts", "2"},
                                  {"restart-window", "9s"}});
    CHECK(*none.task.restart_policy == swarm::RestartPolicy{"none", 3'000'000'000, 2, 9'000'000'000});
    CHECK(updated(none, {{"restart-condition", "any"}}).task.restart_policy->delay == 3'000'000'000);
    CHECK(updated(s, {{"rollback-order", "start-first"}}).rollback_config->monitor == 5'000'000'000);
}

TEST_CASE("what the engine refuses") {
    struct Row {
        Given given;
        const char* text;
    };
    const Row rows[] = {
        {{{"name", "bad name"}}, "name must be valid as a DNS name component"},
        {{{"name", "x"}, {"restart-condition", "bogus"}}, "invalid RestartCondition: \"bogus\""},
        {{{"name", "x"}, {"update-order", "bogus"}}, "unrecognized update order bogus"},
        {{{"name", "x"}, {"update-failure-action", "bogus"}}, "unrecognized update failure action bogus"},
        {{{"name", "x"}, {"mount", "type=bogus,dst=/x"}}, "invalid MountType: \"bogus\""},
        {{{"name", "x"}, {"publish", "1:80"}, {"publish", "1:81"}}, "EndpointSpec: duplicate published ports provided"},
        {{{"name", "x"}, {"publish", "1:80"}, {"publish", "1:80/udp"}}, ""},
        {{{"name", "x"}, {"endpoint-mode", "dnsrr"}, {"publish", "1:80"}},
         "EndpointSpec: port published with ingress mode can't be used with dnsrr mode"},
        {{{"name", "x"}, {"mode", "replicated-job"}, {"update-delay", "1s"}},
         "update and rollback configuration is not supported for jobs"},
        {{{"name", "x"}, {"mode", "replicated-job"}, {"rollback-delay", "1s"}},
         "update and rollback configuration is not supported for jobs"},
        {{{"name", "x"}, {"rollback-max-failure-ratio", "-1"}}, ""},
        {{{"name", "x"}, {"memory-swap", "10m"}}, "memory swap provided, but no memory-limit was set"},
        {{{"name", "x"}, {"memory-swap", "10m"}, {"limit-memory", "8m"}}, ""},
        {{{"name", "x"}, {"endpoint-mode", "bogus"}}, "invalid resolution mode: \"bogus\""},
        {{{"name", "x"}, {"mount", "type=bind,src=/,dst=/x,bind-propagation=bogus"}},
         "invalid MountPropagation: \"bogus\""},
        {{{"name", "x"}, {"generic-resource", "gpu=a"}},
         "invalid generic-resource request `gpu=a`, Named Generic Resources is not supported for service create or "
         "update"},
        {{{"name", "x"}, {"mount", "type=volume,dst=/x"}, {"mount", "type=tmpfs,dst=/x"}},
         "ContainerSpec: duplicate mount point: /x"},
        {{{"name", "x"}, {"constraint", "bogus"}}, "constraint expected one operator from ==, !="},
        {{{"name", "a-b_c.d"}}, "name must be valid as a DNS name component"},
        {{{"name", "a-b_c"}}, ""},
    };
    for (const Row& row : rows) CHECK(refusal([&] { check_spec(created(row.given)); }) == row.text);
}
