#include "project/names.hpp"

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/sys.hpp"
#include "scratch.hpp"

#include <atomic>
#include <doctest/doctest.h>
#include <thread>
#include <unistd.h>
#include <vector>

using namespace davit;
using test::Scratch;

namespace {

struct Machine {
    Scratch scratch;
    RecordStore store{scratch.roots()};
    Machine() { make_roots(scratch.roots()); }
    NameIndex names() const { return NameIndex(scratch.roots()); }

    // As its supervisor makes it, without the claim.
    NameIndex::Holder container(const std::string& project, char digit, const std::string& name) {
        ContainerRecord r;
        r.id = std::string(64, digit);
        r.project = project;
        r.name = name;
        sys::make_dirs(ProjectPaths(scratch.roots(), project).container(r.id));
        store.write(r, false);
        return {project, r.id};
    }
    void remove(const NameIndex::Holder& who) {
        sys::remove_tree(ProjectPaths(scratch.roots(), who.project).container(who.id));
    }
    void carry_out(const NameIndex::Holder& who) { // a plan that names it
        const ProjectPaths paths(scratch.roots(), who.project);
        sys::make_dirs(paths.run);
        write_file_atomic(paths.journal(), "{\"plan\":\"… " + who.id + " …\"}", 0600, false);
    }
};

} // namespace

TEST_CASE("a name belongs to the container that claimed it, until it gives it back") {
    Machine m;
    const auto web = m.container("shop", 'a', "web"), other = m.container(".machine", 'b', "other");
    m.names().claim("web", web);
    m.names().claim("web", web); // again: a supervisor that goes on with its predecessor's plan
    CHECK(m.names().find("web") == web);
    CHECK_THROWS_WITH_AS(
        m.names().claim("web", other),
        doctest::Contains(("The container name \"/web\" is already in use by container \"" + web.id).c_str()), Error);
    m.names().release("web", other); // not its own
    CHECK(m.names().find("web") == web);
    m.names().release("web", web);
    CHECK(!m.names().find("web"));
    CHECK(!m.names().find("../web"));
    CHECK(!m.names().find(""));
}

TEST_CASE("what a crash leaves holds no name up") {
    Machine m;
    const NameIndex::Holder dead{"shop", std::string(64, 'd')};
    m.names().claim("web", dead);
    CHECK(!m.names().find("web"));
    SUBCASE("unless a plan that is carried out is about to make it") {
        m.carry_out(dead);
        CHECK_THROWS_AS(m.names().claim("web", m.container("blog", 'e', "web")), Error);
    }
    SUBCASE("the next one gets it") {
        const auto next = m.container("blog", 'e', "web");
        m.names().claim("web", next);
        CHECK(m.names().find("web") == next);
    }
    SUBCASE("a container that has another name by now does not have the old one") {
        const auto renamed = m.container("shop", 'd', "new");
        const auto next = m.container("blog", 'e', "web");
        m.names().claim("web", next);
        CHECK(m.names().find("web") == next);
        m.names().claim("new", renamed);
    }
}

TEST_CASE("of many who want a name at once one gets it") {
    Machine m;
    m.names().claim("web", {"shop", std::string(64, 'd')}); // left of a crash
    std::vector<NameIndex::Holder> all;
    for (char digit : std::string("0123456789")) all.push_back(m.container("p", digit, "web"));
    std::atomic<int> got = 0;
    {
        std::vector<std::jthread> threads;
        for (const auto& who : all)
            threads.emplace_back([&m, &got, who] {
                try {
                    m.names().claim("web", who);
                    ++got;
                } catch (const Error&) {}
            });
    }
    CHECK(got == 1);
}

TEST_CASE("ids are found by their beginning") {
    Machine m;
    const auto a = m.container("shop", 'a', "x"), b = m.container(".machine", 'b', "y");
    CHECK(m.names().by_prefix("a") == std::vector{a});
    CHECK(m.names().by_prefix(b.id) == std::vector{b});
    CHECK(m.names().by_prefix("c").empty());
    CHECK(m.names().by_prefix("").empty());
    CHECK(m.names().by_prefix("x/..").empty());
}

TEST_CASE("a long name has its place as well") {
    Machine m;
    const std::string name(1000, 'n');
    const auto who = m.container("shop", 'a', name);
    m.names().claim(name, who);
    CHECK(m.names().find(name) == who);
}

TEST_CASE("the index is made again from the records") {
    Machine m;
    const auto a = m.container("shop", 'a', "one"), b = m.container(".machine", 'b', "two");
    m.names().claim("gone", {"shop", std::string(64, 'c')});
    SUBCASE("once a boot by itself") {
        ::unlink((m.scratch.roots().names() + "/.boot").c_str());
        CHECK(m.names().find("one") == a);
        CHECK(m.names().find("two") == b);
    }
    SUBCASE("and by the doctor") {
        m.names().find("one");
        ::unlink((m.scratch.roots().names() + "/one").c_str());
        m.names().claim("gone", {"shop", std::string(64, 'c')});
        CHECK(m.names().wrong() == std::vector<std::string>{"one", "gone"});
        m.names().rebuild();
        CHECK(m.names().wrong().empty());
        CHECK(m.names().find("one") == a);
    }
}
