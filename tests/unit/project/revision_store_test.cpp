// Revisions on disk: numbered, whole or not there, with contents that stand once.
#include "base/file.hpp"
#include "base/sys.hpp"
#include "davit/error.hpp"
#include "project/revision_store.hpp"
#include "scratch.hpp"

#include <cstdlib>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>

using namespace davit;
using davit::test::Scratch;

namespace {

Revision sample(int number) {
    Revision r;
    r.project = "shop";
    r.number = number;
    r.created = 1'790'000'000'123'456'789;
    r.command = "up";
    r.changes = {"web-1: create and start", "naïve \"\\\n"};
    r.working_dir = "/srv/shop";
    r.config_files = {"/srv/shop/compose.yaml"};
    r.scale = {{"web", 2}};
    r.images = {{"web", "web:1", "sha256:aa", "web@sha256:bb"}, {"", "tools:1", "sha256:cc", ""}};
    r.contents = {{RevisionContent::Kind::secret, "db", std::string(64, 'a'), 6, "DB_PASSWORD", ""}};
    r.model = "{\n  \"services\": {}\n}\n";
    return r;
}

mode_t permissions_of(const std::string& path) {
    struct stat st {};
    return ::stat(path.c_str(), &st) == 0 ? st.st_mode & 07777 : 0;
}

class Variable {
public:
    Variable(const char* name, const char* value) : name_(name) { ::setenv(name, value, 1); }
    Variable(const Variable&) = delete;
    ~Variable() { ::unsetenv(name_); }

private:
    const char* name_;
};

} // namespace

TEST_CASE("a revision comes back as it was written, and its list needs no model") {
    Scratch scratch;
    const RevisionStore store(scratch.roots(), "shop");
    CHECK(store.last() == 0);
    CHECK_FALSE(store.read(1));
    store.write(sample(1));
    store.write(sample(2));
    store.write(sample(10));
    CHECK(store.numbers() == std::vector<int>{1, 2, 10});
    CHECK(store.last() == 10);
    CHECK(*store.read(2) == sample(2));
    Revision head = sample(2);
    head.model.clear();
    CHECK(*store.head(2) == head);
    store.fail(10, "no such user");
    CHECK(store.has_failed(10));
    CHECK(store.head(10)->failed == "no such user");
    store.remove(10);
    CHECK_FALSE(store.has_failed(10));
    CHECK(owners_of_revisions(scratch.roots()) == std::vector<std::string>{"shop"});
    CHECK(permissions_of(store.directory() + "/1.revision") == 0600);
    CHECK(permissions_of(store.directory()) == 0700);
    store.remove_all();
    CHECK(owners_of_revisions(scratch.roots()).empty());
}

TEST_CASE("what a power failure tore, or a newer davit wrote, is passed over") {
    Scratch scratch;
    const RevisionStore store(scratch.roots(), "shop");
    store.write(sample(1));
    for (const char* text :
         {"", "{", "{\"number\":2,\"model_size\":3}\nab", "{\"number\":2,\"format\":99,\"model_size\":0}\n",
          "{\"number\":2,\"contents\":[{\"kind\":\"riddle\"}],\"model_size\":0}\n"}) {
        CAPTURE(text);
        write_file_atomic(store.directory() + "/2.revision", text, 0600, false);
        CHECK_FALSE(store.read(2));
        CHECK(store.heads().size() == 1);
        CHECK(store.last() == 2); // the number is taken all the same
    }
}

TEST_CASE("contents stand once, under a hash that only this machine can make, and go with their last revision") {
    Scratch scratch, other;
    const RevisionStore store(scratch.roots(), "shop");
    const std::string hash = store.hash("hunter2");
    CHECK(hash == store.hash("hunter2"));
    CHECK(hash == RevisionStore(scratch.roots(), "blog").hash("hunter2"));
    CHECK(hash != RevisionStore(other.roots(), "shop").hash("hunter2"));
    CHECK(permissions_of(RevisionPaths(scratch.roots()).key()) == 0600);

    Revision one = sample(1), two = sample(2);
    one.contents.front().hash = hash;
    two.contents.front().hash = store.hash("hunter3");
    store.keep_content(hash, "hunter2");
    store.keep_content(two.contents.front().hash, "hunter3");
    store.write(one);
    store.write(two);
    CHECK(store.content(hash) == "hunter2");
    CHECK(permissions_of(store.directory() + "/contents/" + hash) == 0600);
    CHECK(store.collect_contents() == 0);
    store.remove(1);
    CHECK(store.collect_contents() == 7);
    CHECK_FALSE(store.content(hash));
    CHECK(store.content(two.contents.front().hash) == "hunter3");
    write_file_atomic(store.directory() + "/contents/" + two.contents.front().hash, "hunt", 0600, false);
    CHECK_FALSE(store.content(two.contents.front().hash)); // torn
    CHECK_THROWS_AS((void)store.content("../../.key"), Error);
}

TEST_CASE("the last five are kept whole, or as many as DAVIT_REVISIONS says") {
    Scratch scratch;
    const RevisionStore store(scratch.roots(), "shop");
    for (int number = 1; number <= 8; ++number) store.write(sample(number));
    CHECK(store.keep() == 5);
    CHECK(store.kept().front().number == 4);
    {
        const Variable set("DAVIT_REVISIONS", "2");
        CHECK(store.kept().size() == 2);
        Revision said = sample(9);
        said.keep = *revisions_from_environment();
        store.write(said);
    }
    CHECK(store.keep() == 2); // whoever prunes later without the variable keeps to it
    for (const char* text : {"-1", "x", "3 ", "101"}) {
        const Variable set("DAVIT_REVISIONS", text);
        CHECK_THROWS_AS(revisions_from_environment(), Error);
    }
}

TEST_CASE("no owner is a path") {
    Scratch scratch;
    CHECK_THROWS_AS(RevisionStore(scratch.roots(), "../x"), Error);
    CHECK_THROWS_AS(RevisionStore(scratch.roots(), ""), Error);
}
