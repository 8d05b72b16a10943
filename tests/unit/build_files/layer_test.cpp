#include "build/files/layer.hpp"

#include "archive/tar_reader.hpp"
#include "base/hash.hpp"
#include "tests/unit/build_files/tree.hpp"

#include <doctest/doctest.h>
#include <sys/socket.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/xattr.h>

using namespace davit;
using namespace davit::build;
using namespace davit::build::test;

namespace {

struct Layers {
    davit::test::TempDir upper, middle, bottom;
    UniqueFd fd{::open(upper.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    void normalize(const std::vector<MountStub>& stubs = {}) const {
        normalize_layer(fd.get(), {middle.path(), bottom.path()}, stubs);
    }
    Tree tree() const { return tree_of(upper.path()); }
    // As overlayfs copies up: with all that it has.
    void copy_up(const std::string& path) const {
        const std::string from = bottom / path, to = upper / path;
        struct stat st {};
        REQUIRE(::lstat(from.c_str(), &st) == 0);
        if (S_ISDIR(st.st_mode)) fs::create_directory(to);
        else if (S_ISLNK(st.st_mode)) fs::create_symlink(fs::read_symlink(from), to);
        else put(to, get(from));
        if (!S_ISLNK(st.st_mode)) ::chmod(to.c_str(), st.st_mode & 07777);
        date(path, st.st_mtim);
    }
    void date(const std::string& path, timespec t) const {
        const timespec times[2] = {t, t};
        ::utimensat(AT_FDCWD, (upper / path).c_str(), times, AT_SYMLINK_NOFOLLOW);
    }
};

std::vector<std::string> names_in_tar(const std::string& bytes) {
    archive::MemorySource source(bytes);
    archive::TarReader tar(source);
    archive::TarEntry entry;
    std::vector<std::string> out;
    while (tar.next(entry)) out.push_back(entry.path);
    return out;
}

std::string layer_tar(int fd) {
    std::string out;
    write_layer_tar(fd, [&](std::string_view bytes) { out += bytes; });
    return out;
}

} // namespace

TEST_CASE("layer: what was copied up and is as below is no change") {
    const Layers l;
    put(l.bottom / "etc/same", "same");
    put(l.bottom / "etc/changed", "one");
    put(l.bottom / "etc/touched", "t");
    put(l.bottom / "etc/mode", "m");
    put(l.bottom / "usr/deep/file", "f");
    fs::create_symlink("same", l.bottom / "etc/link");
    for (const char* path :
         {"etc", "etc/same", "etc/changed", "etc/touched", "etc/mode", "etc/link", "usr", "usr/deep", "usr/deep/file"})
        l.copy_up(path);
    put(l.upper / "etc/changed", "two"); // the size, and the time when it is put back, are the same
    struct stat st {};
    CHECK(::stat((l.bottom / "etc/changed").c_str(), &st) == 0);
    l.date("etc/changed", st.st_mtim);
    l.date("etc/touched", {5, 0});
    ::chmod((l.upper / "etc/mode").c_str(), 0600);
    for (const char* path : {"usr/deep", "usr"}) {
        CHECK(::stat((l.bottom / path).c_str(), &st) == 0);
        l.date(path, st.st_mtim);
    }
    l.date("etc", {7, 0});
    l.normalize();
    CHECK(::stat((l.upper / "etc").c_str(), &st) == 0);
    CHECK(st.st_mtim.tv_sec == 7); // what is taken out here was no change of the step's
    CHECK(
        l.tree() ==
        Tree{{"etc", "d 0755"}, {"etc/changed", "f 0644 two"}, {"etc/touched", "f 0644 t"}, {"etc/mode", "f 0600 m"}});
}

TEST_CASE("layer: the time of a directory alone is no change") {
    const Layers l;
    fs::create_directory(l.bottom / "d");
    fs::create_directory(l.bottom / "m");
    for (const char* name : {"d", "m"}) l.copy_up(name);
    for (const char* name : {"d", "m"}) l.date(name, {5, 0});
    ::chmod((l.upper / "m").c_str(), 0700);
    l.normalize();
    CHECK(l.tree() == Tree{{"m", "d 0700"}});
}

TEST_CASE("layer: a file that a layer between hides or replaces is compared with that one") {
    const Layers l;
    put(l.bottom / "f", "old");
    put(l.middle / "f", "new");
    l.copy_up("f");
    l.normalize();
    CHECK(l.tree() == Tree{{"f", "f 0644 old"}});
}

TEST_CASE("layer: a new name of a file below comes alone, new names of a new or changed file stay one") {
    const Layers l;
    for (const char* name : {"a", "c"}) put(l.bottom / name, "x");
    for (const char* name : {"a", "c"}) l.copy_up(name);
    fs::create_hard_link(l.upper / "a", l.upper / "b");
    fs::create_hard_link(l.upper / "c", l.upper / "d");
    l.date("c", {5, 0});
    l.normalize();
    CHECK(l.tree() == Tree{{"b", "f 0644 x"}, {"c", "f 0644 x"}, {"d", "f 0644 x"}});
    struct stat st {};
    CHECK(::stat((l.upper / "d").c_str(), &st) == 0);
    CHECK(st.st_nlink == 2);
}

TEST_CASE("layer: mount points that were made for mounts go, with what they changed; what was used stays") {
    const Layers l;
    fs::create_directory(l.bottom / "etc");
    put(l.bottom / "etc/passwd", "root");
    l.copy_up("etc");
    put(l.upper / "etc/resolv.conf", "");
    put(l.upper / "etc/hosts", "the step wrote this");
    fs::create_directories(l.upper / "proc");
    fs::create_directories(l.upper / "mnt/a/b");
    fs::create_directories(l.upper / "sys");
    put(l.upper / "sys/file", "left");
    fs::create_symlink("/etc", l.upper / "link");
    const std::vector<MountStub> stubs{
        {"/etc/resolv.conf"}, {"/etc/hosts"}, {"/proc"}, {"/mnt/a/b"}, {"/mnt/a"}, {"/mnt"}, {"/sys"},
        {"/link/nothing"},    {"/none"}};
    l.normalize(stubs);
    CHECK(l.tree() == Tree{{"etc", "d 0755"},
                           {"etc/hosts", "f 0644 the step wrote this"},
                           {"link", "l -> /etc"},
                           {"sys", "d 0755"},
                           {"sys/file", "f 0644 left"}});
    fs::remove(l.upper / "etc/hosts");
    put(l.upper / "etc/resolv.conf", "");
    l.normalize(stubs); // the time of /etc is another, but nothing of the step's is there
    CHECK(!l.tree().contains("etc"));
}

TEST_CASE("layer: sockets go; whiteouts stay where they hide something") {
    if (::geteuid() != 0) return;
    const Layers l;
    put(l.bottom / "gone", "x");
    put(l.bottom / "sock", "x");
    archive::TarEntry unused;
    for (const char* name : {"gone", "never"}) CHECK(::mknodat(l.fd.get(), name, S_IFCHR, makedev(0, 0)) == 0);
    for (const char* name : {"sock", "sock2"}) {
        const UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        (l.upper / name).copy(address.sun_path, sizeof address.sun_path - 1);
        CHECK(::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    }
    fs::create_directory(l.bottom / "o");
    put(l.bottom / "o/f", "same");
    l.copy_up("o");
    CHECK(::setxattr((l.upper / "o").c_str(), "trusted.overlay.opaque", "y", 1, 0) == 0);
    l.copy_up("o/f"); // below an opaque directory nothing is as below
    l.normalize();
    CHECK(names_in_tar(layer_tar(l.fd.get())) ==
          std::vector<std::string>{".wh.gone", "o/", "o/.wh..wh..opq", "o/f", ".wh.sock"});
}

TEST_CASE("layer: the tar's digest and size are told without it, and are the same again") {
    const Layers l;
    put(l.upper / "b", "2");
    put(l.upper / "a/x", "1");
    put(l.upper / "a.b", "");
    CHECK(::setxattr((l.upper / "b").c_str(), "user.note", "hi", 2, 0) == 0);
    const std::string bytes = layer_tar(l.fd.get());
    const LayerFacts facts = digest_layer(l.fd.get());
    CHECK(facts.size == bytes.size());
    CHECK(facts.files == 2);
    CHECK(facts.diff_id == "sha256:" + sha256_hex(bytes));
    CHECK(layer_tar(l.fd.get()) == bytes);
    CHECK(names_in_tar(bytes) == std::vector<std::string>{"a/", "a/x", "a.b", "b"});
    CHECK(bytes.find("user.note") == std::string::npos);
    const Layers empty;
    CHECK(digest_layer(empty.fd.get()).size == 1024);
    CHECK(digest_layer(empty.fd.get()).files == 0);
}
