#include "base/dir_chain.hpp"
#include "base/error.hpp"
#include "base/file.hpp"
#include "base/sys.hpp"
#include "tests/support/temp_dir.hpp"

#include <cerrno>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <sched.h>
#include <string>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>

using namespace davit;

namespace {

// As on a machine whose limit was not raised.
struct FewDescriptors {
    rlimit before{};
    FewDescriptors() {
        ::getrlimit(RLIMIT_NOFILE, &before);
        rlimit few{40, before.rlim_max};
        ::setrlimit(RLIMIT_NOFILE, &few);
    }
    ~FewDescriptors() { ::setrlimit(RLIMIT_NOFILE, &before); }
};

void make_deep(const std::string& top, int levels, const std::string& name) {
    sys::make_dirs(top);
    UniqueFd here = sys::open(top, O_PATH | O_DIRECTORY);
    for (int i = 0; i < levels; ++i) {
        REQUIRE(::mkdirat(here.get(), name.c_str(), 0755) == 0);
        here = sys::open_at(here.get(), name, O_PATH | O_DIRECTORY);
    }
    sys::open_at(here.get(), "last", O_WRONLY | O_CREAT);
}

} // namespace

TEST_CASE("tree: any depth is removed, with few descriptors") {
    test::TempDir dir;
    FewDescriptors few;
    make_deep(dir / "tree", 2000, "d");
    make_deep(dir / "tree/wide", 60, std::string(255, 'n'));
    for (int i = 0; i < 300; ++i) sys::make_dirs(dir / "tree/wide/" + std::to_string(i) + "/x/y");
    sys::remove_tree(dir / "tree");
    CHECK_FALSE(exists(dir / "tree"));
}

TEST_CASE("tree: removing stays on its side of a mount, says why something is left, and removes the rest") {
    if (::geteuid() != 0) return;
    test::TempDir dir;
    sys::make_dirs(dir / "tree/a/mounted");
    sys::make_dirs(dir / "tree/b/c");
    sys::make_dirs(dir / "kept");
    write_file_atomic(dir / "kept/file", "kept");
    int why = 0;
    std::string text;
    std::thread([&] { // a thread may have a mount namespace of its own
        if (::unshare(CLONE_NEWNS) < 0 || ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) < 0) return;
        if (::mount((dir / "kept").c_str(), (dir / "tree/a/mounted").c_str(), nullptr, MS_BIND, nullptr) < 0) return;
        try {
            sys::remove_tree(dir / "tree");
        } catch (const Error& e) {
            why = e.os().value();
            text = e.what();
        }
    })
        .join();
    if (why == 0 && !exists(dir / "tree/a") && exists(dir / "kept/file")) return; // no mounts are allowed here
    CHECK(why == EBUSY);
    CHECK(text.find("a/mounted") != std::string::npos);
    CHECK(read_file(dir / "kept/file") == "kept");
    CHECK_FALSE(exists(dir / "tree/b"));
}

TEST_CASE("tree: a way down is found back by what is above, and by nothing else") {
    test::TempDir dir;
    make_deep(dir / "tree", 100, "d");
    auto walk = [&](auto&& meanwhile) {
        DirChain chain(sys::open(dir / "tree", O_RDONLY | O_DIRECTORY));
        for (int i = 0; i < 100; ++i) chain.enter(sys::open_at(chain.fd(), "d", O_RDONLY | O_DIRECTORY));
        meanwhile();
        while (chain.depth() > 1) chain.leave();
        struct stat here {
        }, top{};
        ::fstat(chain.fd(), &here);
        ::stat((dir / "tree").c_str(), &top);
        CHECK(here.st_ino == top.st_ino);
    };
    FewDescriptors few;
    walk([] {});
    CHECK_THROWS_AS(walk([&] { REQUIRE(::rename((dir / "tree/d/d/d").c_str(), (dir / "elsewhere").c_str()) == 0); }),
                    Error);
}

TEST_CASE("file: a whole file replaces files only, and leaves nothing of one that failed") {
    test::TempDir dir;
    write_file_atomic(dir / "old", "old", 0644);
    { WholeFile failed(dir / "old"); }
    CHECK(read_file(dir / "old") == "old");
    {
        WholeFile file(dir / "old");
        sys::write_all(file.fd(), "new");
        file.finish();
    }
    CHECK(read_file(dir / "old") == "new");
    struct stat st {};
    ::stat((dir / "old").c_str(), &st);
    CHECK((st.st_mode & 07777) == 0600);
    const mode_t mask = ::umask(027);
    {
        WholeFile file(dir / "old", 0666);
        file.finish();
    }
    ::umask(mask);
    ::stat((dir / "old").c_str(), &st);
    CHECK((st.st_mode & 07777) == 0640);
    REQUIRE(::mkfifo((dir / "fifo").c_str(), 0600) == 0);
    REQUIRE(::symlink("old", (dir / "link").c_str()) == 0);
    for (const char* name : {"fifo", "link", ".", ""}) CHECK_THROWS_AS(WholeFile(dir / name), Error);
    int count = 0;
    Dir list(::opendir(dir.path().c_str()));
    while (::readdir(list.get())) ++count;
    CHECK(count == 5); // with . and ..
}
