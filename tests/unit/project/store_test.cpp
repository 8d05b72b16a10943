#include "scratch.hpp"

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/programs.hpp"
#include "base/sys.hpp"

#include <cstdlib>
#include <doctest/doctest.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace davit;
using test::Scratch;

namespace {
mode_t mode_of(const std::string& path) {
    struct stat st {};
    return ::stat(path.c_str(), &st) == 0 ? st.st_mode & 07777 : 0;
}

// As the create operation does: staging/<id> becomes containers/<id>.
void take_over(const RecordStore& store, const ContainerRecord& r) {
    ProjectPaths paths(store.roots(), r.project);
    store.stage(r);
    sys::make_dirs(paths.containers());
    sys::make_dirs(paths.run_container(r.id));
    REQUIRE(::rename(paths.staging(r.id).c_str(), paths.container(r.id).c_str()) == 0);
}
} // namespace

TEST_CASE("the roots are private even where they stood open") {
    Scratch scratch;
    for (const auto& dir : {scratch.roots().state, scratch.roots().run}) ::mkdir(dir.c_str(), 0755);
    make_roots(scratch.roots());
    CHECK(mode_of(scratch.roots().state) == 0700);
    CHECK(mode_of(scratch.roots().run) == 0700);
    CHECK(mode_of(scratch.roots().volumes()) == 0700);
}

TEST_CASE("a staged container is no container until it is taken over") {
    Scratch scratch;
    RecordStore store(scratch.roots());
    auto r = test::sample_container();
    store.stage(r);
    CHECK(store.containers("shop").empty());
    take_over(store, r);
    REQUIRE(store.containers("shop").size() == 1);
    CHECK(store.containers("shop")[0] == r);
    r.generation = 8;
    store.write(r);
    CHECK(store.container("shop", r.id)->generation == 8);
    CHECK(mode_of(ProjectPaths(store.roots(), "shop").record(r.id)) == 0600);
}

TEST_CASE("half-made containers and foreign files are not listed") {
    Scratch scratch;
    RecordStore store(scratch.roots());
    ProjectPaths paths(store.roots(), "shop");
    sys::make_dirs(paths.container(std::string(64, 'b')));
    sys::make_dirs(paths.containers() + "/lost+found");
    write_file_atomic(paths.containers() + "/record.json", "{}");
    CHECK(store.containers("shop").empty());
}

TEST_CASE("a status whose process is gone is exited with the code the shim recorded") {
    Scratch scratch;
    RecordStore store(scratch.roots());
    auto r = test::sample_container();
    r.restart = {};
    take_over(store, r);
    ContainerStatus s;
    s.id = r.id;
    s.state = ContainerState::running;
    s.pid = ::getpid();
    s.pid_start = sys::start_time(s.pid);
    s.started_at = 100;
    store.write("shop", s);
    CHECK(store.status(r) == s);
    s.pid_start += 1; // the number was given to somebody else
    store.write("shop", s);
    CHECK(store.status(r).state == ContainerState::exited);
    CHECK_FALSE(store.status(r).exit_known);
    std::string exit_file = ProjectPaths(store.roots(), "shop").exit_file(r.id);
    auto leave = [&](std::uint64_t start, const char* rest) {
        write_file_atomic(exit_file, fmt::format(R"({{"pid":{},"start_time":{},{}}})", s.pid, start, rest));
    };
    leave(s.pid_start, R"("code":137,"oom":true,"finished_ns":200)");
    CHECK(store.status(r).exit_known);
    CHECK(store.status(r).exit_code == 137);
    CHECK(store.status(r).oom_killed);
    leave(s.pid_start - 5, R"("code":3,"finished_ns":300)"); // of the run before
    CHECK_FALSE(store.status(r).exit_known);
    leave(s.pid_start, R"("code":3,"finished_ns":1)"); // the clock was set back while it ran
    CHECK(store.status(r).exit_known);
    CHECK(store.status(r).exit_code == 3);
}

TEST_CASE("a container that its policy starts again is restarting from the end of its process on") {
    Scratch scratch;
    RecordStore store(scratch.roots());
    auto r = test::sample_container();
    r.desired = DesiredState::running;
    take_over(store, r);
    ContainerStatus s;
    s.id = r.id;
    s.state = ContainerState::running;
    s.pid = ::getpid();
    s.pid_start = sys::start_time(s.pid) + 1;
    s.started_at = 100;
    s.restart_count = 2;
    store.write("shop", s);
    write_file_atomic(
        ProjectPaths(store.roots(), "shop").exit_file(r.id),
        fmt::format(R"({{"pid":{},"start_time":{},"code":3,"known":true,"finished_ns":200}})", s.pid, s.pid_start));
    auto state = [&](RestartKind kind, int retries) {
        r.restart = {kind, retries};
        return store.status(r).state;
    };
    CHECK(state(RestartKind::always, 0) == ContainerState::restarting);
    CHECK(state(RestartKind::unless_stopped, 0) == ContainerState::restarting);
    CHECK(state(RestartKind::on_failure, 0) == ContainerState::restarting);
    CHECK(state(RestartKind::on_failure, 3) == ContainerState::restarting);
    CHECK(state(RestartKind::on_failure, 2) == ContainerState::exited);
    CHECK(state(RestartKind::no, 0) == ContainerState::exited);
    r.desired = DesiredState::stopped;
    CHECK(state(RestartKind::always, 0) == ContainerState::exited);
}

TEST_CASE("without a status a container is created, or exited if it was meant to run before the reboot") {
    Scratch scratch;
    RecordStore store(scratch.roots());
    auto r = test::sample_container();
    CHECK(store.status(r).state == ContainerState::exited);
    CHECK_FALSE(store.status(r).exit_known);
    r.desired = DesiredState::created;
    CHECK(store.status(r).state == ContainerState::created);
}

TEST_CASE("how the last run ended is known after a reboot") {
    Scratch scratch;
    RecordStore store(scratch.roots());
    auto r = test::sample_container();
    sys::make_dirs(ProjectPaths(store.roots(), r.project).container(r.id), 0700);
    ContainerStatus s;
    s.id = r.id;
    s.state = ContainerState::restarting;
    s.exit_code = 3;
    s.finished_at = 77;
    s.restart_count = 2;
    s.next_restart = 99;
    store.write_last_run(r.project, s);
    CHECK_FALSE(store.has_status(r));
    CHECK(store.status(r).state == ContainerState::exited);
    CHECK(store.status(r).exit_known);
    CHECK(store.status(r).exit_code == 3);
    CHECK(store.status(r).finished_at == 77);
    CHECK(store.status(r).restart_count == 2);
    CHECK(store.status(r).next_restart == 0);
    store.drop_last_run(r); // the next one has begun
    CHECK_FALSE(store.status(r).exit_known);
}

TEST_CASE("a volume keeps its data and its first record when it is created again") {
    Scratch scratch;
    RecordStore store(scratch.roots());
    VolumeRecord v;
    v.name = "shop_data";
    v.project = "shop";
    store.create(v);
    write_file_atomic(store.roots().volume_data("shop_data") + "/f", "kept");
    v.labels = {{"new", "label"}};
    store.create(v);
    CHECK(read_file(store.roots().volume_data("shop_data") + "/f") == "kept");
    CHECK(store.volume("shop_data")->labels.empty());
    CHECK(mode_of(store.roots().volume_data("shop_data")) == 0755);
    CHECK(store.volumes().size() == 1);
    store.remove_volume("shop_data");
    CHECK(store.volumes().empty());
    CHECK_FALSE(exists(scratch.roots().volumes() + "/shop_data"));
    store.remove_volume("shop_data"); // missing is fine
}

TEST_CASE("networks and projects are found by name and in lists") {
    Scratch scratch;
    RecordStore store(scratch.roots());
    CHECK(store.networks().empty());
    NetworkRecord n;
    n.name = "shop_default";
    store.write(n);
    CHECK(store.network("shop_default") == n);
    CHECK(store.networks().size() == 1);
    store.remove_network("shop_default");
    CHECK_FALSE(store.network("shop_default"));
    ProjectRecord p;
    p.name = "shop";
    p.working_dir = "/srv/shop";
    store.write(p);
    CHECK(store.projects() == std::vector{p});
    store.remove_project("shop");
    CHECK(store.projects().empty());
    CHECK_FALSE(exists(scratch.roots().projects() + "/shop"));
}

TEST_CASE("a staged network or volume stays until it is dropped") {
    Scratch scratch;
    RecordStore store(scratch.roots());
    NetworkRecord n;
    n.name = "shop_default";
    VolumeRecord v;
    v.name = "shop_default";
    store.stage("shop", n);
    store.stage("shop", v);
    CHECK(store.staged_network("shop", "shop_default") == n);
    CHECK(store.staged_network("shop", "shop_default") == n);
    store.drop_staged_network("shop", "shop_default");
    CHECK_FALSE(store.staged_network("shop", "shop_default"));
    CHECK(store.staged_volume("shop", "shop_default") == v);
    store.drop_staged_volume("shop", "shop_default");
    CHECK_FALSE(store.staged_volume("shop", "shop_default"));
    CHECK(store.networks().empty());
}

TEST_CASE("names that would leave their directory are refused") {
    Scratch scratch;
    RecordStore store(scratch.roots());
    for (const char* name : {"", "..", ".", "a/b", "../x", "a\nb", "-x", "a b"}) {
        CAPTURE(name);
        CHECK_THROWS_AS(store.network(name), Error);
        CHECK_THROWS_AS(store.roots().volume_data(name), Error);
        CHECK_THROWS_AS(ProjectPaths(store.roots(), name), Error);
    }
}

TEST_CASE("a program is looked for in DAVIT_LIBEXEC and its absence names the places") {
    Scratch scratch;
    ::setenv("DAVIT_LIBEXEC", scratch.path().c_str(), 1);
    write_file_atomic(scratch.path() + "/davit-test-program", "", 0700);
    CHECK(find_program("davit-test-program") == scratch.path() + "/davit-test-program");
    try {
        find_program("davit-no-such-program");
        FAIL("found");
    } catch (const Error& e) {
        CHECK(e.kind() == Errc::not_found);
        CHECK(std::string(e.what()).find(scratch.path()) != std::string::npos);
    }
    Scratch chosen; // by an embedder: it wins
    write_file_atomic(chosen.path() + "/davit-test-program", "", 0700);
    name_programs(chosen.path());
    CHECK(find_program("davit-test-program") == chosen.path() + "/davit-test-program");
    name_programs("");
    CHECK(find_program("davit-test-program") == scratch.path() + "/davit-test-program");
    ::unsetenv("DAVIT_LIBEXEC");
}

TEST_CASE("a record that a power failure tore counts as not written") {
    Scratch scratch;
    RecordStore store(scratch.roots());
    ContainerRecord c;
    c.id = std::string(64, 'a');
    c.name = "shop-web-1";
    c.project = "shop";
    store.stage(c);
    const ProjectPaths paths(store.roots(), "shop");
    sys::make_dirs(paths.containers(), 0700);
    REQUIRE(::rename(paths.staging(c.id).c_str(), paths.container(c.id).c_str()) == 0);
    ProjectRecord p;
    p.name = "shop";
    store.write(p);
    REQUIRE(store.containers("shop").size() == 1);
    REQUIRE(store.project("shop"));
    for (const std::string& torn : {std::string(), std::string(4096, '\0'), "{\"format\":1" + std::string(100, '\0')}) {
        CAPTURE(torn.size());
        write_file_in_place(paths.record(c.id), torn, 0600);
        write_file_in_place(paths.project_file(), torn, 0600);
        CHECK(store.containers("shop").empty());
        CHECK_FALSE(store.container("shop", c.id));
        CHECK_FALSE(store.project("shop"));
        CHECK(store.projects().empty());
    }
    write_file_in_place(paths.record(c.id), "not JSON", 0600); // nobody's power failed here
    CHECK_THROWS_AS(store.container("shop", c.id), Error);
}

TEST_CASE("a root is refused where another user could change it, and taken where only root can") {
    char name[] = "/tmp/davit-roots-XXXXXX";
    REQUIRE(::mkdtemp(name) != nullptr);
    const std::string top = name, state = top + "/state";
    Roots roots = Roots::from_environment();
    roots.state = state;
    roots.run = top + "/run";
    CHECK_NOTHROW(check_roots(roots)); // it is made
    REQUIRE(::mkdir(state.c_str(), 0700) == 0);
    CHECK_NOTHROW(check_roots(roots));
    ::chmod(state.c_str(), 0777);
    CHECK_THROWS_AS(check_roots(roots), Error);
    ::chmod(state.c_str(), 01777); // a fresh tmpfs
    CHECK_NOTHROW(check_roots(roots));
    if (::geteuid() == 0) {
        REQUIRE(::mkdir((state + "/projects").c_str(), 0700) == 0);
        REQUIRE(::chown((state + "/projects").c_str(), 1234, 1234) == 0);
        CHECK_THROWS_AS(check_roots(roots), Error); // somebody was there first
        ::rmdir((state + "/projects").c_str());
        ::chmod(state.c_str(), 0700);
        REQUIRE(::chown(state.c_str(), 1234, 0) == 0);
        CHECK_THROWS_AS(check_roots(roots), Error);
    }
    roots.state = "relative";
    CHECK_THROWS_AS(check_roots(roots), Error);
    ::rmdir(state.c_str());
    ::rmdir(top.c_str());
}
