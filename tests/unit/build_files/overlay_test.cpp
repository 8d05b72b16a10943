// A step as a build takes it: copied into a mounted overlay, its upper directory made a layer. As root, in a
// private host.
#include "archive/layer_writer.hpp"
#include "base/error.hpp"
#include "build/files/copy.hpp"
#include "build/files/layer.hpp"
#include "tests/unit/build_files/tree.hpp"

#include <chrono>
#include <doctest/doctest.h>
#include <sys/mount.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <thread>

using namespace davit;
using namespace davit::build;
using namespace davit::build::test;

namespace {

struct Overlay {
    davit::test::TempDir dir;
    Overlay() {
        // Of its own: the directory of temporary files may be an overlay itself.
        REQUIRE(::mount("tmpfs", dir.path().c_str(), "tmpfs", 0, nullptr) == 0);
        for (const char* name : {"lower", "upper", "work", "merged", "again"}) fs::create_directory(dir / name);
    }
    ~Overlay() { ::umount2(dir.path().c_str(), MNT_DETACH); }
    void mount() const {
        const std::string options =
            "lowerdir=" + (dir / "lower") + ",upperdir=" + (dir / "upper") + ",workdir=" + (dir / "work");
        REQUIRE(::mount("overlay", (dir / "merged").c_str(), "overlay", 0, options.c_str()) == 0);
    }
    void unmount() const { REQUIRE(::umount2((dir / "merged").c_str(), 0) == 0); }
    UniqueFd open(const char* name) const {
        return UniqueFd(::open((dir / name).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    }
};

std::string value_of(const std::string& path, const char* name) {
    char value[256];
    const ssize_t n = ::lgetxattr(path.c_str(), name, value, sizeof value);
    return n < 0 ? "" : std::string(value, static_cast<std::size_t>(n));
}

const std::string capability("\x01\x00\x00\x02\x00\x04\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00", 20);

} // namespace

TEST_CASE("copy: a block device is copied as one, or as a character device for a build") {
    Ground g;
    REQUIRE(::mknod((g.from / "disk").c_str(), S_IFBLK | 0600, makedev(7, 3)) == 0);
    for (const bool kept : {true, false}) {
        CopyOptions options = g.options();
        options.block_devices = kept;
        const std::string name = kept ? "/kept" : "/other";
        const UniqueFd to{::open(g.to.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
        build::copy(g.source(), Ground::step({"disk"}, name), to.get(), options);
        struct stat st {};
        REQUIRE(::stat((g.to.path() + name).c_str(), &st) == 0);
        CHECK((st.st_mode & S_IFMT) == (kept ? S_IFBLK : S_IFCHR));
        CHECK(st.st_rdev == makedev(7, 3));
    }
}

TEST_CASE("overlay: a copied directory becomes a layer of just what is new") {
    const Overlay o;
    put(o.dir / "lower/etc/passwd", "u:x:70:71::/:\n");
    put(o.dir / "lower/app/old", "old");
    put(o.dir / "lower/app/same", "same");
    ::chmod((o.dir / "lower/app").c_str(), 0711);
    Ground g;
    put(g.from / "new", "new", 04755);
    put(g.from / "same", "same");
    fs::create_hard_link(g.from / "new", g.from / "twin");
    CHECK(::mknod((g.from / "null").c_str(), S_IFCHR | 0600, makedev(1, 3)) == 0);
    ::chmod((g.from / "null").c_str(), 0666);
    struct stat st {};
    CHECK(::stat((o.dir / "lower/app/same").c_str(), &st) == 0);
    const timespec times[2] = {st.st_mtim, st.st_mtim};
    CHECK(::utimensat(AT_FDCWD, (g.from / "same").c_str(), times, 0) == 0);
    o.mount();
    auto step = Ground::step({"."}, "/app");
    step.chown = "u";
    UniqueFd merged = o.open("merged");
    build::copy(g.source(), step, merged.get(), g.options());
    step.chown.clear();
    step.exclude = {"new", "twin", "null"};
    build::copy(g.source(), step, merged.get(), g.options()); // as below again
    CHECK(::unlinkat(merged.get(), "app/old", 0) == 0);
    merged.reset();
    o.unmount();
    const UniqueFd upper = o.open("upper");
    normalize_layer(upper.get(), {o.dir / "lower"}, {});
    const LayerFacts facts = digest_layer(upper.get());
    std::string tar;
    write_layer_tar(upper.get(), [&](std::string_view bytes) { tar += bytes; });
    CHECK(facts.size == tar.size());
    archive::MemorySource bytes(tar);
    archive::unpack_layer(bytes, o.dir / "again");
    Tree tree = tree_of(o.dir / "again");
    CHECK(tree.erase("app/old") == 1); // a whiteout
    CHECK(tree == Tree{{"app", "d 0711"},
                       {"app/new", "f 4755 new 70:71"},
                       {"app/twin", "f 4755 new 70:71"},
                       {"app/null", "? 0666 70:71"}});
    struct stat other {};
    CHECK(::stat((o.dir / "again/app/new").c_str(), &st) == 0);
    CHECK(::stat((o.dir / "again/app/twin").c_str(), &other) == 0);
    CHECK(st.st_ino == other.st_ino);
}

TEST_CASE("overlay: owners and attributes of a stage, and of a context") {
    const Overlay o;
    o.mount();
    Ground g;
    put(g.from / "f", "f", 04755);
    put(g.from / "d/x", "x");
    CHECK(::chown((g.from / "f").c_str(), 5, 6) == 0);
    CHECK(::chown((g.from / "d").c_str(), 7, 8) == 0);
    ::chmod((g.from / "f").c_str(), 04755);
    CHECK(::setxattr((g.from / "f").c_str(), "security.capability", capability.data(), capability.size(), 0) == 0);
    g.context = false;
    {
        const UniqueFd merged = o.open("merged");
        const auto copy_to = [&](const char* to, const char* owner) {
            auto step = Ground::step({"."}, to);
            step.chown = owner;
            build::copy(g.source(), step, merged.get(), g.options());
        };
        copy_to("/stage", "");
        copy_to("/given", "9:10");
        g.context = true;
        copy_to("/context", "");
        CHECK(::mkdirat(merged.get(), "setgid", 0755) == 0);
        CHECK(::chown((o.dir / "merged/setgid").c_str(), 0, 55) == 0);
        CHECK(::chmod((o.dir / "merged/setgid").c_str(), 02755) == 0);
        copy_to("/setgid", ""); // what is made in it has not its group
    }
    const std::string at = o.dir / "merged";
    Tree tree = tree_of(at);
    CHECK(tree["stage"] == "d 0755");
    CHECK(tree["stage/f"] == "f 4755 f 5:6");
    CHECK(tree["stage/d"] == "d 0755 7:8");
    CHECK(tree["given"] == "d 0755 9:10");
    CHECK(tree["given/f"] == "f 4755 f 9:10");
    CHECK(tree["given/d/x"] == "f 0644 x 9:10");
    CHECK(tree["context/f"] == "f 4755 f");
    CHECK(tree["context/d"] == "d 0755");
    CHECK(tree["setgid/d"] == "d 0755");
    CHECK(tree["setgid/d/x"] == "f 0644 x");
    CHECK(value_of(at + "/stage/f", "security.capability") == capability);
    CHECK(value_of(at + "/given/f", "security.capability") == capability);
    CHECK(value_of(at + "/context/f", "security.capability").empty());
    o.unmount();
}

TEST_CASE("overlay: files that were hashed before are copied within the kernel") {
    const Overlay o;
    o.mount();
    Ground g;
    davit::test::TempDir dir;
    HashCache cache(dir / "cache");
    g.hashes = &cache;
    for (int i = 0; i < 20; ++i)
        put(g.from / fmt::format("f{}", i), std::string(static_cast<std::size_t>(i) * 5000, 'x'));
    std::this_thread::sleep_for(std::chrono::milliseconds(50)); // for the clock's tick
    const auto step = Ground::step({"."}, "/x");
    const std::string key = content_digest(g.source(), step, g.options());
    struct stat st {};
    CHECK(::stat((g.from / "f7").c_str(), &st) == 0);
    CHECK(cache.find(st).has_value());
    {
        const UniqueFd merged = o.open("merged");
        CHECK(build::copy(g.source(), step, merged.get(), g.options()).digest == key);
    }
    for (int i = 0; i < 20; ++i)
        CHECK(get(o.dir / fmt::format("merged/x/f{}", i)) == get(g.from / fmt::format("f{}", i)));
    o.unmount();
}
