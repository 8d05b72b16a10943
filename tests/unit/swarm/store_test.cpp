#include "scratch.hpp"

#include "base/error.hpp"
#include "base/file.hpp"

#include <doctest/doctest.h>
#include <sys/stat.h>

using namespace davit;
using namespace davit::swarm;
using swarm::test::Scratch;

namespace {
std::string id_of(char c) { return c + std::string(24, '0'); }

Task full_task() {
    Task t;
    t.id = id_of('t');
    t.service_id = id_of('a');
    t.slot = 2;
    t.spec_version = 3;
    t.template_version = 4;
    t.job_iteration = 5;
    t.image = "busybox:latest";
    t.created_at = 6;
    t.updated_at = 7;
    t.desired = TaskState::shutdown;
    t.state = TaskState::failed;
    t.state_since = 8;
    t.message = "started";
    t.error = "task: non-zero exit (1)";
    t.exit_code = 1;
    t.container_id = std::string(64, 'c');
    t.start_after = 9;
    t.node_id = id_of('n');
    t.running_at = 10;
    t.restarts = 11;
    t.by_update = true;
    return t;
}

mode_t mode_of(const std::string& path) {
    struct stat st {};
    return ::stat(path.c_str(), &st) == 0 ? st.st_mode & 07777 : 0;
}
} // namespace

TEST_CASE("services and tasks stand as they were written, private") {
    Scratch scratch;
    Store store(scratch.roots());
    CHECK(store.services().empty());
    const Service web = swarm::test::full_service();
    Service api = web;
    api.id = id_of('b');
    api.spec.name = "x_api";
    api.project = services_project;
    store.write(web);
    store.write(api, false);
    CHECK(store.service(web.id) == web);
    REQUIRE(store.services().size() == 2);
    CHECK(store.services()[0] == api); // by name
    CHECK(store.services_of("stack.x") == std::vector<Service>{web});
    CHECK(mode_of(store.paths().service(web.id)) == 0600);
    CHECK(mode_of(store.paths().service_dir(web.id)) == 0700);

    Service going = api; // nobody but its supervisor sees it
    going.removed_at = 1;
    store.write(going, false);
    CHECK(store.services() == std::vector<Service>{web});
    CHECK(store.services_of(services_project) == std::vector<Service>{going});

    Task task = full_task(), older = task;
    older.id = id_of('z');
    older.created_at = 1;
    for (const Task& t : {task, older}) store.write(t);
    CHECK(store.tasks(web.id) == std::vector<Task>{older, task});
    CHECK(store.task(web.id, task.id) == task);
    store.remove_task(web.id, older.id);
    CHECK_FALSE(store.task(web.id, older.id));
    store.remove_service(web.id);
    CHECK_FALSE(store.service(web.id));
    CHECK_FALSE(exists(store.paths().service_dir(web.id)));
    CHECK(store.tasks(web.id).empty());
}

TEST_CASE("what is remembered of services is what stands in their files now") {
    Scratch scratch;
    Store writer(scratch.roots()), reader(scratch.roots(), make_service_memory());
    Service service;
    service.id = id_of('a');
    service.spec.name = "web";
    writer.write(service);
    CHECK(reader.services().at(0) == service);
    CHECK(reader.services().at(0) == service);
    for (std::uint64_t version = 2; version < 50; ++version) { // the same size, within one tick of the clock
        service.version = version % 10;
        writer.write(service);
        CHECK(reader.service(service.id) == service);
    }
    writer.remove_service(service.id);
    CHECK(reader.services().empty());
    CHECK_FALSE(reader.service(service.id));
}

TEST_CASE("every state of a task has a name that reads back") {
    for (int n : {0, 64, 192, 256, 320, 384, 448, 512, 576, 640, 704, 768, 800, 832}) {
        Task t = full_task();
        t.state = static_cast<TaskState>(n);
        CHECK(task_from_json(to_json(t), "x") == t);
    }
    CHECK_THROWS_AS(task_from_json(R"({"state":"bogus"})", "x"), Error);
}

TEST_CASE("configs and secrets keep any bytes, apart from each other") {
    Scratch scratch;
    Store store(scratch.roots());
    Config file;
    file.id = id_of('f');
    file.version = 2;
    file.created_at = 3;
    file.updated_at = 4;
    file.spec = {"c1", {{"a", "b"}}, std::string("\0\xff\n", 3), "golang", "vault"};
    store.write(FileKind::secret, file);
    CHECK(store.files(FileKind::config).empty());
    CHECK(store.file(FileKind::secret, file.id) == file);
    CHECK(mode_of(store.paths().secrets() + "/" + file.id + ".json") == 0600);
    store.remove_file(FileKind::secret, file.id);
    CHECK(store.files(FileKind::secret).empty());
}

TEST_CASE("the node stands as it was written, and goes") {
    Scratch scratch;
    Store store(scratch.roots());
    CHECK_FALSE(store.node());
    const Node node{1, id_of('n'), 9, 1, 2, {{"zone", "a"}}, "host", "worker", "drain", true, "c", "w", "m"};
    store.write(node);
    CHECK(store.node() == node);
    store.remove_node();
    store.remove_node();
    CHECK_FALSE(store.node());
}

TEST_CASE("half-made entries are passed over, and no id leads out of the store") {
    Scratch scratch;
    Store store(scratch.roots());
    const Service web = swarm::test::full_service();
    store.write(web);
    sys::make_dirs(store.paths().service_dir(id_of('h')) + "/templates/1"); // its record is not written yet
    sys::make_dirs(store.paths().service_dir("strange"));
    sys::make_dirs(store.paths().service_dir(id_of('e')));
    write_file_atomic(store.paths().service(id_of('e')), "");
    sys::make_dirs(store.paths().tasks(web.id));
    write_file_atomic(store.paths().tasks(web.id) + "/x.json.tmp", "{");
    CHECK(store.services().size() == 1);
    CHECK(store.tasks(web.id).empty());
    for (const char* bad : {"", "..", "../../etc", "A000000000000000000000000"}) {
        CHECK_THROWS_AS(store.service(bad), Error);
        Service service;
        service.id = bad;
        CHECK_THROWS_AS(store.write(service, false), Error);
        Task task;
        task.service_id = bad;
        task.id = id_of('t');
        CHECK_THROWS_AS(store.write(task, false), Error);
        CHECK_THROWS_AS(store.tasks(bad), Error);
        CHECK_THROWS_AS(store.remove_service(bad), Error);
        CHECK_THROWS_AS(store.file(FileKind::config, bad), Error);
    }
}

TEST_CASE("a record of a newer davit is refused, with its file's name") {
    CHECK_THROWS_WITH_AS(service_from_json(R"({"format":2})", "/x/service.json"),
                         doctest::Contains("/x/service.json was written by a newer davit"), Error);
    CHECK(service_from_json("{}", "x") == Service{});
}
