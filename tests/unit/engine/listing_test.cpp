#include "engine/listing.hpp"

#include "../project/scratch.hpp"
#include "base/file.hpp"
#include "base/sys.hpp"
#include "project/store.hpp"

#include <doctest/doctest.h>

using namespace davit;
using test::Scratch;

namespace {

ListedContainer full(char digit) {
    ListedContainer c;
    c.record = {1, 2, 3};
    c.status = {4, 5, 6};
    c.pid_start = 7;
    c.hook = true;
    ContainerInfo& i = c.info;
    i.id = std::string(64, digit);
    i.name = "web";
    i.project = "shop";
    i.service = "s";
    i.number = 2;
    i.oneoff = i.auto_remove = i.oom_killed = i.tty = i.open_stdin = true;
    i.image = "busybox";
    i.image_id = "sha256:x";
    i.config_hash = "h";
    i.labels = {{"a", "b"}, {"c", ""}};
    i.command = {"sh", "-c", ""};
    i.created = 8;
    i.state = ContainerState::paused;
    i.health = Health::unhealthy;
    i.failing_streak = 9;
    i.pid = 10;
    i.started_at = 11;
    i.finished_at = 12;
    i.exit_code = 13;
    i.exit_known = false;
    i.error = "why";
    i.restart_count = 14;
    i.network_mode = "bridge";
    i.networks = {{"n", "k", "10.0.0.2", "fd00::2", "02:00", {"x", "y"}}};
    i.ports = {{"127.0.0.1", 80, 8080, "udp"}};
    i.expose = {"80/tcp"};
    i.mounts = {{"volume", "v", "/s", "/t", true, true}};
    i.log_driver = "local";
    i.log_path = "/l";
    return c;
}

} // namespace

TEST_CASE("every member of a listed container is kept") {
    // A new member: it belongs into fields() of listing.cpp, and into full().
    static_assert(sizeof(void*) != 8 || sizeof(ContainerInfo) == 592);
    const ListedContainer c = full('a');
    CHECK(decode_listed(encode(c)) == c);
    CHECK(decode_listed(encode({})) == ListedContainer());
    CHECK(c.info != ContainerInfo());
}

TEST_CASE("a listing that is cut short, or too long, is none") {
    const std::string text = encode(full('a'));
    for (std::size_t size = 0; size < text.size(); ++size) CHECK_FALSE(decode_listed(text.substr(0, size)));
    CHECK_FALSE(decode_listed(text + "x"));
}

TEST_CASE("what is listed is found as long as its files are as they were") {
    Scratch scratch;
    const Roots roots = scratch.roots();
    sys::make_dirs(ProjectPaths(roots, "shop").run, 0700);
    const ListedContainer a = full('a'), b = full('b');
    {
        Listing first(roots, "shop");
        CHECK_FALSE(first.find(a.info.id, a.record, a.status));
        first.add(a);
        first.add(b);
        first.write();
    }
    Listing next(roots, "shop");
    CHECK(next.find(a.info.id, a.record, a.status) == a);
    CHECK(next.find(b.info.id, b.record, b.status) == b);
    CHECK_FALSE(next.find(a.info.id, b.status, a.status));
    CHECK_FALSE(next.find(a.info.id, a.record, FileStamp()));
    next.add(b);
    next.write();
    CHECK_FALSE(Listing(roots, "shop").find(a.info.id, a.record, a.status));
    write_file_atomic(ProjectPaths(roots, "shop").listing(), "davit 0 listing 1\nrubbish");
    CHECK_FALSE(Listing(roots, "shop").find(b.info.id, b.record, b.status));
}

TEST_CASE("a file's stamp changes with what it holds") {
    Scratch scratch;
    const std::string file = scratch.path() + "/f";
    CHECK(FileStamp::of(file) == FileStamp());
    write_file_atomic(file, "one");
    const FileStamp one = FileStamp::of(file);
    write_file_atomic(file, "two");
    CHECK(FileStamp::of(file) != one);
}
