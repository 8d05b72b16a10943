#include "archive/file_meta.hpp"
#include "archive/fill_volume.hpp"
#include "archive/layer_fixup.hpp"
#include "archive/layer_writer.hpp"
#include "archive/rootfs_view.hpp"
#include "base/error.hpp"
#include "base/file.hpp"
#include "base/sys.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/unit/archive/tar_builder.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

using namespace davit;
using namespace davit::archive;
using davit::test::TarBuilder;
using davit::test::TempDir;

namespace {

bool root() { return ::geteuid() == 0; }

Unpacked unpack(const std::string& directory, const std::string& tar) {
    sys::make_dirs(directory, 0755);
    MemorySource source(tar);
    return unpack_layer(source, directory);
}

struct stat stat_of(const std::string& path) {
    struct stat st {};
    CAPTURE(path);
    REQUIRE(::lstat(path.c_str(), &st) == 0);
    return st;
}
bool there(const std::string& path) {
    struct stat st {};
    return ::lstat(path.c_str(), &st) == 0;
}
bool whiteout(const std::string& path) { return there(path) && is_whiteout(stat_of(path)); }
bool opaque(const std::string& path) {
    UniqueFd fd = sys::open(path, O_RDONLY | O_DIRECTORY);
    return is_opaque(fd.get());
}
std::string failure(const std::string& directory, const std::string& tar) {
    try {
        unpack(directory, tar);
    } catch (const Error& e) {
        return e.describe();
    }
    return "";
}

} // namespace

TEST_CASE("a layer's files keep mode, time, links and setuid bits") {
    TempDir t;
    auto result = unpack(t / "l", TarBuilder()
                                      .dir("./", 0711)
                                      .dir("d", 0700)
                                      .file("d/suid", "abc", {06755})
                                      .symlink("d/s", "suid")
                                      .hardlink("d/h", "d/suid")
                                      .raw("d/fifo", '6', 0, "", {0620})
                                      .end());
    CHECK((stat_of(t / "l").st_mode & 07777) == 0711);
    CHECK((stat_of(t / "l/d").st_mode & 07777) == 0700);
    CHECK((stat_of(t / "l/d/suid").st_mode & 07777) == 06755);
    CHECK(stat_of(t / "l/d/suid").st_nlink == 2);
    CHECK(stat_of(t / "l/d").st_mtime == 1000000000);
    CHECK(stat_of(t / "l/d/s").st_mtime == 1000000000);
    CHECK(S_ISFIFO(stat_of(t / "l/d/fifo").st_mode));
    CHECK(result.size == 3);
    CHECK(result.unsettled.empty());
}

TEST_CASE("owners and devices are set by root") {
    if (!root()) return;
    TempDir t;
    unpack(t / "l", TarBuilder()
                        .dir("d", 0755, 12)
                        .file("d/f", "x", {04711, 3, 4})
                        .raw("null", '3', 0, "", {0666, 0, 6, 1, 3})
                        .end());
    CHECK(stat_of(t / "l/d").st_uid == 12);
    CHECK(stat_of(t / "l/d/f").st_uid == 3);
    CHECK(stat_of(t / "l/d/f").st_gid == 4);
    CHECK((stat_of(t / "l/d/f").st_mode & 07777) == 04711);
    CHECK(stat_of(t / "l/null").st_rdev == makedev(1, 3));
    CHECK((stat_of(t / "l/null").st_mode & 0777) == 0666);
}

TEST_CASE("sparse files have their holes") {
    TempDir t;
    unpack(t / "l", TarBuilder()
                        .pax({{"GNU.sparse.size", "1000000"}, {"GNU.sparse.map", "0,3,500000,2"}})
                        .file("s", "abcde")
                        .end());
    std::string bytes = read_file(t / "l/s");
    REQUIRE(bytes.size() == 1000000);
    CHECK(bytes.substr(0, 4) == std::string("abc\0", 4));
    CHECK(bytes.substr(499999, 4) == std::string("\0de\0", 4));
}

TEST_CASE("a later entry replaces an earlier one of any type") {
    TempDir t;
    unpack(t / "l", TarBuilder()
                        .dir("a")
                        .file("a/x")
                        .file("a", "file now")
                        .file("b")
                        .dir("b")
                        .file("b/y")
                        .symlink("c", "b")
                        .dir("c")
                        .file("c/z")
                        .file("d", "1")
                        .file("d", "2")
                        .hardlink("d", "d")
                        .end());
    CHECK(read_file(t / "l/a") == "file now");
    CHECK(there(t / "l/b/y"));
    CHECK_FALSE(there(t / "l/b/z"));
    CHECK(there(t / "l/c/z"));
    CHECK(read_file(t / "l/d") == "2");
}

TEST_CASE("whiteouts and opaque marks speak of lower layers only, in any order") {
    if (!root()) return;
    TempDir t;
    unpack(t / "l", TarBuilder()
                        .dir("d")
                        .file("d/.wh.gone", "")
                        .file("d/kept")
                        .file("d/.wh.kept", "") // kept is this layer's own
                        .file(".wh.e", "")
                        .dir("e") // after its whiteout: hides what is below
                        .file("e/new")
                        .dir("f")
                        .file(".wh.f", "") // before: the same
                        .file("g/.wh..wh..opq", "")
                        .file("g/own")
                        .file(".wh..wh.plnk", "")
                        .file(".wh.h", "")
                        .file("h/deep/x") // a whiteout becomes a parent
                        .end());
    CHECK(whiteout(t / "l/d/gone"));
    CHECK(read_file(t / "l/d/kept") == "x");
    CHECK_FALSE(there(t / "l/d/.wh.gone"));
    CHECK(opaque(t / "l/e"));
    CHECK(there(t / "l/e/new"));
    CHECK(opaque(t / "l/f"));
    CHECK(opaque(t / "l/g"));
    CHECK(there(t / "l/g/own"));
    CHECK_FALSE(opaque(t / "l/d"));
    CHECK_FALSE(there(t / "l/.wh..wh.plnk"));
    CHECK(opaque(t / "l/h"));
    CHECK(there(t / "l/h/deep/x"));
}

TEST_CASE("an opaque mark at the root hides all layers below") {
    TempDir t;
    CHECK(unpack(t / "l", TarBuilder().file(".wh..wh..opq", "").file("f").end()).opaque_root);
    CHECK_FALSE(there(t / "l/.wh..wh..opq"));
}

TEST_CASE("marks that name nothing, or too much, are refused") {
    TempDir t;
    CHECK(failure(t / "a", TarBuilder().file(".wh.", "").end()).find("no valid whiteout") != std::string::npos);
    CHECK(failure(t / "b", TarBuilder().file("d/.wh..", "").end()).find("no valid whiteout") != std::string::npos);
    CHECK(failure(t / "c", TarBuilder().file("d/.wh...", "").end()).find("no valid whiteout") != std::string::npos);
    CHECK_FALSE(there(t / "c/d/.."
                          "/whatever"));
}

TEST_CASE("nothing of a hostile tar lands outside of its layer") {
    TempDir t;
    write_file_atomic(t / "victim", "safe", 0644);
    const std::string outside = t / "victim";
    CHECK(failure(t / "dots", TarBuilder().file("../victim", "bad").end()).find("leaves the image") !=
          std::string::npos);
    CHECK(failure(t / "dots2", TarBuilder().file("a/../../victim", "bad").end()).find("leaves the image") !=
          std::string::npos);
    unpack(t / "absolute", TarBuilder().file(outside.substr(0, 90), "bad").end());
    CHECK(read_file(t / ("absolute" + outside)) == "bad");
    // through a symbolic link, relative and absolute: scoped to the layer
    unpack(t / "link", TarBuilder()
                           .symlink("up", "../..")
                           .file("up/victim", "bad")
                           .symlink("abs", t.path())
                           .file("abs/victim", "bad")
                           .end());
    CHECK(read_file(t / "link/victim") == "bad");
    // a link as the last component is replaced, not followed
    unpack(t / "last", TarBuilder().symlink("f", outside).file("f", "bad").end());
    CHECK(read_file(t / "last/f") == "bad");
    // hard links cannot reach out either: the target is looked for inside, and is missing there
    auto result = unpack(
        t / "hard",
        TarBuilder().symlink("abs", t.path()).hardlink("h", "abs/victim").hardlink("i", outside.substr(0, 99)).end());
    CHECK(result.unsettled.links.size() == 2);
    CHECK_FALSE(there(t / "hard/h"));
    CHECK(failure(t / "hard2", TarBuilder().hardlink("h", "../victim").end()).find("leaves the image") !=
          std::string::npos);
    // a loop of links ends
    CHECK(failure(t / "loop", TarBuilder().symlink("a", "b").symlink("b", "a").file("a/x").end())
              .find("too many symbolic links") != std::string::npos);
    CHECK(read_file(outside) == "safe");
}

TEST_CASE("a layer cannot forge overlayfs's own marks") {
    if (!root()) return;
    TempDir t;
    unpack(t / "l", TarBuilder()
                        .pax({{"SCHILY.xattr.trusted.overlay.opaque", "y"},
                              {"SCHILY.xattr.trusted.overlay.redirect", "/etc"},
                              {"SCHILY.xattr.user.overlay.opaque", "y"},
                              {"SCHILY.xattr.security.selinux", "x"}})
                        .dir("d")
                        .end());
    CHECK_FALSE(opaque(t / "l/d"));
    char value[16];
    CHECK(::getxattr((t / "l/d").c_str(), "trusted.overlay.redirect", value, sizeof value) < 0);
    CHECK(failure(t / "dev", TarBuilder().raw("w", '3', 0, "", {0600}).end()).find("whiteout") != std::string::npos);
}

TEST_CASE("file capabilities survive the change of owner") {
    if (!root()) return;
    TempDir t;
    const std::string cap("\x01\0\0\x02\0\x04\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 20); // cap_net_bind_service=ep, revision 2
    unpack(t / "l",
           TarBuilder().pax({{"SCHILY.xattr.security.capability", cap}}).file("ping", "x", {0755, 9, 9}).end());
    char value[64];
    ssize_t n = ::getxattr((t / "l/ping").c_str(), "security.capability", value, sizeof value);
    CHECK(n == 20);
    CHECK(stat_of(t / "l/ping").st_uid == 9);
}

TEST_CASE("directories that a layer uses without holding them look as below") {
    if (!root()) return;
    TempDir t;
    unpack(t / "0",
           TarBuilder().dir("etc", 0700, 5).dir("etc/deep", 0750, 6).dir("usr/bin").symlink("bin", "usr/bin").end());
    auto upper = unpack(t / "1", TarBuilder().file("etc/deep/f").file("bin/tool").file("other/x").end());
    CHECK(upper.unsettled.implicit == std::set<std::string>{"bin", "etc", "etc/deep", "other"});
    settle_layer(t / "1", upper.unsettled, {t / "0"});
    CHECK((stat_of(t / "1/etc").st_mode & 07777) == 0700);
    CHECK(stat_of(t / "1/etc").st_uid == 5);
    CHECK(stat_of(t / "1/etc/deep").st_uid == 6);
    CHECK(stat_of(t / "1/etc").st_mtime == 1000000000);
    CHECK((stat_of(t / "1/other").st_mode & 07777) == 0755);
    // /bin is a link below: the tool goes where untar into the mounted root would have put it
    CHECK(there(t / "1/usr/bin/tool"));
    CHECK_FALSE(there(t / "1/bin"));
}

TEST_CASE("hard links to files of a lower layer become copies") {
    TempDir t;
    unpack(t / "0", TarBuilder().file("a", "content", {0640}).end());
    auto upper = unpack(t / "1", TarBuilder().hardlink("b", "a").hardlink("c", "b").end());
    CHECK(upper.unsettled.links.size() == 2);
    settle_layer(t / "1", upper.unsettled, {t / "0"});
    CHECK(read_file(t / "1/b") == "content");
    CHECK((stat_of(t / "1/b").st_mode & 07777) == 0640);
    CHECK(read_file(t / "1/c") == "content");
    auto broken = unpack(t / "2", TarBuilder().hardlink("b", "missing").end());
    CHECK_THROWS_AS(settle_layer(t / "2", broken.unsettled, {t / "0"}), Error);
}

TEST_CASE("the merged view honours whiteouts, opaque directories and links") {
    if (!root()) return;
    TempDir t;
    unpack(t / "0", TarBuilder()
                        .dir("etc")
                        .file("etc/passwd", "low")
                        .file("etc/old", "old")
                        .dir("o")
                        .file("o/hidden")
                        .symlink("var/run", "/run")
                        .dir("run")
                        .file("run/pid", "1")
                        .dir("x")
                        .end());
    unpack(t / "1", TarBuilder()
                        .dir("etc")
                        .file("etc/passwd", "high")
                        .file("etc/.wh.old", "")
                        .file("o/.wh..wh..opq", "")
                        .file("o/own")
                        .file("x", "a file over a directory")
                        .end());
    RootfsView view({t / "1", t / "0"});
    CHECK(view.read_file("/etc/passwd") == "high");
    CHECK_FALSE(view.lookup("etc/old"));
    CHECK_FALSE(view.lookup("o/hidden"));
    CHECK(view.read_file("var/run/pid") == "1");
    CHECK(view.lookup("var/run")->path == "/run");
    CHECK(view.lookup("var/run", false)->link_target == "/run");
    CHECK_FALSE(view.lookup("x/y"));
    CHECK(view.names(*view.lookup("/etc")) == std::vector<std::string>{"passwd"});
    CHECK(view.names(*view.lookup("/")) == std::vector<std::string>{"etc", "o", "run", "var", "x"});
    CHECK_FALSE(view.read_file("/etc"));
    CHECK(view.read_file("/etc/../../../etc/./passwd") == "high"); // as chroot: .. of the root is the root
    CHECK_THROWS_AS(view.read_file("/etc/passwd", 2), Error);
}

TEST_CASE("copy-up fills a directory with all an image has there") {
    if (!root()) return;
    TempDir t;
    unpack(t / "0", TarBuilder()
                        .dir("data", 0700, 70)
                        .file("data/a", "1", {0600, 70, 70})
                        .hardlink("data/b", "data/a")
                        .symlink("data/s", "a")
                        .dir("data/sub", 01777)
                        .file("data/gone")
                        .end());
    unpack(t / "1", TarBuilder()
                        .file("data/.wh.gone", "")
                        .pax({{"SCHILY.xattr.user.k", "v"}})
                        .file("data/sub/top", "2")
                        .symlink("alias", "data")
                        .end());
    sys::make_dirs(t / "v", 0755);
    CHECK(copy_up({t / "1", t / "0"}, "/alias", sys::open(t / "v", O_RDONLY | O_DIRECTORY)));
    CHECK((stat_of(t / "v").st_mode & 07777) == 0755); // the upper layer's own "data", implicit here
    CHECK(read_file(t / "v/a") == "1");
    CHECK(stat_of(t / "v/a").st_ino == stat_of(t / "v/b").st_ino);
    CHECK(stat_of(t / "v/a").st_uid == 70);
    CHECK(stat_of(t / "v/s").st_size == 1);
    CHECK((stat_of(t / "v/sub").st_mode & 07777) == 0755);
    CHECK(read_file(t / "v/sub/top") == "2");
    CHECK_FALSE(there(t / "v/gone"));
    sys::make_dirs(t / "w", 0711);
    CHECK(copy_up({t / "0"}, "data", sys::open(t / "w", O_RDONLY | O_DIRECTORY)));
    CHECK((stat_of(t / "w").st_mode & 07777) == 0700);
    CHECK(stat_of(t / "w").st_uid == 70);
    CHECK((stat_of(t / "w/sub").st_mode & 07777) == 01777);
    sys::make_dirs(t / "n", 0711);
    CHECK_FALSE(copy_up({t / "0"}, "/nothing", sys::open(t / "n", O_RDONLY | O_DIRECTORY)));
    CHECK_FALSE(copy_up({t / "0"}, "/data/a", sys::open(t / "n", O_RDONLY | O_DIRECTORY)));
    CHECK((stat_of(t / "n").st_mode & 07777) == 0711);
}

TEST_CASE("copy-up leaves what another container put there meanwhile") {
    if (!root()) return;
    TempDir t;
    unpack(t / "0", TarBuilder()
                        .dir("data")
                        .dir("data/sub")
                        .file("data/sub/f", "image")
                        .file("data/file", "image")
                        .symlink("data/link", "file")
                        .file("data/last", "image")
                        .end());
    sys::make_dirs(t / "v", 0755);
    write_file_atomic(t / "v/file", "theirs", 0600);
    REQUIRE(::symlink("/etc", (t / "v/sub").c_str()) == 0);
    REQUIRE(::mkfifo((t / "v/link").c_str(), 0600) == 0);
    CHECK(copy_up({t / "0"}, "data", sys::open(t / "v", O_RDONLY | O_DIRECTORY)));
    CHECK(read_file(t / "v/file") == "theirs");
    CHECK(S_ISLNK(stat_of(t / "v/sub").st_mode));
    CHECK(S_ISFIFO(stat_of(t / "v/link").st_mode));
    CHECK(read_file(t / "v/last") == "image");
}

TEST_CASE("a volume that somebody began to fill is filled to its end, and one that holds something is left alone") {
    if (!root()) return;
    TempDir t;
    unpack(t / "0", TarBuilder()
                        .dir("data")
                        .dir("data/sub")
                        .file("data/sub/f", "image")
                        .file("data/sub/g", "image")
                        .file("data/file", "image")
                        .hardlink("data/second", "data/file")
                        .end());
    const auto fill = [&](const std::string& volume) {
        std::string more;
        fill_volume({t / "0"}, "data", t / volume, [&](int) { more = "called"; });
        return more;
    };
    sys::make_dirs(t / "fresh/_data", 0755);
    CHECK(fill("fresh/_data") == "called");
    CHECK(read_file(t / "fresh/_data/second") == "image");
    CHECK_FALSE(exists(t / "fresh/filling"));
    CHECK(fill("fresh/_data").empty());

    sys::make_dirs(t / "begun/_data/sub", 0700);
    write_file_atomic(t / "begun/filling", "");
    write_file_atomic(t / "begun/_data/sub/f", "theirs", 0600);
    CHECK(fill("begun/_data") == "called");
    CHECK(read_file(t / "begun/_data/sub/f") == "theirs");
    CHECK(read_file(t / "begun/_data/sub/g") == "image");
    CHECK(stat_of(t / "begun/_data/file").st_ino == stat_of(t / "begun/_data/second").st_ino);
    CHECK((stat_of(t / "begun/_data/sub").st_mode & 07777) == (stat_of(t / "fresh/_data/sub").st_mode & 07777));
    CHECK_FALSE(exists(t / "begun/filling"));

    // The first of a file's names was there already: the second is a link to it.
    REQUIRE(::unlink((t / "begun/_data/second").c_str()) == 0);
    write_file_atomic(t / "begun/filling", "");
    CHECK(fill("begun/_data") == "called");
    CHECK(stat_of(t / "begun/_data/file").st_ino == stat_of(t / "begun/_data/second").st_ino);

    sys::make_dirs(t / "used/_data", 0755);
    write_file_atomic(t / "used/_data/mine", "x");
    CHECK(fill("used/_data").empty());
    CHECK_FALSE(exists(t / "used/_data/file"));
    CHECK(fill("nowhere/_data").empty());

    sys::make_dirs(t / "device", 0755); // that a driver option names: nothing is put beside it
    CHECK(fill("device") == "called");
    CHECK_FALSE(exists(t / "filling"));
}

TEST_CASE("a new node's mode never goes to what was put in its place") {
    TempDir t;
    write_file_atomic(t / "victim", "x", 0600);
    REQUIRE(::symlink("victim", (t / "fifo").c_str()) == 0);
    UniqueFd directory = sys::open(t.path(), O_RDONLY | O_DIRECTORY);
    const auto mine = ::geteuid(), group = ::getegid();
    for (const char* name : {"fifo", "victim"}) // swapped for a link, or for a file
        CHECK_THROWS_WITH_AS(set_node_meta(directory.get(), name, {S_IFIFO | 06777, 0, {}, mine, group}),
                             doctest::Contains("was replaced"), Error);
    CHECK((stat_of(t / "victim").st_mode & 07777) == 0600);
    CHECK(stat_of(t / "victim").st_mtim.tv_sec > 0);
    REQUIRE(::mkfifo((t / "p").c_str(), 0600) == 0);
    set_node_meta(directory.get(), "p", {S_IFIFO | 0666, 0, {1000, 0}, mine, group});
    CHECK((stat_of(t / "p").st_mode & 07777) == 0666);
    CHECK(stat_of(t / "p").st_mtim.tv_sec == 1000);
    set_node_meta(directory.get(), "fifo", {S_IFLNK, 0, {1000, 0}, mine, group});
    CHECK(stat_of(t / "victim").st_mtim.tv_sec > 1000);
}

TEST_CASE("copy-up needs few descriptors, however deep and linked the image is") {
    if (!root()) return;
    TempDir t;
    TarBuilder tar;
    std::string deep = "data";
    for (int i = 0; i < 1000; ++i) deep += "/d";
    tar.pax({{"path", deep + "/f"}}).file("x", "deep").pax({{"linkpath", deep}}).symlink("short", "x");
    for (int i = 0; i < 300; ++i)
        tar.file("data/a" + std::to_string(i), "x")
            .hardlink("data/b" + std::to_string(i), "data/a" + std::to_string(i));
    unpack(t / "0", tar.end());
    unpack(t / "1", TarBuilder().pax({{"path", deep + "/g"}}).file("x", "top").end());
    sys::make_dirs(t / "v", 0755);
    rlimit before{}, few{};
    ::getrlimit(RLIMIT_NOFILE, &before);
    few = {400, before.rlim_max};
    ::setrlimit(RLIMIT_NOFILE, &few);
    CHECK(copy_up({t / "1", t / "0"}, "data", sys::open(t / "v", O_RDONLY | O_DIRECTORY)));
    RootfsView view({t / "1", t / "0"});
    CHECK(view.read_file("short/../../../d/d/d/f") == "deep");
    ::setrlimit(RLIMIT_NOFILE, &before);
    const std::string below = t / "v" + deep.substr(4);
    CHECK(read_file(below + "/f") == "deep");
    CHECK(read_file(below + "/g") == "top");
    CHECK(stat_of(t / "v/a7").st_ino == stat_of(t / "v/b7").st_ino);
}

TEST_CASE("a layer is as deep as a path may be long, by whatever way") {
    TempDir t;
    std::string deep;
    for (int i = 0; i < 2000; ++i) deep += "d/";
    auto file = [](TarBuilder tar, const std::string& path) { return tar.pax({{"path", path}}).file("x").end(); };
    unpack(t / "0", file({}, deep + "f"));
    CHECK(failure(t / "1", file({}, deep + deep + "f")).find("more than 4095 bytes") != std::string::npos);
    CHECK(failure(t / "2", file(TarBuilder().pax({{"linkpath", deep}}).symlink("l", "x"), "l/" + deep + "f"))
              .find("more than 4095 bytes") != std::string::npos);
}

TEST_CASE("a layer that replaces directories over and over, or loads them with attributes, ends soon") {
    TempDir t;
    TarBuilder many;
    for (int i = 0; i < 100; ++i) many.dir("d" + std::to_string(i));
    for (int i = 0; i < 100; ++i) many.dir("x").file("x", "");
    CHECK(unpack(t / "0", many.end()).unsettled.empty());
    TarBuilder links;
    for (int i = 0; i < 2000; ++i) links.hardlink("l" + std::to_string(i), "below" + std::to_string(i));
    CHECK(unpack(t / "1", links.end()).unsettled.links.size() == 2000);
    TarBuilder heavy;
    for (int i = 0; i < 80; ++i)
        heavy.pax({{"SCHILY.xattr.user.k", std::string(500000, 'v')}}).dir("d" + std::to_string(i));
    CHECK(failure(t / "2", heavy.end()).find("extended attributes") != std::string::npos);
}
