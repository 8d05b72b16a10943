// What each attribute of a service makes of a container: YAML in, specification and record out.
#include "tests/unit/container/fixture.hpp"

#include "runtime/defaults.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <sys/resource.h>

using namespace davit;
using namespace davit::test;
using runtime::NsMode;
using runtime::Spec;

namespace {

struct Row {
    const char* yaml; // one attribute, or several that belong together
    bool (*holds)(const BuiltContainer&);
};

void check(std::initializer_list<Row> rows, const std::string& rest = "") {
    for (const Row& row : rows) {
        CAPTURE(std::string(row.yaml));
        std::string lines;
        std::istringstream in(row.yaml);
        for (std::string line; std::getline(in, line);) lines += "    " + line + "\n";
        const BuiltContainer c = build(lines, rest);
        CHECK(row.holds(c));
        // The row shows the attribute: without it things are otherwise.
        CHECK_FALSE(row.holds(build("", rest)));
    }
}

using Words = std::vector<std::string>;

bool has(const Words& list, const std::string& word) { return std::find(list.begin(), list.end(), word) != list.end(); }

const runtime::Mount* mount_at(const BuiltContainer& c, const std::string& destination) {
    for (const auto& m : c.spec.mounts)
        if (m.destination == destination) return &m;
    return nullptr;
}

const MountRecord* record_at(const BuiltContainer& c, const std::string& target) {
    for (const auto& m : c.record.mounts)
        if (m.target == target) return &m;
    return nullptr;
}

bool limit(const BuiltContainer& c, int resource, std::uint64_t soft, std::uint64_t hard) {
    return std::count(c.spec.process.rlimits.begin(), c.spec.process.rlimits.end(),
                      runtime::Rlimit{resource, soft, hard}) == 1;
}

} // namespace

TEST_CASE("inspect shows an entrypoint as it was asked for: none, or an empty one") {
    image::Config config;
    config.entrypoint = {"/of-image"};
    const auto shown = [&](const std::string& attributes, const image::Config& of) {
        return nlohmann::json::parse(build(attributes, "", of).request)["Config"]["Entrypoint"].dump();
    };
    CHECK(shown("", {}) == "null");
    CHECK(shown("", config) == R"(["/of-image"])");
    CHECK(shown("    entrypoint: []\n", config) == "[]");
    CHECK(shown("    entrypoint: ''\n", config) == "[]");
    CHECK(shown("    entrypoint: [sh]\n", config) == R"(["sh"])");
}

TEST_CASE("attributes of the process") {
    check({
        {"entrypoint: [sh, -c]",
         [](const auto& c) {
             return c.spec.process.args == Words{"sh", "-c", "run"};
         }},
        {"command: [other, words]",
         [](const auto& c) {
             return c.spec.process.args == Words{"other", "words"} && c.record.command == c.spec.process.args;
         }},
        {"environment: {A: '1', B: 'x y'}",
         [](const auto& c) { return has(c.spec.process.env, "A=1") && has(c.record.environment, "B=x y"); }},
        {"working_dir: /srv",
         [](const auto& c) { return c.spec.process.cwd == "/srv" && c.record.working_dir == "/srv"; }},
        {"user: '1000:50'",
         [](const auto& c) { return c.spec.process.user.name == "1000:50" && c.record.user == "1000:50"; }},
        {"group_add: [adm, '7']",
         [](const auto& c) {
             return c.spec.process.user.groups == Words{"adm", "7"};
         }},
        {"tty: true", [](const auto& c) { return c.spec.process.terminal && c.record.tty; }},
        {"stdin_open: true", [](const auto& c) { return c.spec.process.stdin_open && c.record.open_stdin; }},
        {"init: true", [](const auto& c) { return c.spec.init; }},
        {"ulimits: {nofile: {soft: 10, hard: 20}, nproc: 5}",
         [](const auto& c) { return limit(c, RLIMIT_NOFILE, 10, 20) && limit(c, RLIMIT_NPROC, 5, 5); }},
        {"oom_score_adj: 300", [](const auto& c) { return c.spec.process.oom_score_adj == 300; }},
        {"stop_signal: SIGINT", [](const auto& c) { return c.record.stop_signal == "SIGINT"; }},
        {"stop_grace_period: 3s", [](const auto& c) { return c.record.stop_grace == 3'000'000'000; }},
        {"post_start: [{command: [a, b], user: '5', privileged: true, working_dir: /w, environment: {K: v}}]",
         [](const auto& c) {
             return c.record.post_start == std::vector<HookRecord>{{{"a", "b"}, "5", true, "/w", {"K=v"}}};
         }},
        {"pre_stop: [{command: bye}]",
         [](const auto& c) { return c.record.pre_stop.size() == 1 && c.record.pre_stop[0].command == Words{"bye"}; }},
    });
}

TEST_CASE("an init reaps only in a pid namespace of its own") {
    CHECK(build("    init: true\n").spec.init);
    CHECK_FALSE(build("    init: true\n    pid: host\n").spec.init);
}

TEST_CASE("attributes of security") {
    check({
        {"cap_add: [SYS_PTRACE]",
         [](const auto& c) {
             return (c.spec.process.caps.bounding >> 19 & 1) && (c.spec.process.caps.effective >> 19 & 1);
         }},
        {"cap_drop: [CHOWN]", [](const auto& c) { return (c.spec.process.caps.bounding & 1) == 0; }},
        {"privileged: true",
         [](const auto& c) {
             return c.spec.resources.devices.empty() && c.spec.masked_paths.empty() && c.spec.readonly_paths.empty() &&
                    c.spec.seccomp.kind == runtime::Seccomp::Kind::unconfined &&
                    c.spec.devices.back() == runtime::Device{"/dev/sda", 'b', 8, 0, 0660, 0, 6};
         }},
        {"devices: ['/dev/fuse:/dev/f1:r']",
         [](const auto& c) {
             const auto& rule = c.spec.resources.devices.back();
             return c.spec.devices.back() == runtime::Device{"/dev/f1", 'c', 1, 3, 0666, 0, 0} && rule.allow &&
                    rule.minor == 3u && rule.access == "r";
         }},
        {"read_only: true", [](const auto& c) { return c.spec.root.readonly; }},
        {"security_opt: [no-new-privileges:true]", [](const auto& c) { return c.spec.process.no_new_privileges; }},
        {"security_opt: [seccomp=unconfined]",
         [](const auto& c) { return c.spec.seccomp.kind == runtime::Seccomp::Kind::unconfined; }},
        {"security_opt: [apparmor=mine]", [](const auto& c) { return c.spec.process.apparmor_profile == "mine"; }},
        {"security_opt: [systempaths=unconfined]", [](const auto& c) { return c.spec.masked_paths.empty(); }},
        {"device_cgroup_rules: ['c 1:3 mr']",
         [](const auto& c) {
             return std::any_of(c.spec.resources.devices.begin(), c.spec.resources.devices.end(), [](const auto& r) {
                 return r.allow && r.type == 'c' && r.major == 1u && r.minor == 3u && r.access == "mr";
             });
         }},
        {"sysctls: {net.core.somaxconn: 777}",
         [](const auto& c) {
             const auto found = c.spec.sysctls.find("net.core.somaxconn");
             return found != c.spec.sysctls.end() && found->second == "777";
         }},
        {"sysctls: {net.ipv4.ip_forward: '1'}",
         [](const auto& c) { return c.spec.sysctls.count("net.ipv4.ip_forward") == 1; }},
    });
}

TEST_CASE("attributes of namespaces") {
    check({
        {"pid: host", [](const auto& c) { return c.spec.ns.pid.mode == NsMode::host; }},
        {"ipc: host", [](const auto& c) { return c.spec.ns.ipc.mode == NsMode::host; }},
        {"uts: host", [](const auto& c) { return c.spec.ns.uts.mode == NsMode::host; }},
        {"network_mode: host",
         [](const auto& c) { return c.spec.ns.net.mode == NsMode::host && c.record.network_mode == "host"; }},
        {"network_mode: none",
         [](const auto& c) { return c.record.network_mode == "none" && c.record.endpoints.empty(); }},
        {"cgroup: private", [](const auto& c) { return c.spec.ns.private_cgroup == true; }},
        {"cgroup: host", [](const auto& c) { return c.spec.ns.private_cgroup == false; }},
        {"cgroup_parent: /batch",
         [](const auto& c) { return c.spec.cgroup == "batch/" + c.spec.id && c.record.cgroup == c.spec.cgroup; }},
        {"hostname: box", [](const auto& c) { return c.spec.hostname == "box" && c.record.hostname == "box"; }},
        {"domainname: example.org", [](const auto& c) { return c.record.domainname == "example.org"; }},
    });
}

TEST_CASE("attributes of networks") {
    const std::string networks = "networks: {front: {}, back: {}}\n";
    check(
        {
            {"networks: {front: {aliases: [w], ipv4_address: 10.0.0.5, mac_address: '02:00:00:00:00:01', gw_priority: "
             "4}}",
             [](const auto& c) {
                 if (c.record.endpoints.size() != 1) return false;
                 const EndpointRecord& e = c.record.endpoints[0];
                 return e.network == "p_front" && e.compose_name == "front" && has(e.aliases, "w") &&
                        has(e.aliases, "web") && e.ipv4_address == "10.0.0.5" && e.mac_address == "02:00:00:00:00:01" &&
                        e.gw_priority == 4;
             }},
            {"networks: {front: {interface_name: lan0, driver_opts: {k: v}, link_local_ips: [169.254.1.1]}}",
             [](const auto& c) {
                 const EndpointRecord& e = c.record.endpoints.at(0);
                 return e.interface_name == "lan0" && e.driver_opts.count("k") &&
                        e.link_local_ips == Words{"169.254.1.1"};
             }},
            {"networks: {front: {driver_opts: {com.docker.network.endpoint.ifname: lan0}}}",
             [](const auto& c) {
                 return c.record.endpoints.at(0).driver_opts.count("com.docker.network.endpoint.ifname") == 1;
             }},
            {"networks: {back: {priority: 1}, front: {priority: 9}}",
             [](const auto& c) {
                 return c.record.endpoints.size() == 2 && c.record.endpoints[0].network == "p_front";
             }},
            {"ports: ['127.0.0.1:8080:80/udp']",
             [](const auto& c) {
                 return c.record.ports == std::vector<PortRecord>{{"127.0.0.1", PortRange{8080, 8080}, 80, "udp"}};
             }},
            {"expose: ['9000', 53/udp]",
             [](const auto& c) { return has(c.record.expose, "9000/tcp") && has(c.record.expose, "53/udp"); }},
            {"dns: [9.9.9.9]\ndns_search: [lan]\ndns_opt: [rotate]",
             [](const auto& c) {
                 return c.record.dns == Words{"9.9.9.9"} && c.record.dns_search == Words{"lan"} &&
                        c.record.dns_options == Words{"rotate"};
             }},
            {"extra_hosts: ['up=host-gateway', 'v6=::1']",
             [](const auto& c) {
                 return c.record.extra_hosts ==
                        std::vector<std::pair<std::string, std::string>>{{"up", "host-gateway"}, {"v6", "::1"}};
             }},
            {"links: ['db:store']",
             [](const auto& c) {
                 const auto& links = c.record.endpoints.at(0).links;
                 const auto found = links.find("store");
                 return found != links.end() && found->second == Words{"p-db-1"};
             }},
        },
        networks);
}

TEST_CASE("attributes of limits") {
    check({
        {"mem_limit: 64m", [](const auto& c) { return c.spec.resources.memory == 64 << 20; }},
        {"mem_limit: 64m\nmem_reservation: 32m",
         [](const auto& c) { return c.spec.resources.reservation == 32 << 20; }},
        {"mem_limit: 64m\nmemswap_limit: 128m",
         [](const auto& c) { return c.spec.resources.memory_swap == 128 << 20; }},
        {"mem_swappiness: 40", [](const auto& c) { return c.spec.resources.swappiness == 40u; }},
        {"oom_kill_disable: true", [](const auto& c) { return c.spec.resources.oom_kill_disable; }},
        {"cpus: 1.5",
         [](const auto& c) { return c.spec.resources.cpu_quota == 150000 && c.spec.resources.cpu_period == 100000u; }},
        {"cpu_shares: 512", [](const auto& c) { return c.spec.resources.cpu_shares == 512u; }},
        {"cpu_quota: 5000\ncpu_period: 10000",
         [](const auto& c) { return c.spec.resources.cpu_quota == 5000 && c.spec.resources.cpu_period == 10000u; }},
        {"cpuset: 0-2", [](const auto& c) { return c.spec.resources.cpuset_cpus == "0-2"; }},
        {"pids_limit: 20", [](const auto& c) { return c.spec.resources.pids == 20; }},
        {"deploy: {resources: {limits: {cpus: '0.5', memory: 32M, pids: 9}}}",
         [](const auto& c) {
             return c.spec.resources.cpu_quota == 50000 && c.spec.resources.memory == 32 << 20 &&
                    c.spec.resources.pids == 9;
         }},
        {"blkio_config: {weight: 300, device_read_bps: [{path: /dev/x, rate: 1mb}]}",
         [](const auto& c) {
             return c.spec.resources.blkio_weight == 300u &&
                    c.spec.resources.read_bps == std::vector<runtime::BlkioDevice>{{"/dev/x", 1 << 20}};
         }},
    });
}

TEST_CASE("attributes of mounts") {
    check(
        {
            {"volumes: ['./src:/srv:ro']",
             [](const auto& c) {
                 const auto* m = mount_at(c, "/srv");
                 return m && m->source == "/case/src" && m->readonly && record_at(c, "/srv")->type == "bind";
             }},
            {"volumes: ['data:/data']",
             [](const auto& c) {
                 const auto* m = mount_at(c, "/data");
                 const auto* r = record_at(c, "/data");
                 return m && r && m->source == "/state/volumes/p_data/_data" && r->name == "p_data" && !r->anonymous &&
                        c.copy_ups.size() == 1 && c.copy_ups[0].path_in_image == "/data";
             }},
            {"volumes: [/cache]",
             [](const auto& c) {
                 const auto* r = record_at(c, "/cache");
                 return r && r->anonymous && r->name == "fresh1" && c.volumes.size() == 1;
             }},
            {"volumes: [{type: volume, source: data, target: /d, volume: {nocopy: true, subpath: a}}]",
             [](const auto& c) {
                 const auto* m = mount_at(c, "/d");
                 return m && m->subpath == "a" && c.copy_ups.empty();
             }},
            {"volumes: [{type: volume, source: data, target: /d, volume: {subpath: ./a/../b}}]",
             [](const auto& c) {
                 const auto* m = mount_at(c, "/d");
                 return m && m->subpath == "./a/../b";
             }},
            {"volumes: [{type: bind, source: /x, target: /y, bind: {propagation: rshared, create_host_path: false}}]",
             [](const auto& c) {
                 const auto* m = mount_at(c, "/y");
                 return m && m->propagation == runtime::Propagation::rshared && c.bind_sources.size() == 1 &&
                        !c.bind_sources[0].create;
             }},
            {"volumes: [{type: tmpfs, target: /t, tmpfs: {size: 1m, mode: 0o700}}]",
             [](const auto& c) {
                 const auto* m = mount_at(c, "/t");
                 return m && m->type == "tmpfs" && m->data.find("size=1048576") != std::string::npos &&
                        m->data.find("mode=700") != std::string::npos;
             }},
            {"volumes: [{type: image, source: tools, target: /tools}]",
             [](const auto& c) {
                 const auto* m = mount_at(c, "/tools");
                 return m && m->kind == runtime::Mount::Kind::overlay && m->layers == Words{"/layers/tools"};
             }},
            {"tmpfs: ['/run:size=2m']",
             [](const auto& c) {
                 const auto* m = mount_at(c, "/run");
                 return m && m->type == "tmpfs" && m->data.find("size=2m") != std::string::npos;
             }},
            {"shm_size: 2m",
             [](const auto& c) {
                 const auto* m = mount_at(c, "/dev/shm");
                 return m && m->data.find("2097152") != std::string::npos;
             }},
            {"configs: [{source: conf, target: /etc/conf, mode: 0440}]",
             [](const auto& c) {
                 return c.files.size() == 1 && c.files[0].path == "/etc/conf" && c.files[0].content == "text" &&
                        c.files[0].mode == 0440;
             }},
            {"secrets: [word]",
             [](const auto& c) {
                 return c.secrets.size() == 1 && c.secrets[0].content == "hush" && mount_at(c, "/run/secrets/word");
             }},
        },
        "volumes: {data: {}}\nconfigs: {conf: {content: text}}\nsecrets: {word: {environment: WORD}}\n");
}

TEST_CASE("a subpath leads nowhere else") {
    const std::string rest = "volumes: {data: {}}\n";
    for (const char* path : {"/d", "..", "a/../../b"}) {
        CAPTURE(path);
        const std::string of = std::string("subpath: ") + path;
        CHECK_THROWS_WITH_AS(
            build("    volumes: [{type: volume, source: data, target: /d, volume: {" + of + "}}]\n", rest),
            doctest::Contains("subpath must be a relative path within the volume"), Error);
        CHECK_THROWS_WITH_AS(
            build("    volumes: [{type: image, source: tools, target: /d, image: {" + of + "}}]\n", rest),
            doctest::Contains("subpath must be a relative path within the volume"), Error);
    }
}

TEST_CASE("a container of an ECS task") {
    check({
        {"x-davit-task: {name: Shop, memory: 256, cpu: 0.5}",
         [](const auto& c) {
             return c.record.cgroup == "davit/p/task-Shop/" + c.record.id && c.spec.cgroup == c.record.cgroup &&
                    c.spec.group_memory == 256 << 20 && c.spec.group_cpu_quota == 50000;
         }},
        {"x-davit-task: {name: a/very.long_name-of-a-task, memory: 256}",
         [](const auto& c) {
             return c.record.cgroup.size() == std::string("davit/p/task-0123456789abcdef/").size() + 64 &&
                    c.record.cgroup.starts_with("davit/p/task-");
         }},
        {"x-davit-task: {name: Shop}\ndepends_on: [db]",
         [](const auto& c) {
             return c.record.ecs && c.record.ecs->after == Words{"db"} && c.record.cgroup == "davit/p/" + c.record.id;
         }},
        {"restart: always\nx-davit-task: {name: Shop, restart_after: 60, ignored_exit_codes: [0, 3]}",
         [](const auto& c) {
             return c.record.restart == RestartRecord{RestartKind::always, 0, {0, 3}, 60'000'000'000};
         }},
    });
}

TEST_CASE("attributes of the life") {
    check({
        {"restart: always",
         [](const auto& c) {
             return c.record.restart == RestartRecord{RestartKind::always, 0};
         }},
        {"restart: on-failure:3",
         [](const auto& c) {
             return c.record.restart == RestartRecord{RestartKind::on_failure, 3};
         }},
        {"restart: unless-stopped",
         [](const auto& c) {
             return c.record.restart == RestartRecord{RestartKind::unless_stopped, 0};
         }},
        {"deploy: {restart_policy: {condition: on-failure, max_attempts: 2}}",
         [](const auto& c) {
             return c.record.restart == RestartRecord{RestartKind::on_failure, 2};
         }},
        {"healthcheck: {test: [CMD, ok], interval: 1s, timeout: 2s, retries: 4, start_period: 5s, start_interval: 6s}",
         [](const auto& c) {
             return c.record.healthcheck ==
                    HealthcheckRecord{{"CMD", "ok"}, 1'000'000'000, 2'000'000'000, 5'000'000'000, 6'000'000'000, 4};
         }},
        {"labels: {mine: yes-it-is}",
         [](const auto& c) {
             const auto found = c.record.labels.find("mine");
             return found != c.record.labels.end() && found->second == "yes-it-is";
         }},
        {"logging: {driver: json-file, options: {max-size: 1m, max-file: '2'}}",
         [](const auto& c) { return c.record.log.options.size() == 2 && c.record.log.options.at("max-size") == "1m"; }},
        {"logging: {driver: none}", [](const auto& c) { return c.record.log.driver == "none"; }},
        {"depends_on: {db: {condition: service_healthy}}",
         [](const auto& c) {
             return c.record.labels.at("com.docker.compose.depends_on") == "db:service_healthy:false";
         }},
    });
}

TEST_CASE("a log driver that davit has not is kept as it was asked for") {
    const LogConfig log =
        build("    logging: {driver: fluentd, options: {fluentd-address: 'localhost:1', tag: x}}\n").record.log;
    CHECK(log.driver == "fluentd");
    CHECK(log.options == std::map<std::string, std::string>{{"fluentd-address", "localhost:1"}, {"tag", "x"}});
}

TEST_CASE("a host name has no more bytes than the kernel takes") {
    CHECK(build("    hostname: " + std::string(64, 'a') + "\n").record.hostname == std::string(64, 'a'));
    const std::string long_one(65, 'a');
    CHECK_THROWS_WITH(build("    hostname: " + long_one + "\n"),
                      ("hostname \"" + long_one + "\" is too long (maximum 64 bytes)").c_str());
}

TEST_CASE("what log drivers refuse: when a container is made, and when it starts") {
    const auto made_of = [](const std::string& options, const char* driver = "json-file") {
        return build("    logging: {driver: " + std::string(driver) + ", options: {" + options + "}}\n");
    };
    const std::pair<const char*, const char*> refused[] = {
        {"mode: x", "logger: logging mode not supported: x"},
        {"max-buffer-size: 1m", "logger: max-buffer-size option is only supported with 'mode=non-blocking'"},
        {"mode: non-blocking, max-buffer-size: x", "error parsing option max-buffer-size: invalid size: 'x'"},
    };
    for (const auto& [options, message] : refused) CHECK_THROWS_WITH(made_of(options), message);
    const std::string before = "failed to create task for container: failed to initialize logging driver: ";
    const std::pair<const char*, const char*> at_start[] = {
        {"max-size: x", "invalid size: 'x'"},
        {"max-size: '-1'", "invalid size: '-1'"},
        {"max-size: '0'", "max-size must be a positive number"},
        {"max-file: '0'", "max-file cannot be less than 1: 0"},
        {"compress: x", "strconv.ParseBool: parsing \"x\": invalid syntax"},
        {"compress: 'true'", "compress cannot be true when max-file is less than 2 or max-size is not set"},
        {"compress: 'true', max-size: 1m",
         "compress cannot be true when max-file is less than 2 or max-size is not set"},
    };
    for (const auto& [options, message] : at_start) CHECK(made_of(options).record.start_error == before + message);
    CHECK(made_of("compress: x", "local").record.start_error ==
          before + "invalid boolean value for compress: strconv.ParseBool: parsing \"x\": invalid syntax");
    CHECK(made_of("compress: 'true'", "local").record.start_error.empty());
    CHECK(made_of("compress: 'true', max-size: 1m, max-file: '2'").record.start_error.empty());
}

TEST_CASE("what a container shares with another one") {
    FakeSurroundings around;
    Donor db;
    db.record.id = std::string(64, 'd');
    db.record.name = "p-db-1";
    db.record.project = "p";
    db.record.mounts = {{"bind", "", "/host", "/shared", false, false}};
    runtime::Mount shared;
    shared.source = "/host";
    shared.destination = "/shared";
    db.mounts = {shared};
    around.donors["db"] = db;
    const auto made = [&](const std::string& lines) { return build(project_of(lines), around); };
    CHECK(made("    network_mode: service:db\n").record.network_mode == "container:" + db.record.id);
    CHECK(made("    pid: service:db\n").record.pid_mode == "container:" + db.record.id);
    CHECK(made("    ipc: service:db\n").record.ipc_mode == "container:" + db.record.id);
    around.donors["other"] = db;
    const BuiltContainer of_service = made("    volumes_from: ['db:ro']\n"),
                         of_container = made("    volumes_from: ['container:other:ro']\n");
    CHECK(of_service.record.volumes_from == Words{db.record.id});
    REQUIRE(mount_at(of_service, "/shared"));
    CHECK_FALSE(mount_at(of_service, "/shared")->readonly); // docker compose v5 loses the mode
    REQUIRE(mount_at(of_container, "/shared"));
    CHECK(mount_at(of_container, "/shared")->readonly);
}

TEST_CASE("the image gives what the service leaves open") {
    image::Config config;
    config.entrypoint = {"/entry"};
    config.cmd = {"default"};
    config.env = {"PATH=/image/bin", "A=image"};
    config.working_dir = "/image";
    config.user = "app";
    config.stop_signal = "SIGQUIT";
    config.exposed_ports = {"80/tcp"};
    config.volumes = {"/image/data"};
    config.labels = {{"from", "image"}};
    const BuiltContainer plain = build("    command: null\n    environment: {A: service}\n", "", config);
    CHECK(plain.spec.process.args == Words{"/entry", "default"});
    CHECK(has(plain.spec.process.env, "A=service"));
    CHECK(has(plain.spec.process.env, "PATH=/image/bin"));
    CHECK(plain.spec.process.cwd == "/image");
    CHECK(plain.spec.process.user.name == "app");
    CHECK(plain.record.stop_signal == "SIGQUIT");
    CHECK(has(plain.record.expose, "80/tcp"));
    CHECK(plain.record.labels.at("from") == "image");
    REQUIRE(record_at(plain, "/image/data"));
    CHECK(record_at(plain, "/image/data")->anonymous);
    const BuiltContainer own = build("    entrypoint: [mine]\n    user: '0'\n    working_dir: /\n", "", config);
    CHECK(own.spec.process.args == Words{"mine", "run"});
    CHECK(own.spec.process.user.name == "0");
    CHECK(own.spec.process.cwd == "/");
}

TEST_CASE("mounts are kept as Docker Compose asks for them") {
    const BuiltContainer c = build("    volumes:\n"
                                   "      - data:/a:ro\n"
                                   "      - data:/b:nocopy\n"
                                   "      - /none\n"
                                   "      - ./x:/c:z\n"
                                   "      - {type: bind, source: ./x, target: /d, bind: {propagation: rslave}}\n"
                                   "      - {type: tmpfs, target: /e, tmpfs: {size: 1024, mode: 0700}}\n"
                                   "    tmpfs: [/f]\n",
                                   "volumes: {data: {}}\n");
    const auto host = nlohmann::json::parse(c.request)["HostConfig"];
    CHECK(host["Binds"] == nlohmann::json{"p_data:/a:ro", "/case/x:/c:rw,z"});
    std::map<std::string, nlohmann::json> mounts;
    for (const auto& mount : host["Mounts"]) mounts[mount["Target"]] = mount;
    CHECK(mounts.size() == 4);
    CHECK(mounts["/b"] == nlohmann::json::parse(
                              R"({"Type":"volume","Source":"p_data","Target":"/b","VolumeOptions":{"NoCopy":true}})"));
    CHECK_FALSE(mounts["/none"].contains("Source"));
    CHECK(mounts["/d"]["BindOptions"] == nlohmann::json{{"Propagation", "rslave"}, {"CreateMountpoint", true}});
    CHECK(mounts["/e"]["TmpfsOptions"] == nlohmann::json{{"SizeBytes", 1024}, {"Mode", 0700}});
    CHECK(host["Tmpfs"].contains("/f"));
}
