// What davit's own containers look like on disk: golden texts of today's form, and one as it was before.
// DAVIT_UPDATE_GOLDEN=1 writes the golden ones anew.
#include "base/file.hpp"
#include "davit/error.hpp"
#include "runtime/defaults.hpp"
#include "runtime/oci/document.hpp"

#include <cstdlib>
#include <doctest/doctest.h>
#include <nlohmann/json.hpp>
#include <sys/resource.h>

using namespace davit;
using namespace davit::runtime;

namespace {

const std::string id = "4f1c0b6a7d2e9358a1b4c7d0e3f6091827364554637281900f1e2d3c4b5a6978";
const std::string images = "/var/lib/davit/images/layers/", projects = "/var/lib/davit/projects/";

std::string data_file(const std::string& name) { return std::string(DAVIT_TEST_DATA) + "/runtime/" + name; }

// A web server as most services are: `image`, `command`, `volumes`, `ports` on a network of the project.
Spec web() {
    Spec s = default_spec();
    s.id = id;
    s.cgroup = "davit/shop/" + id;
    s.process.args = {"nginx", "-g", "daemon off;"};
    s.process.env = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "NGINX_VERSION=1.27.0"};
    s.root.overlay = {{images + "two", images + "one"},
                      projects + "shop/containers/4f1c/upper",
                      projects + "shop/containers/4f1c/work"};
    s.hostname = id.substr(0, 12);
    s.ns.net = {NsMode::passed, ""};
    s.open_ports_and_ping = true;
    Mount site;
    site.source = "/srv/shop/site", site.destination = "/usr/share/nginx/html", site.readonly = true;
    s.mounts.push_back(site);
    return s;
}

// A database: limits, a user, a volume, an init, hardened.
Spec database() {
    Spec s = web();
    s.process.args = {"postgres"};
    s.process.user = {"postgres", {"ssl-cert"}};
    s.process.umask = 0077;
    s.process.no_new_privileges = true;
    s.process.rlimits = {{RLIMIT_NOFILE, 4096, 8192}};
    set_capabilities(s.process, resolve_capabilities({}, {"ALL"}));
    s.root.readonly = true;
    s.resources.memory = 512 << 20, s.resources.cpu_quota = 150000, s.resources.cpu_period = 100000,
    s.resources.pids = 200;
    s.resources.blkio_weight_device = {{"/dev/vda", 200}};
    s.sysctls = {{"net.core.somaxconn", "1024"}};
    s.init = true;
    Mount volume;
    volume.source = "/var/lib/davit/volumes/shop_data/_data", volume.destination = "/var/lib/postgresql",
    volume.subpath = "v17";
    s.mounts.push_back(volume);
    s.mounts.push_back(tmpfs_mount("/run/postgresql", "size=2m"));
    s.annotations = {{"org.example.team", "shop"}};
    return s;
}

// Of config-old-form.json.
Spec before() {
    Spec s = web();
    s.process.env = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "TZ=Europe/Berlin", "GREETING=häuser \"quoted\""};
    s.process.cwd = "/srv";
    s.process.user = {"web:adm", {"extra", "77"}};
    s.process.umask = 0027;
    s.process.terminal = true, s.process.stdin_open = true;
    s.process.rows = 24, s.process.columns = 80;
    s.process.rlimits = {{RLIMIT_NOFILE, 100, 200}};
    s.process.no_new_privileges = true;
    s.process.oom_score_adj = -7;
    s.process.apparmor_profile = "davit-default";
    s.root.readonly = true;
    s.domainname = "shop.test";
    s.resources.memory = 64 << 20, s.resources.reservation = 32 << 20, s.resources.swappiness = 10;
    s.resources.cpu_shares = 512, s.resources.cpu_quota = 150000, s.resources.cpu_period = 100000;
    s.resources.cpuset_cpus = "0-1", s.resources.pids = 33, s.resources.blkio_weight = 300;
    s.resources.blkio_weight_device = {{"/dev/vda", 200}};
    s.resources.read_bps = {{"/dev/vda", 1048576}};
    s.resources.hugepages = {{"2MB", 4194304}};
    s.resources.unified = {{"memory.high", "60000000"}};
    s.ns.pid = {NsMode::path, "/proc/7/ns/pid"}, s.ns.uts = {NsMode::host, ""};
    s.ns.private_cgroup = true;
    s.sysctls = {{"net.core.somaxconn", "777"}};
    s.mounts.pop_back();
    Mount data;
    data.source = "/var/lib/davit/volumes/data/_data", data.destination = "/data", data.subpath = "a/b",
    data.nosuid = true;
    data.propagation = Propagation::rslave;
    s.mounts.push_back(data);
    s.mounts.push_back(tmpfs_mount("/run", "size=2m,exec"));
    Mount image, peer;
    image.kind = Mount::Kind::overlay, image.destination = "/img", image.layers = {"/layers/b", "/layers/a"};
    image.readonly = true;
    s.mounts.push_back(image);
    peer.kind = Mount::Kind::peer, peer.source = "/dev/shm", peer.destination = "/dev/shm";
    s.mounts.push_back(peer);
    s.seccomp = {Seccomp::Kind::profile, "{\"defaultAction\": \"SCMP_ACT_ALLOW\"}\n", "/srv/shop/profile.json"};
    s.annotations = {{"org.example.team", "shop"}};
    s.init = true;
    return s;
}

void check_golden(const std::string& name, const Spec& spec) {
    const std::string text = to_json(spec);
    if (std::getenv("DAVIT_UPDATE_GOLDEN")) write_file_atomic(data_file(name), text, 0644, false);
    CHECK(text == read_file(data_file(name)));
    const Spec back = spec_from_json(text, name);
    CHECK(back == spec);
    CHECK(back.as_it_came.empty());
    CHECK(not_acted_on(back).empty());
}

} // namespace

TEST_CASE("containers of real projects have the golden text, and read back") {
    check_golden("config-web.json", web());
    check_golden("config-database.json", database());
    check_golden("config-before.json", before());
}

TEST_CASE("nothing that OCI has a word for stands in an annotation, too") {
    const auto document = nlohmann::json::parse(to_json(database()));
    const std::string own = document["annotations"].dump();
    for (const char* said : {"nginx", "postgres\"]", "/usr/share", "PATH", "somaxconn", "/var/lib/postgresql"})
        CHECK_MESSAGE(own.find(said) == std::string::npos, said);
    CHECK(document["annotations"]["dev.davit.process.user.name"] == "postgres");
    CHECK(document["annotations"]["dev.davit.init"] == "true");
}

TEST_CASE("what davit wrote before its fields had annotations of their own is read") {
    const Spec read = spec_from_json(read_file(data_file("config-old-form.json")), "config.json");
    CHECK(to_json(read) == to_json(before()));
    CHECK(read == before());
    CHECK(spec_from_json(to_json(read), "config.json") == read);
}

TEST_CASE("whatever stands in a Spec reads back to an equal one") {
    Spec s = web();
    s.annotations = {{"dev.davit.id", "the user's own"}, {"davit.spec", "{}"}, {"a.b", ""}};
    s.root.overlay = {{"/l/one"}, "", ""};
    s.ns.private_cgroup = false;
    s.ns.ipc = {NsMode::passed, ""};
    s.seccomp = {Seccomp::Kind::profile, "{}", "{\"inline\": 1}"};
    Mount nfs;
    nfs.kind = Mount::Kind::filesystem, nfs.type = "nfs4", nfs.source = ":/x", nfs.destination = "/n";
    nfs.data = "rw,sync,addr=10.0.0.1,ro", nfs.propagation = Propagation::shared, nfs.nosuid = true;
    s.mounts.push_back(nfs);
    Mount odd;
    odd.kind = Mount::Kind::overlay, odd.destination = "/odd", odd.source = "busybox:1", odd.subpath = "etc";
    odd.layers = {"/a:b", "/c,d", "/e\\f"};
    s.mounts.push_back(odd);
    Mount plain;
    plain.source = "/x", plain.destination = "/y", plain.recursive = false, plain.propagation = Propagation::priv;
    s.mounts.push_back(plain);
    CHECK(spec_from_json(to_json(s), "config.json") == s);
    s.seccomp = {Seccomp::Kind::unconfined, "", ""};
    s.root = {{}, "/a/directory", true};
    s.hooks.poststop = {{"/bin/h", {"h"}, {}, 3}};
    s.ns.user = {NsMode::fresh, ""};
    s.uid_mappings = {{0, 1000, 1}};
    CHECK(spec_from_json(to_json(s), "config.json") == s);
    CHECK(spec_from_json(to_json(Spec{}), "config.json") == Spec{});
    s.process.env = {"BROKEN=\xff"};
    CHECK_THROWS_AS(to_json(s), Error);
}
