#include "rootfs/copy.hpp"

#include "archive/tar_stream.hpp"
#include "base/error.hpp"
#include "base/sys.hpp"
#include "rootfs/tree_writer.hpp"
#include "tests/support/temp_dir.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <functional>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace davit;
using namespace davit::rootfs;
namespace fs = std::filesystem;

namespace {

void put(const std::string& path, const std::string& text) {
    fs::create_directories(fs::path(path).parent_path());
    std::ofstream(path) << text;
}

std::string get(const std::string& path) {
    std::ifstream in(path);
    return {std::istreambuf_iterator<char>(in), {}};
}

// A directory that plays the container's root, and one that plays this machine.
struct Both {
    test::TempDir container, host;
    UniqueFd root{::open(container.path().c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)};
    Place in(const std::string& path) const { return in_container(root.get(), path); }
    Place out(const std::string& path) const { return on_host(host / path); }
};

Errc failure(const std::function<void()>& fn) {
    try {
        fn();
    } catch (const Error& e) {
        return e.kind();
    }
    FAIL("it did not fail");
    return Errc::failed;
}

} // namespace

TEST_CASE("copy: where things go") {
    using enum Standing;
    struct Row {
        const char* source;
        bool directory;
        const char* destination;
        Standing standing;
        Target target;
    };
    const Row rows[] = {
        {"a/f", false, "/tmp", directory, {"/tmp", "f"}},     {"a/f", false, "/tmp/", directory, {"/tmp/", "f"}},
        {"a/f", false, "/tmp/new", nothing, {"/tmp", "new"}}, {"a/f", false, "/tmp/old", file, {"/tmp", "old"}},
        {"a/f", false, "new", nothing, {".", "new"}},         {"a/f", false, "/new", nothing, {"/", "new"}},
        {"d", true, "/new", nothing, {"/", "new"}},           {"d/", true, "/new/", nothing, {"/", "new"}},
        {"d", true, "/there", directory, {"/there", "d"}},    {"d/", true, "/there", directory, {"/there", "d"}},
        {"d/.", true, "/there", directory, {"/there", ""}},   {".", true, "/there", directory, {"/there", ""}},
        {"/", true, "there", directory, {"there", ""}},       {"d/.", true, "/new", nothing, {"/", "new"}},
    };
    for (const Row& row : rows) {
        CAPTURE(row.source);
        CAPTURE(row.destination);
        CHECK(target_of(row.source, row.directory, row.destination, row.standing) == row.target);
    }
    CHECK(failure([] { target_of("f", false, "/no/dir/", Standing::nothing); }) == Errc::usage);
    CHECK(failure([] { target_of("d", true, "/file", Standing::file); }) == Errc::usage);
    CHECK(failure([] { target_of("f", false, "/file/", Standing::file); }) == Errc::usage);
}

TEST_CASE("copy: modes, links and contents arrive; nothing but what was asked for") {
    Both both;
    put(both.container / "srv/d/f", "data");
    fs::permissions(both.container / "srv/d/f", fs::perms(0640));
    fs::permissions(both.container / "srv/d", fs::perms(0750));
    fs::create_symlink("f", both.container / "srv/d/l");
    fs::create_hard_link(both.container / "srv/d/f", both.container / "srv/d/h");
    copy(both.in("/srv/d"), both.out("d"), {});
    CHECK(get(both.host / "d/f") == "data");
    CHECK(fs::status(both.host / "d/f").permissions() == fs::perms(0640));
    CHECK(fs::status(both.host / "d").permissions() == fs::perms(0750));
    CHECK(fs::read_symlink(both.host / "d/l") == "f");
    CHECK(fs::hard_link_count(both.host / "d/f") == 2);
    copy(both.in("/srv/d/."), both.out("d"), {});
    CHECK_FALSE(fs::exists(both.host / "d/d"));
    copy(both.in("/srv/d"), both.out("d"), {});
    CHECK(get(both.host / "d/d/f") == "data");
}

TEST_CASE("copy: a stop ends it, also of a tar, whichever end it is read from") {
    Both both;
    put(both.container / "f", std::string(100'000, 'x'));
    std::stop_source stop;
    stop.request_stop();
    CHECK(failure([&] { copy(both.in("/f"), both.out("f"), {}, stop.get_token()); }) == Errc::interrupted);
    CHECK_FALSE(fs::exists(both.host / "f"));
    put(both.host / "a.tar", "");
    const UniqueFd tar = sys::open(both.host / "a.tar", O_RDWR);
    CHECK(failure([&] { copy_to_tar(both.in("/f"), {}, tar.get(), stop.get_token()); }) == Errc::interrupted);
    copy_to_tar(both.in("/f"), {}, tar.get());
    ::lseek(tar.get(), 0, SEEK_SET);
    CHECK(failure([&] { copy_from_tar(tar.get(), both.in("/"), stop.get_token()); }) == Errc::interrupted);
}

TEST_CASE("copy: links are copied as they are, and followed when asked") {
    Both both;
    put(both.container / "f", "data");
    fs::create_symlink("/f", both.container / "l"); // absolute: inside the container
    copy(both.in("/l"), both.out("l1"), {});
    CHECK(fs::read_symlink(both.host / "l1") == "/f");
    copy(both.in("/l"), both.out("l2"), {.follow = true});
    CHECK(get(both.host / "l2") == "data");
}

TEST_CASE("copy: a link in the container never leads out of it") {
    Both both;
    put(both.host / "secret", "mine");
    put(both.host / "f", "new");
    fs::create_symlink(both.host / "secret", both.container / "l");
    CHECK(failure([&] { copy(both.in("/l"), both.out("stolen"), {.follow = true}); }) == Errc::not_found);
    // Written through, the link means a file in the container, whose directory is missing there.
    CHECK(failure([&] { copy(both.out("f"), both.in("/l"), {}); }) == Errc::not_found);
    CHECK(get(both.host / "secret") == "mine");
    fs::create_symlink("../../../../..", both.container / "up");
    copy(both.out("f"), both.in("/up/f"), {});
    CHECK(get(both.container / "f") == "new");
}

TEST_CASE("copy: a link at the destination is written through, inside the container") {
    Both both;
    put(both.host / "f", "new");
    put(both.container / "etc/real", "old");
    fs::create_symlink("etc/real", both.container / "l");
    copy(both.out("f"), both.in("/l"), {});
    CHECK(get(both.container / "etc/real") == "new");
    CHECK(fs::is_symlink(both.container / "l"));
}

TEST_CASE("copy: directories and files do not take each other's place") {
    Both both;
    put(both.host / "d/x", "file");
    put(both.container / "to/d/x/y", "directory");
    CHECK(failure([&] { copy(both.out("d"), both.in("/to"), {}); }) == Errc::conflict);
    CHECK(get(both.container / "to/d/x/y") == "directory");
    put(both.container / "file", "file");
    CHECK(failure([&] { copy(both.out("d"), both.in("/file"), {}); }) == Errc::usage);
    CHECK(failure([&] { copy(both.out("nosuch"), both.in("/x"), {}); }) == Errc::usage);
    CHECK(failure([&] { copy(both.out("d"), both.in("/no/such/place"), {}); }) == Errc::not_found);
}

TEST_CASE("copy: names in a tar are those of docker's engine") {
    Both both;
    put(both.container / "srv/d/f", "data");
    fs::create_directory_symlink("/srv/d", both.container / "link");
    CopyOptions following;
    following.follow = true;
    const auto first_of = [&](const std::string& path, const CopyOptions& options) {
        const std::string file = both.host / "t.tar";
        UniqueFd tar(::open(file.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
        copy_to_tar(both.in(path), options, tar.get());
        const std::string bytes = get(file);
        return std::string(bytes.c_str()); // the first header begins with a name
    };
    CHECK(first_of("/srv/d", {}) == "d/");
    CHECK(first_of("/srv/d/.", {}) == "./");
    CHECK(first_of("/link", {}) == "link");
    CHECK(first_of("/link/.", {}) == "./");
    CHECK(first_of("/link", following) == "d/");
    CHECK(first_of("/", {}) == "/");
}

TEST_CASE("copy: a tar comes out and goes in again") {
    Both both;
    put(both.container / "srv/d/f", "data");
    const std::string name = both.host / "t.tar";
    UniqueFd tar(::open(name.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    copy_to_tar(both.in("/srv/d"), {}, tar.get());
    ::lseek(tar.get(), 0, SEEK_SET);
    fs::create_directory(both.container / "other");
    copy_from_tar(tar.get(), both.in("/other"));
    CHECK(get(both.container / "other/d/f") == "data");
    CHECK(failure([&] { copy_from_tar(tar.get(), both.in("/srv/d/f")); }) == Errc::usage);
    CHECK(failure([&] { copy_from_tar(tar.get(), both.in("/nowhere")); }) == Errc::usage);
}

TEST_CASE("copy: a device is not replaced, a socket is told of, a file of proc has its contents") {
    Both both;
    put(both.host / "f", "data");
    fs::create_directories(both.container / "dev");
    // An overlay's whiteout is the one device that needs no privilege to be made.
    REQUIRE(::mknod((both.container / "dev/null").c_str(), S_IFCHR | 0666, 0) == 0);
    CHECK(failure([&] { copy(both.out("f"), both.in("/dev/null"), {}); }) == Errc::conflict);
    struct stat st {};
    REQUIRE(::lstat((both.container / "dev/null").c_str(), &st) == 0);
    CHECK(S_ISCHR(st.st_mode));

    put(both.container / "srv/d/f", "data");
    REQUIRE(::mknod((both.container / "srv/d/s").c_str(), S_IFSOCK | 0600, 0) == 0);
    std::string left_out;
    CopyOptions options;
    options.left_out = [&](const std::string& text) { left_out += text; };
    copy(both.in("/srv/d"), both.out("d"), options);
    CHECK(left_out == "left out, being a socket: d/s");
    CHECK(failure([&] { copy(both.in("/srv/d/s"), both.out("s"), {}); }) == Errc::unsupported);

    copy(on_host("/proc/self/status"), both.in("/status"), {});
    CHECK(get(both.container / "status").starts_with("Name:\t"));
    copy(on_host("/sys/kernel/mm/transparent_hugepage/enabled"), both.in("/page"), {});
    CHECK(get(both.container / "page") == get("/sys/kernel/mm/transparent_hugepage/enabled"));
}

TEST_CASE("a tree is written with one owner, whatever the tar says, on the way to it too") {
    if (::geteuid() != 0) return;
    Both both;
    std::string bytes;
    archive::TarStream tar([&](std::string_view more) { bytes += more; });
    archive::TarEntry entry;
    entry.path = "made/on/the/way/file";
    entry.mode = 0640;
    entry.size = 1;
    tar.add(entry);
    tar.data("x");
    entry.path = "link";
    entry.type = archive::TarEntry::Type::symlink;
    entry.link = "made";
    entry.size = 0;
    tar.add(entry);
    tar.finish();
    archive::MemorySource source(std::move(bytes));
    WriteOptions options;
    options.root = both.root.get();
    options.directory = "/";
    options.resolve = RESOLVE_IN_ROOT;
    options.owner = {1234, 5678};
    put(both.container / "there", "");
    write_tree(source, options);
    for (const char* path : {"made", "made/on/the", "made/on/the/way/file", "link"}) {
        CAPTURE(path);
        struct stat st {};
        REQUIRE(::lstat((both.container / path).c_str(), &st) == 0);
        CHECK(st.st_uid == 1234);
        CHECK(st.st_gid == 5678);
    }
    struct stat st {};
    REQUIRE(::lstat((both.container / "there").c_str(), &st) == 0);
    CHECK(st.st_uid == 0);
}
