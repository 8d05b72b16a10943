#include "lab.hpp"

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/process.hpp"
#include "runtime/defaults.hpp"
#include "runtime/oci/document.hpp"
#include "runtime/shim_client.hpp"
#include "runtime/steps.hpp"

#include <cstdlib>
#include <doctest/doctest.h>
#include <filesystem>
#include <poll.h>
#include <sstream>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

namespace davit::test {

namespace {

constexpr char busybox[] = "/bin/busybox";

const std::string& image() {
    static const std::string root = [] {
        std::string dir = "/tmp/image";
        for (const char* sub : {"bin", "etc", "tmp", "root", "proc", "sys", "dev"})
            sys::make_dirs(dir + "/" + sub, 0755);
        ::chmod((dir + "/tmp").c_str(), 01777);
        std::filesystem::copy_file(busybox, dir + "/bin/busybox");
        SpawnOptions list;
        list.argv = {busybox, "--list"};
        std::istringstream names(run(list).out);
        for (std::string name; std::getline(names, name);)
            if (name != "busybox") std::filesystem::create_symlink("busybox", dir + "/bin/" + name);
        for (const char* file : {"hosts", "hostname", "resolv.conf"}) write_file_in_place(dir + "/etc/" + file, "");
        write_file_in_place(dir + "/etc/passwd", "root:x:0:0:root:/root:/bin/sh\n");
        write_file_in_place(dir + "/etc/group", "root:x:0:\n");
        return dir;
    }();
    return root;
}

const runtime::HostFacts& host() {
    static const runtime::HostFacts facts = runtime::HostFacts::probe();
    return facts;
}

runtime::CompileOptions compile_options() {
    runtime::CompileOptions o;
    o.bpf_cache_dir = "/tmp/bpf";
    return o;
}

void bind_file(runtime::Spec& spec, const std::string& source, const std::string& destination) {
    runtime::Mount m;
    m.source = source;
    m.destination = destination;
    runtime::add_mount(spec, m);
}

std::string exec_steps(const runtime::Spec& spec, const std::vector<std::string>& args) {
    runtime::ExecSpec e = runtime::exec_spec(spec);
    e.process.args = args;
    return runtime::compile_exec(e, host(), compile_options());
}

std::vector<std::string> health_command(const std::vector<std::string>& test) {
    if (test[0] == "CMD-SHELL") return {"/bin/sh", "-c", test.at(1)};
    return {test.begin() + 1, test.end()};
}

} // namespace

void need_machine() {
    if (::geteuid() == 0 && std::getenv("DAVIT_PRIVATE_HOST") && exists(busybox)) return;
    MESSAGE("needs root, a private host and a static busybox");
    std::_Exit(77);
}

std::string shell(const std::string& script) {
    SpawnOptions o;
    o.argv = {"/bin/sh", "-c", script};
    Output r = run(o);
    INFO(script);
    INFO(r.err);
    CHECK(r.status.code == 0);
    return r.out;
}

int PlanMaker::add(OpKind kind, const std::string& container, Ids after, std::function<void(Operation&)> edit) {
    Operation op;
    op.id = static_cast<int>(plan.operations.size()) + 1;
    op.kind = kind;
    op.container_id = container;
    op.after = std::move(after);
    if (edit) edit(op);
    plan.operations.push_back(op);
    return op.id;
}

int PlanMaker::network(OpKind kind, const std::string& name, Ids after) {
    return add(kind, "", std::move(after), [&](Operation& op) { op.network = name; });
}

Lab::Lab(const std::string& name)
    : roots{"/var/lib/davit", "/run/davit"}, project(name), paths(roots, name), store(roots) {
    need_machine();
    ::setenv("DAVIT_LIBEXEC", DAVIT_BINARIES, 1);
    make_roots(roots);
}

Lab::~Lab() {
    try {
        down();
    } catch (const Error& e) {
        MESSAGE("taking the project down: " << e.describe());
    }
}

Lab::Edit Lab::on_no_network() {
    return [](ContainerRecord& r, runtime::Spec&) {
        r.network_mode = "none";
        r.endpoints.clear();
    };
}

void Lab::stage_network(const std::string& name, const std::function<void(NetworkRecord&)>& edit) {
    NetworkRecord n;
    n.name = name;
    n.project = project;
    if (edit) edit(n);
    store.stage(project, n);
}

std::string Lab::add(const std::string& name, const std::string& script, const Edit& edit) {
    ContainerRecord r;
    r.id = sys::random_hex(64);
    r.name = project + "-" + name + "-1";
    r.project = project;
    r.service = name;
    r.stop_grace = 0;
    r.cgroup = "davit/" + project + "/" + r.id;
    EndpointRecord e;
    e.network = project + "_default";
    e.aliases = {name};
    r.endpoints = {e};
    runtime::Spec spec = runtime::default_spec();
    spec.id = r.id;
    spec.cgroup = r.cgroup;
    spec.process.args = {"/bin/sh", "-c", script};
    spec.process.env = {"PATH=/bin"};
    spec.hostname = r.id.substr(0, 12);
    spec.ns.net.mode = runtime::NsMode::passed;
    std::string dir = paths.container(r.id);
    spec.root.overlay = {{image()}, dir + "/upper", dir + "/work"};
    bind_file(spec, paths.hosts(r.id), "/etc/hosts");
    bind_file(spec, paths.resolv_conf(r.id), "/etc/resolv.conf");
    bind_file(spec, paths.hostname(r.id), "/etc/hostname");
    if (edit) edit(r, spec);
    store.stage(r);
    std::string staging = paths.staging(r.id);
    for (const char* sub : {"/upper", "/work", "/log"}) sys::make_dirs(staging + sub, 0755);
    write_file_atomic(staging + "/config.json", runtime::to_json(spec), 0600, false);
    write_file_atomic(staging + "/plan.bin", runtime::compile(spec, host(), compile_options()), 0600, false);
    if (r.healthcheck)
        write_file_atomic(staging + "/health.bin", exec_steps(spec, health_command(r.healthcheck->test)), 0600, false);
    for (std::size_t i = 0; i < r.post_start.size(); ++i)
        write_file_atomic(fmt::format("{}/post_start.{}.bin", staging, i), exec_steps(spec, r.post_start[i].command),
                          0600, false);
    for (std::size_t i = 0; i < r.pre_stop.size(); ++i)
        write_file_atomic(fmt::format("{}/pre_stop.{}.bin", staging, i), exec_steps(spec, r.pre_stop[i].command), 0600,
                          false);
    staged.push_back(r.id);
    all.push_back(r.id);
    return r.id;
}

Plan Lab::up_plan(bool start) {
    PlanMaker maker(project);
    Ids before;
    if (!has_network) {
        stage_network(project + "_default");
        before.push_back(maker.network(OpKind::create_network, project + "_default"));
        has_network = true;
    }
    for (const auto& id : std::exchange(staged, {})) {
        int created = maker.add(OpKind::create_container, id, before);
        if (start) maker.add(OpKind::start_container, id, {created});
    }
    return maker.plan;
}

void Lab::apply(const Plan& plan) {
    auto client = SupervisorClient::connect_or_start(roots, project);
    client.apply(plan, [this](const Event& e) { events.push_back(e); });
}

void Lab::one(OpKind kind, const std::string& id, const std::function<void(Operation&)>& edit) {
    PlanMaker maker(project);
    maker.add(kind, id, {}, edit);
    apply(maker.plan);
}

Plan Lab::down_plan() const {
    PlanMaker maker(project);
    Ids removed;
    for (const auto& r : store.containers(project)) {
        int stopped = maker.add(OpKind::stop_container, r.id);
        removed.push_back(maker.add(OpKind::remove_container, r.id, {stopped},
                                    [](Operation& op) { op.force = op.remove_volumes = true; }));
    }
    for (const auto& n : store.networks())
        if (n.project == project) maker.network(OpKind::remove_network, n.name, removed);
    return maker.plan;
}

ContainerRecord Lab::record(const std::string& id) const {
    auto r = store.container(project, id);
    if (!r) throw error(Errc::not_found, "no container {}", id);
    return *r;
}

std::string Lab::log(const std::string& id) const { return read_file_if_exists(paths.log(id)).value_or(""); }

std::string Lab::out(const std::string& id, const std::string& file) const {
    return read_file_if_exists(paths.container(id) + "/upper" + file).value_or("");
}

void Lab::until(const char* what, const std::function<bool()>& holds) const {
    for (int i = 0; i < 5000; ++i) {
        if (holds()) return;
        ::poll(nullptr, 0, 2); // what is waited for has no descriptor: a file, a process of somebody else
    }
    FAIL("waited 10 s for: " << std::string(what));
}

int Lab::supervisor_pid() const {
    try {
        return sys::peer_of(sys::connect_unix(paths.supervisor_socket(), SOCK_STREAM).get()).pid;
    } catch (const Error&) {
        return 0;
    }
}

int Lab::shim_pid(const std::string& id) const {
    auto shim = runtime::ShimConnection::connect(paths.run_container(id));
    if (!shim) return 0;
    shim->status();
    return shim->wait_for<runtime::ShimStatus>(std::chrono::seconds(5)).shim_pid;
}

bool Lab::saw(EventKind kind, const std::string& id) const {
    for (const auto& e : events)
        if (e.kind == kind && (id.empty() || e.container_id == id)) return true;
    return false;
}

} // namespace davit::test
