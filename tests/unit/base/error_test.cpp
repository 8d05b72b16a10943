#include "base/error.hpp"

#include <cerrno>
#include <doctest/doctest.h>

using namespace davit;

TEST_CASE("error: describe puts the place first, then each context, then the hint") {
    Error e = error(Errc::invalid_project, "unknown key '{}'", "imge");
    e.with_at({"compose.yaml", 3, 5})
        .with_context("reading service 'web'")
        .with_context("loading the project")
        .with_hint("did you mean 'image'?");
    CHECK(e.describe() ==
          "compose.yaml:3:5: unknown key 'imge'\n  while reading service 'web'\n  while loading the project\n"
          "  hint: did you mean 'image'?");
}

TEST_CASE("error: an unknown line or column is left out") {
    CHECK(error(Errc::failed, "x").with_at({"f", 0, 0}).describe() == "f: x");
    CHECK(error(Errc::failed, "x").with_at({"f", 7, 0}).describe() == "f:7: x");
    CHECK(error(Errc::failed, "x").with_at({"", 7, 1}).describe() == "x");
}

TEST_CASE("error: a system error carries errno, its text and the kind a caller can act on") {
    errno = EIO; // formatting must not be able to clobber what was passed
    Error e = sys_error(ENOENT, "opening {}", "/nowhere");
    CHECK(std::string(e.what()) == "opening /nowhere: No such file or directory");
    CHECK(e.kind() == Errc::not_found);
    CHECK(e.os().value() == ENOENT);
}

TEST_CASE("error: errno maps to what a caller can act on") {
    struct {
        int errnum;
        Errc kind;
    } table[] = {
        {ENOENT, Errc::not_found},   {ESRCH, Errc::not_found},          {EACCES, Errc::denied},
        {EPERM, Errc::denied},       {EEXIST, Errc::conflict},          {EADDRINUSE, Errc::conflict},
        {ENOSYS, Errc::unsupported}, {ECONNREFUSED, Errc::unavailable}, {EINTR, Errc::interrupted},
        {EIO, Errc::failed},
    };
    for (auto& row : table) CHECK(errc_of(row.errnum) == row.kind);
}

TEST_CASE("error: in_context adds to what leaves it and returns what the function returns") {
    CHECK(in_context("counting", [] { return 42; }) == 42);
    try {
        in_context("outer", [] { in_context("inner", [] { throw error(Errc::failed, "bad"); }); });
        FAIL("nothing was thrown");
    } catch (const Error& e) {
        CHECK(e.context() == std::vector<std::string>{"inner", "outer"});
    }
}

TEST_CASE("error: teardown runs every step and reports all failures") {
    ErrorList list;
    int ran = 0;
    list.run([&] {
        ++ran;
        throw error(Errc::conflict, "first");
    });
    list.run([&] { ++ran; });
    list.run([&] {
        ++ran;
        throw error(Errc::failed, "second");
    });
    CHECK(ran == 3);
    try {
        list.throw_if_any();
        FAIL("nothing was thrown");
    } catch (const Error& e) {
        CHECK(e.kind() == Errc::conflict);
        CHECK(e.describe() == "first\n  while also: second");
    }
    ErrorList none;
    none.throw_if_any();
    CHECK(none.empty());
}

TEST_CASE("an error without the passwords of URLs is else the same") {
    Error e = error(Errc::denied, "no: https://u:p@h/r");
    e.with_os({EACCES, std::generic_category()}).with_at({"f", 2, 3}).with_resource("image:x").with_exit_code(7);
    e.with_context("fetching https://t@h").with_hint("ask https://t@h");
    const Error out = without_userinfo(e);
    CHECK(out.describe() == "f:2:3: no: https://xxxxx:xxxxx@h/r\n  while fetching https://xxxxx@h\n"
                            "  hint: ask https://xxxxx@h");
    CHECK((out.kind() == Errc::denied && out.os().value() == EACCES && out.exit_code() == 7));
    CHECK(out.resource() == "image:x");
}
