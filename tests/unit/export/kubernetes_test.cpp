// What a cluster does with the manifests: rollouts, files, ports, probes.
#include "tests/unit/export/exports.hpp"

#include <algorithm>
#include <doctest/doctest.h>
#include <fmt/format.h>

using namespace davit;
using namespace davit::test;
using Kind = ExportFinding::Kind;

namespace {

// Paths of the project /project and beside it, with what stands there; a directory ends with '/'.
struct File {
    std::string content;
    std::uint32_t mode = 0644;
};
const std::map<std::string, File>& disk() {
    static const std::map<std::string, File> files{
        {"/project", {"dir", 0755}},
        {"/project/server.key", {"-----BEGIN PRIVATE KEY-----\nthe-value-of-key\n", 0644}},
        {"/project/closed.conf", {"the-value-of-closed\n", 0600}},
        {"/project/nginx.conf", {"events {}\n"}},
        {"/project/start.sh", {"#!/bin/sh\n", 0755}},
        {"/project/conf.d", {"dir", 0755}},
        {"/project/conf.d/a.conf", {"a\n"}},
        {"/project/conf.d/sub", {"dir", 0755}},
        {"/project/conf.d/sub/a.conf", {"b\n"}},
        {"/project/certs", {"dir", 0755}},
        {"/project/certs/tls.crt", {"a certificate\n"}},
        {"/project/certs/tls.key", {"the-value-of-tls\n"}},
        {"/project/empty", {"dir", 0755}},
        {"/project/pgdata", {"dir", 0700}},
        {"/project/pgdata/PG_VERSION", {"15\n"}},
        {"/project/state", {"dir", 0755}},
        {"/project/state/app.sqlite3", {"SQLite format 3, the-value-of-state"}},
        {"/project/logs", {"dir", 0755}},
        {"/project/logs/.gitkeep", {""}},
        {"/project/wg0.conf", {"[Interface]\nPrivateKey = oK56DE9Ue9zK76rAc8pB=\n"}},
        {"/project/redis.conf", {"port 6379\nrequirepass the-value-of-redis\n"}},
        {"/project/config.php", {"<?php\ndefine('DB_PASSWORD', 'the-value-of-php');\n"}},
        {"/project/app.xml", {"<app>\n  <password>the-value-of-xml</password>\n</app>\n"}},
        {"/project/plain.ini",
         {"# password = example\npassword_file = /run/secrets/x\npassword = $PASSWORD\nsecret=\n"}},
        {"/project/large", {"dir", 0755}},
        {"/project/large/one", {std::string(700'000, 'x')}},
        {"/project/large/two", {std::string(700'000, 'y')}},
        {"/etc/localtime", {"TZif"}},
        {"/root/.aws/credentials", {"the-value-of-aws"}},
        {"/project-of-others/file", {"theirs"}},
    };
    return files;
}

bool is_directory(const File& f) { return f.content == "dir"; }

ExportOptions with_disk() {
    ExportOptions out = options_for(ExportTarget::kubernetes);
    out.read_file = [](const std::string& path) -> std::optional<std::string> {
        const auto it = disk().find(path);
        return it == disk().end() || is_directory(it->second) ? std::nullopt : std::optional(it->second.content);
    };
    out.look_at = [](const std::string& path) -> std::optional<FileFacts> {
        if (path == "/project/link") return FileFacts{false, 0644, 8, "/etc/localtime", {}};
        const auto it = disk().find(path);
        if (it == disk().end()) return std::nullopt;
        FileFacts facts{is_directory(it->second), it->second.mode, it->second.content.size(), "", {}};
        for (const auto& [name, file] : disk())
            if (name.starts_with(path + "/") && name.find('/', path.size() + 1) == std::string::npos)
                facts.names.push_back(name.substr(path.size() + 1));
        return facts;
    };
    return out;
}

ExportResult exported(const std::string& services, const std::string& rest = "") {
    return export_project(load_text("name: p\nservices:\n" + services + rest), with_disk());
}

std::string text_in(const ExportResult& result, const std::string& path) {
    for (const ExportedFile& f : result.files)
        if (f.path == path) return f.text;
    return {};
}

bool has(const std::string& text, const std::string& words) { return text.find(words) != std::string::npos; }

Kind kind_of(const ExportResult& result, const std::string& path) {
    const ExportFinding* f = finding_at(result, path);
    REQUIRE_MESSAGE(f, path);
    return f->kind;
}

} // namespace

TEST_CASE("kubernetes: two pods never write to one volume during a rollout, but where start-first asks for it") {
    const std::string volumes = "volumes: {data: {}, other: {driver: local, driver_opts: {type: nfs, o: addr=10.0.0.1, "
                                "device: \":/x\"}}}\n";
    const ExportResult shared = exported("  db: {image: i, volumes: [\"data:/data\"]}\n"
                                         "  backup: {image: j, volumes: [\"data:/data:ro\"]}\n",
                                         volumes);
    CHECK(has(text_in(shared, "service-db.yaml"), "type: Recreate"));
    CHECK_FALSE(has(text_in(shared, "service-backup.yaml"), "Recreate"));
    const ExportResult nfs = exported("  db: {image: i, volumes: [\"other:/data\"]}\n", volumes);
    CHECK(has(text_in(nfs, "service-db.yaml"), "type: Recreate"));
    const ExportResult first = exported("  db: {image: i, volumes: [\"data:/data\"], deploy: {update_config: {order: "
                                        "start-first}}}\n  backup: {image: j, volumes: [\"data:/data:ro\"]}\n",
                                        volumes);
    CHECK(has(text_in(first, "service-db.yaml"), "maxSurge: 1"));
    CHECK(kind_of(first, "services.db.deploy.update_config.order") == Kind::adjusted);
}

TEST_CASE("kubernetes: a key that is bound in becomes a Secret, and its value is in no file") {
    const ExportResult result = exported("  web:\n    image: i\n    user: \"1000:1000\"\n    volumes: "
                                         "[\"./server.key:/etc/ssl/server.key:ro\", \"./closed.conf:/etc/c:ro\", "
                                         "\"./certs:/etc/certs:ro\"]\n");
    CHECK_FALSE(has(all_text(result), "the-value-of"));
    const std::string web = text_in(result, "service-web.yaml"), script = text_in(result, "secrets.sh");
    CHECK_FALSE(has(web, "kind: ConfigMap"));
    CHECK(has(web, "mountPath: /etc/ssl/server.key"));
    CHECK(has(web, "fsGroup: 1000")); // the closed one is root's
    CHECK(has(script, "--from-file=server.key=/project/server.key"));
    CHECK(has(script, "--from-file=tls.crt=/project/certs/tls.crt --from-file=tls.key=/project/certs/tls.key"));
    for (int i = 0; i < 3; ++i)
        CHECK(kind_of(result, "services.web.volumes[" + std::to_string(i) + "].source") == Kind::adjusted);
}

TEST_CASE("kubernetes: nothing of the machine goes into a ConfigMap but files of the project") {
    const ExportResult result =
        exported("  web:\n    image: i\n    volumes: [\"/etc/localtime:/etc/localtime:ro\", "
                 "\"/root/.aws/credentials:/c:ro\", \"/project-of-others/file:/f:ro\", \"./link:/l:ro\", \".:/app\", "
                 "\"./empty:/e\", \"./pgdata:/d\", \"./large:/g\"]\n");
    for (int i = 0; i < 8; ++i) {
        const std::string path = "services.web.volumes[" + std::to_string(i) + "]";
        CAPTURE(path);
        CHECK(kind_of(result, path) == Kind::dropped);
        CHECK_FALSE(finding_at(result, path)->hint.empty());
    }
    CHECK_FALSE(has(all_text(result), "kind: ConfigMap"));
    CHECK_FALSE(has(all_text(result), "hostPath"));
    CHECK(has(finding_at(result, "services.web.volumes[0]")->hint, "TZ"));
}

TEST_CASE("kubernetes: small directories are ConfigMaps, with the paths and the rights of their files") {
    const ExportResult result = exported("  web:\n    image: i\n    volumes: [\"./conf.d/:/etc/conf.d:ro\", "
                                         "\"./start.sh:/start.sh:ro\", \"./nginx.conf:/etc/nginx.conf\"]\n");
    const std::string web = text_in(result, "service-web.yaml");
    CHECK(has(web, "  a.conf: |\n    a\n  sub-a.conf: |\n    b\n"));
    CHECK(has(web, "- key: sub-a.conf\n                path: sub/a.conf\n                mode: 292"));
    CHECK(has(web, "mountPath: /etc/conf.d\n              readOnly: true"));
    CHECK(has(web, "- key: start.sh\n                path: start.sh\n                mode: 365"));
    // Whether the program writes is not known: told.
    CHECK(finding_at(result, "services.web.volumes[0].source")->hint.empty());
    CHECK_FALSE(finding_at(result, "services.web.volumes[2].source")->hint.empty());
}

TEST_CASE("kubernetes: beside an Ingress the other ports have a load balancer, one for each protocol") {
    const ExportResult result =
        exported("  web: {image: i, ports: [\"80:8080\", \"9443:9443\", \"53:53/udp\", \"127.0.0.1:6060:6060\"], "
                 "x-k8s-ingress: {host: example.com}}\n");
    const std::string web = text_in(result, "service-web.yaml");
    CHECK(has(web, "kind: Ingress"));
    CHECK(has(web, "name: web-published\n"));
    CHECK(has(web, "port: 9443"));
    CHECK(has(web, "name: web-published-udp\n"));
    CHECK_FALSE(has(web, "port: 80\n"));
    CHECK(finding_at(result, "services.web.ports[0].published")->to == "the Ingress");
    CHECK(has(finding_at(result, "services.web.ports[1].published")->to, "LoadBalancer"));
    CHECK(kind_of(result, "services.web.ports[3].published") == Kind::adjusted);
    CHECK(kind_of(result, "services.web.ports[3].host_ip") == Kind::adjusted);
    CHECK_FALSE(has(web, "port: 6060\n          targetPort: 6060\n          protocol: TCP\n---"));
}

TEST_CASE("kubernetes: the Ingress leads to where Traefik's label says that the program listens") {
    const ExportResult result = exported(
        "  web:\n    image: i\n    ports: [\"8080:8080\"]\n    labels: {traefik.http.routers.w.rule: \"Host(`a.b`)\", "
        "traefik.http.services.w.loadbalancer.server.port: \"9000\"}\n");
    CHECK(has(text_in(result, "service-web.yaml"), "number: 9000"));
    CHECK(has(text_in(result, "service-web.yaml"), "port: 8080"));
}

TEST_CASE("kubernetes: the report says where a published port went") {
    const auto told = [](const std::string& more, const std::string& port) {
        return *finding_at(exported("  web: {image: i, ports: [\"" + port + "\"], " + more + "}\n"),
                           "services.web.ports[0].published");
    };
    CHECK(has(told("x-k8s-service-type: ClusterIP", "80:80").why, "ClusterIP"));
    CHECK(has(told("x-k8s-service-type: NodePort", "80:80").to, "30000"));
    CHECK(has(told("x-k8s-service-type: NodePort", "30080:80").to, "that port"));
    CHECK(told("x-k8s-controller: job", "80:80").kind == Kind::dropped);
    CHECK(has(text_in(exported("  web: {image: i, ports: [\"30080:80\"], x-k8s-service-type: NodePort}\n"),
                      "service-web.yaml"),
              "nodePort: 30080"));
}

TEST_CASE("kubernetes: policies open what is published, and nothing else") {
    const std::string networks = "networks: {a: {}, b: {}}\n";
    const std::string policies =
        text_in(exported("  web: {image: i, networks: [a], ports: [\"80:8080\", \"127.0.0.1:9090:9090\", \"7070\"]}\n"
                         "  cache: {image: r, networks: [b], ports: [\"6379\"]}\n"
                         "  site: {image: s, networks: [b], expose: [\"3000\"], x-k8s-ingress: example.com}\n"
                         "  kept: {image: s, networks: [b], ports: [\"4000:4000\"], x-k8s-service-type: ClusterIP}\n",
                         networks),
                "network-policies.yaml");
    CHECK(has(policies, "port: 8080"));
    CHECK(has(policies, "published-site"));
    CHECK(has(policies, "port: 3000"));
    for (const char* closed : {"9090", "7070", "published-cache", "published-kept"}) {
        CAPTURE(std::string(closed));
        CHECK_FALSE(has(policies, closed));
    }
}

TEST_CASE("kubernetes: who is not root reads a config that is closed to others") {
    const std::string web = "  web: {image: i, user: \"1000:1001\", configs: [{source: c, mode: 0440}]}\n";
    CHECK(has(text_in(exported(web, "configs: {c: {content: x}}\n"), "service-web.yaml"), "fsGroup: 1001"));
    const std::string open = "  web: {image: i, user: \"1000:1001\", configs: [{source: c, mode: 0444}]}\n";
    CHECK_FALSE(has(text_in(exported(open, "configs: {c: {content: x}}\n"), "service-web.yaml"), "fsGroup"));
}

TEST_CASE("kubernetes: no probe ends a container unless x-k8s-liveness asks for it") {
    const std::string check = "healthcheck: {test: [CMD, ok], start_period: 60s, start_interval: 2s}";
    const ExportResult asks_not = exported("  web: {image: i, " + check + "}\n");
    CHECK_FALSE(has(text_in(asks_not, "service-web.yaml"), "startupProbe"));
    CHECK(kind_of(asks_not, "services.web.healthcheck.start_period") == Kind::adjusted);
    const ExportResult asks = exported("  web: {image: i, x-k8s-liveness: true, " + check + "}\n");
    CHECK(has(text_in(asks, "service-web.yaml"), "startupProbe"));
    CHECK(has(text_in(asks, "service-web.yaml"), "livenessProbe"));
    CHECK(kind_of(asks, "services.web.healthcheck.start_period") == Kind::exact);
    // A container that begins before others has one in any case: it says when they begin.
    const ExportResult pod = exported("  app: {image: i, network_mode: \"service:db\", depends_on: {db: {condition: "
                                      "service_healthy}}}\n  db: {image: j, " +
                                      check + "}\n");
    CHECK(has(text_in(pod, "service-db.yaml"), "periodSeconds: 2"));
}

TEST_CASE("kubernetes: nodes of the control plane take the pod, and where there are none it is told") {
    const ExportResult result =
        exported("  web: {image: i, deploy: {placement: {constraints: [node.role==manager]}}}\n"
                 "  work: {image: i, deploy: {placement: {constraints: [node.role==worker]}}}\n");
    CHECK(has(text_in(result, "service-web.yaml"), "tolerations:"));
    CHECK_FALSE(has(text_in(result, "service-work.yaml"), "tolerations:"));
    REQUIRE(finding_at(result, "services.web.deploy.placement.constraints[0]"));
    CHECK(has(finding_at(result, "services.web.deploy.placement.constraints[0]")->why, "Pending"));
}

TEST_CASE("kubernetes: no request is above its limit") {
    const ExportResult result = exported("  web: {image: i, mem_limit: 256m, mem_reservation: 512m}\n"
                                         "  two: {image: i, deploy: {resources: {limits: {cpus: '1', memory: 64m}, "
                                         "reservations: {cpus: '2', memory: 128m}}}}\n");
    CHECK(has(text_in(result, "service-web.yaml"), "requests:\n              memory: 256Mi"));
    CHECK(has(text_in(result, "service-two.yaml"), "requests:\n              cpu: 1000m\n              memory: 64Mi"));
    CHECK(kind_of(result, "services.web.mem_reservation") == Kind::adjusted);
    CHECK(kind_of(result, "services.two.deploy.resources.reservations.cpus") == Kind::adjusted);
    CHECK(kind_of(result, "services.two.deploy.resources.reservations.memory") == Kind::adjusted);
}

TEST_CASE("kubernetes: a pod with ports of the node ends before the next one begins") {
    for (const char* how : {"network_mode: host", "ports: [{target: 53, published: \"53\", mode: host}]"}) {
        CAPTURE(std::string(how));
        const std::string web = text_in(exported("  web: {image: i, " + std::string(how) + "}\n"), "service-web.yaml");
        CHECK(has(web, "maxSurge: 0\n      maxUnavailable: 1"));
    }
    const ExportResult first = exported("  web: {image: i, network_mode: host, deploy: {update_config: {order: "
                                        "start-first}}}\n");
    CHECK(has(text_in(first, "service-web.yaml"), "maxSurge: 0"));
    CHECK(kind_of(first, "services.web.deploy.update_config.order") == Kind::adjusted);
}

TEST_CASE("kubernetes: all GPUs are a number that nobody knows") {
    const ExportResult result = exported("  web: {image: i, gpus: all}\n");
    REQUIRE(finding_at(result, "services.web.gpus[0].count"));
    CHECK(finding_at(result, "services.web.gpus[0].count")->from == "all");
    CHECK(has(finding_at(result, "services.web.gpus[0].count")->to, "1"));
}

TEST_CASE("kubernetes: what the kubelet would expand is escaped, as often as it takes") {
    const ExportResult result = exported(R"yaml(  web:
    image: i
    command: [echo, "a$$(b)", "c$$$$", "d$$$$(e)", "f$$g"]
    environment: {H: "$$$$(I)"}
    healthcheck: {test: "kill -0 $$$$ && test $$(id -u) = 0"}
    pre_stop: [{command: [sh, -c, "kill $$$$"]}]
)yaml");
    const std::string web = text_in(result, "service-web.yaml");
    for (const char* word : {"- a$$(b)\n", "- c$$$\n", "- d$$$$(e)\n", "- f$g\n", "value: $$$$(I)\n",
                             "- kill -0 $$$ && test $$(id -u) = 0\n", "- kill $$\n"}) {
        CAPTURE(std::string(word));
        CHECK(has(web, word));
    }
}

TEST_CASE("kubernetes: data that a program writes is in no ConfigMap") {
    const ExportResult result = exported("  web: {image: i, volumes: ['./state:/state', './logs:/logs']}\n"
                                         "  reader: {image: i, volumes: ['./state:/state:ro']}\n");
    CHECK_FALSE(has(text_in(result, "service-web.yaml"), "configMap"));
    CHECK_FALSE(has(text_in(result, "service-web.yaml"), "the-value-of-state"));
    CHECK(kind_of(result, "services.web.volumes[0]") == Kind::dropped);
    CHECK(kind_of(result, "services.web.volumes[1]") == Kind::dropped);
    CHECK(has(text_in(result, "service-reader.yaml"), "configMap"));
}

TEST_CASE("kubernetes: a port of this machine alone is no port of the node") {
    const ExportResult result =
        exported("  web: {image: i, ports: [{target: 80, published: \"80\", mode: host, host_ip: "
                 "127.0.0.1}, {target: 53, published: \"53\", protocol: udp, mode: host}, 53]}\n");
    const std::string web = text_in(result, "service-web.yaml");
    CHECK_FALSE(has(web, "hostPort: 80"));
    CHECK(has(web, "- containerPort: 53\n              protocol: UDP\n              hostPort: 53"));
    CHECK_FALSE(has(web, "protocol: TCP\n              hostPort"));
    CHECK(kind_of(result, "services.web.ports[0].host_ip") == Kind::adjusted);
}

TEST_CASE("kubernetes: prune.sh keeps what the export has, and what is only left out of it") {
    Project project = load_text("name: p\nservices:\n  web: {image: i, ports: ['80:80'], networks: [a, b]}\n"
                                "  my_tool: {image: i, networks: [b]}\nnetworks: {a: {}, b: {}}\n");
    project.disabled_services.insert(project.services.extract("my_tool"));
    const std::string script = text_in(export_project(project, options_for(ExportTarget::kubernetes)), "prune.sh");
    CHECK(has(script,
              "keep='deployment/web networkpolicy/network-a networkpolicy/network-b networkpolicy/published-web "
              "service/web service/web-published'"));
    CHECK(has(script, "notin (internal-b,my-tool,network-b,published-my-tool)"));
    CHECK_FALSE(has(script, "persistentvolumeclaim"));
}

TEST_CASE("kubernetes: prune.sh keeps what is left out by the names that it has with all the others") {
    Project project =
        load_text("name: p\nservices:\n  web: {image: i}\n  a-b: {image: i}\n  a_b: {image: i, ports: ['80:80']}\n"
                  "  app: {image: i, x-davit-task: {name: orders, family: orders, container: app}}\n"
                  "  side: {image: i, network_mode: 'service:app', x-davit-task: {name: orders, family: orders, "
                  "container: side}}\n");
    for (const char* name : {"a_b", "app", "side"}) project.disabled_services.insert(project.services.extract(name));
    const std::string script = text_in(export_project(project, options_for(ExportTarget::kubernetes)), "prune.sh");
    for (const char* name : {"a-b-2", "published-a-b-2", "orders", "app", "side"}) {
        CAPTURE(std::string(name));
        const std::string list = script.substr(script.find("notin (") + 7);
        CHECK(has("," + list.substr(0, list.find(')')) + ",", fmt::format(",{},", name)));
    }
    // One name is not another's where that one is not chosen.
    Project alone = load_text("name: p\nservices:\n  a-b: {image: i}\n  a_b: {image: i}\n");
    alone.disabled_services.insert(alone.services.extract("a-b"));
    const ExportResult result = export_project(alone, options_for(ExportTarget::kubernetes));
    CHECK(has(text_in(result, "prune.sh"), "keep='deployment/a-b-2"));
    CHECK_FALSE(text_in(result, "service-a-b-2.yaml").empty());
}

TEST_CASE("kubernetes: the containers of an ECS task ask for its size together") {
    const ExportResult result = export_project(
        load_text(R"({"family": "t", "networkMode": "awsvpc", "cpu": "1024", "memory": "2048", "containerDefinitions": [
          {"name": "app", "image": "i", "memory": 512}, {"name": "b", "image": "i"}, {"name": "c", "image": "i"}]})"),
        options_for(ExportTarget::kubernetes));
    const std::string pod = text_in(result, "service-t.yaml");
    CHECK(has(pod, "memory: 512Mi\n            requests:\n              cpu: 334m\n              memory: 512Mi"));
    CHECK(has(pod, "memory: 2048Mi\n            requests:\n              cpu: 334m\n              memory: 768Mi"));
}

TEST_CASE("kubernetes: a claim that is there already is mounted whole") {
    const ExportResult result =
        export_project(load_text("name: p\nservices:\n  web: {image: i, volumes: ['theirs:/t', {type: volume, source: "
                                 "theirs, target: /part, volume: {subpath: some/part}}, 'ours:/o']}\n"
                                 "volumes: {theirs: {external: true, name: my_data}, ours: {}}\n"),
                       options_for(ExportTarget::kubernetes));
    const std::string web = text_in(result, "service-web.yaml");
    CHECK(has(web, "- name: theirs\n              mountPath: /t\n            - name: theirs"));
    CHECK(has(web, "mountPath: /part\n              subPath: some/part\n"));
    CHECK(has(web, "mountPath: /o\n              subPath: data\n"));
    CHECK(kind_of(result, "services.web.volumes[0].source") == Kind::adjusted);
}

TEST_CASE("kubernetes: a key or a password in a file of any language is in no ConfigMap") {
    for (const char* file : {"wg0.conf", "redis.conf", "config.php", "app.xml"}) {
        CAPTURE(std::string(file));
        const ExportResult result =
            exported("  web: {image: i, volumes: ['./" + std::string(file) + ":/etc/it:ro']}\n");
        CHECK_FALSE(has(all_text(result), "kind: ConfigMap"));
        CHECK_FALSE(has(all_text(result), "the-value-of"));
        CHECK(has(text_in(result, "secrets.sh"), file));
    }
    CHECK(has(all_text(exported("  web: {image: i, volumes: ['./plain.ini:/etc/it:ro']}\n")), "kind: ConfigMap"));
}

TEST_CASE("kubernetes: a config that holds a password is told") {
    const ExportResult result = export_project(
        load_text(
            "name: p\nservices:\n  web: {image: i, configs: [a, b]}\nconfigs:\n  a: {content: \"requirepass it-is\"}\n"
            "  b: {content: \"port 6379\"}\n"),
        options_for(ExportTarget::kubernetes));
    REQUIRE(finding_at(result, "configs.a"));
    CHECK(finding_at(result, "configs.a")->kind == Kind::needs_input);
    const ExportFinding* plain = finding_at(result, "configs.b");
    CHECK((!plain || plain->kind != Kind::needs_input));
}

TEST_CASE("kubernetes: root is a number everywhere") {
    const ExportResult result =
        export_project(load_text("name: p\nservices: {a: {image: i, user: 'root:root'}, b: {image: i, user: app}}\n"),
                       options_for(ExportTarget::kubernetes));
    CHECK(all_text(result).find("runAsUser: 0\n            runAsGroup: 0\n") != std::string::npos);
    CHECK(finding_at(result, "services.a.user")->kind == ExportFinding::Kind::exact);
    CHECK(finding_at(result, "services.b.user")->kind == ExportFinding::Kind::dropped);
}
