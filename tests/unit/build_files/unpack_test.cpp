#include "build/files/unpack.hpp"

#include "archive/tar_stream.hpp"
#include "base/error.hpp"
#include "base/hash.hpp"
#include "base/process.hpp"
#include "tests/unit/build_files/tree.hpp"

#include <doctest/doctest.h>

using namespace davit;
using namespace davit::build;
using namespace davit::build::test;
using archive::TarEntry;
using Type = archive::TarEntry::Type;

namespace {

struct Made {
    Type type;
    std::string path, text; // text: content, or link
    std::uint32_t mode = 0644;
};

std::string tar_of(const std::vector<Made>& entries) {
    std::string out;
    archive::TarStream tar([&](std::string_view bytes) { out += bytes; });
    for (const Made& made : entries) {
        TarEntry e;
        e.type = made.type;
        e.path = made.path + (made.type == Type::directory ? "/" : "");
        e.mode = made.mode;
        e.uid = ::geteuid();
        e.gid = ::getegid();
        e.mtime = 1'000'000'000;
        if (made.type == Type::file) e.size = made.text.size();
        else e.link = made.text;
        tar.add(e);
        if (made.type == Type::file) tar.data(made.text);
    }
    tar.finish();
    return out;
}

struct Dest {
    davit::test::TempDir at, files;
    UniqueFd root{::open(at.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    FileDigest unpack(const std::string& tar) const {
        put(files / "t", tar);
        const UniqueFd fd(::open((files / "t").c_str(), O_RDONLY | O_CLOEXEC));
        CHECK(is_archive(fd.get()));
        return unpack_archive(fd.get(), root.get(), {});
    }
    Tree tree() const { return tree_of(at.path()); }
};

Errc unpack_refused(const Dest& dest, const std::string& tar) {
    try {
        dest.unpack(tar);
    } catch (const Error& e) {
        return e.kind();
    }
    FAIL("it was unpacked");
    return Errc::failed;
}

std::string compressed(const std::string& bytes, const std::vector<std::string>& program) {
    SpawnOptions options;
    options.argv = program;
    return run(options, bytes).out;
}

} // namespace

TEST_CASE("archive: names with dots and slashes, implied directories, links") {
    const Dest dest;
    const std::string tar = tar_of({{Type::directory, ".", "", 0711},
                                    {Type::file, "./a", "a"},
                                    {Type::file, "/abs", "abs"},
                                    {Type::file, "q/../b", "b"},
                                    {Type::file, "deep/er/f", "f", 04755},
                                    {Type::hardlink, "h", "deep/er/f", 0640},
                                    {Type::symlink, "s", "/etc/passwd"},
                                    {Type::fifo, "p", "", 0600},
                                    {Type::directory, "d", "", 0750},
                                    {Type::file, "d/x", "x", 0400}});
    CHECK(dest.unpack(tar) == digest_from_hex(sha256_hex(tar)));
    CHECK(dest.tree() == Tree{{"a", "f 0644 a"},
                              {"abs", "f 0644 abs"},
                              {"b", "f 0644 b"},
                              {"deep", "d 0755"},
                              {"deep/er", "d 0755"},
                              {"deep/er/f", "f 0640 f"}, // the link's header came later
                              {"h", "f 0640 f"},
                              {"s", "l -> /etc/passwd"},
                              {"p", "p 0600"},
                              {"d", "d 0750"},
                              {"d/x", "f 0400 x"}});
    struct stat st {};
    CHECK(::stat((dest.at / "d").c_str(), &st) == 0);
    CHECK(st.st_mtim.tv_sec == 1'000'000'000);
    CHECK(::stat((dest.at / ".").c_str(), &st) == 0);
    CHECK((st.st_mode & 07777) != 0711); // the destination itself stays
}

TEST_CASE("archive: over what is there") {
    const Dest dest;
    put(dest.at / "b", "old");
    put(dest.at / "d/keep", "keep");
    put(dest.at / "was/dir/f", "");
    fs::create_directory(dest.at / "real");
    fs::create_symlink("/real", dest.at / "e");
    dest.unpack(tar_of({{Type::directory, "d", "", 0700},
                        {Type::file, "d/a", "a"},
                        {Type::file, "b", "new"},
                        {Type::directory, "e", "", 0755},
                        {Type::file, "e/f", "f"},
                        {Type::file, "was", "file"}}));
    CHECK(dest.tree() == Tree{{"b", "f 0644 new"},
                              {"d", "d 0700"},
                              {"d/a", "f 0644 a"},
                              {"d/keep", "f 0644 keep"},
                              {"e", "d 0755"},
                              {"e/f", "f 0644 f"},
                              {"real", "d 0755"},
                              {"was", "f 0644 file"}});
}

TEST_CASE("archive: links of its own are meant inside; one that leads out is refused") {
    const Dest dest;
    dest.unpack(tar_of({{Type::symlink, "l", "/tmp"}, {Type::file, "l/in", "in"}, {Type::symlink, "k", "../../tmp"}}));
    CHECK(dest.tree() == Tree{{"k", "l -> ../../tmp"}, {"l", "l -> /tmp"}, {"tmp", "d 0755"}, {"tmp/in", "f 0644 in"}});
    const Dest bad;
    CHECK(unpack_refused(bad, tar_of({{Type::symlink, "up", "../.."}, {Type::file, "up/in", ""}})) == Errc::denied);
    CHECK(unpack_refused(bad, tar_of({{Type::file, "../x", ""}})) == Errc::failed);
    CHECK(unpack_refused(bad, tar_of({{Type::hardlink, "x", "../../etc/passwd"}})) == Errc::failed);
    CHECK(unpack_refused(bad, tar_of({{Type::symlink, "l2", "../.."}, {Type::hardlink, "x", "l2/etc/passwd"}})) ==
          Errc::denied);
    CHECK(unpack_refused(bad, tar_of({{Type::file, "f", ""}, {Type::file, "f/x", ""}})) == Errc::conflict);
}

TEST_CASE("archive: directories without end, or loaded with attributes, take no memory without end") {
    std::string bytes;
    archive::TarStream tar([&](std::string_view more) { bytes += more; });
    TarEntry e;
    e.type = Type::directory;
    e.path = "d/";
    e.mode = 0755;
    e.uid = ::geteuid();
    e.gid = ::getegid();
    e.xattrs.emplace_back("user.k", std::string(500'000, 'v'));
    for (int i = 0; i < 80; ++i) tar.add(e);
    tar.finish();
    CHECK(unpack_refused(Dest(), bytes) == Errc::failed);
}

TEST_CASE("archive: compressed streams are told by their bytes") {
    const std::string tar = tar_of({{Type::file, "f", std::string(300'000, 'x')}});
    for (const char* program : {"gzip", "bzip2", "xz", "zstd"}) {
        CAPTURE(program);
        const std::string bytes = compressed(tar, {program, "-c"});
        if (bytes.empty()) continue; // not installed here
        const Dest dest;
        CHECK(dest.unpack(bytes) == digest_from_hex(sha256_hex(bytes)));
        CHECK(get(dest.at / "f").size() == 300'000);
        const Dest cut;
        CHECK(unpack_refused(cut, bytes.substr(0, bytes.size() - 10)) == Errc::failed);
    }
    // Several streams one after the other, as pbzip2 and pixz write them.
    for (const char* program : {"bzip2", "xz"}) {
        const std::string two =
            compressed(tar.substr(0, 1000), {program, "-c"}) + compressed(tar.substr(1000), {program, "-c"});
        const Dest dest;
        dest.unpack(two);
        CHECK(get(dest.at / "f").size() == 300'000);
    }
}

TEST_CASE("archive: what only looks like one") {
    davit::test::TempDir dir;
    const auto archive = [&](const std::string& bytes) {
        put(dir / "f", bytes);
        const UniqueFd fd(::open((dir / "f").c_str(), O_RDONLY | O_CLOEXEC));
        return is_archive(fd.get());
    };
    CHECK(!archive(""));
    CHECK(!archive("no archive"));
    CHECK(!archive(std::string(10240, '\0')));
    CHECK(!archive(std::string(10240, '1')));
    CHECK(!archive("PK\x03\x04" + std::string(1000, 'z')));
    CHECK(!archive(compressed("no tar, but compressed", {"gzip", "-c"})));
    CHECK(!archive(compressed("no tar, but compressed", {"xz", "-c"})));
    const std::string gz = compressed(tar_of({{Type::file, "f", "x"}}), {"gzip", "-c"});
    CHECK(archive(gz));
    CHECK(!archive(gz.substr(0, 40))); // cut short before the first header is whole
}

TEST_CASE("ADD: a local archive is unpacked, in a directory it is not, nor with --unpack=false") {
    Ground g;
    put(g.from / "d/t.tar", tar_of({{Type::file, "in", "in"}}));
    auto step = Ground::step({"d/t.tar"}, "/x");
    step.add = true;
    step.chmod = "700"; // no matter of archives, nor of the directory made for one
    g.copy(step);
    CHECK(g.tree() == Tree{{"x", "d 0755"}, {"x/in", "f 0644 in"}});
    step = Ground::step({"d"}, "/y/");
    step.add = true;
    g.copy(step);
    CHECK(fs::exists(g.to / "y/t.tar"));
    step = Ground::step({"d/*"}, "/z/");
    step.add = true;
    g.copy(step);
    CHECK(get(g.to / "z/in") == "in");
    step.unpack = false;
    step.destination = "/w/";
    g.copy(step);
    CHECK(fs::exists(g.to / "w/t.tar"));
    if (::geteuid() != 0) return;
    step = Ground::step({"d/t.tar"}, "/v");
    step.add = true;
    step.chown = "9:10";
    g.copy(step);
    CHECK(g.tree()["v"] == "d 0755 9:10");
    CHECK(g.tree()["v/in"] == "f 0644 in 9:10");
}

TEST_CASE("archive: the time of its youngest file, until a stop") {
    const Dest dest;
    put(dest.files / "t", tar_of({{Type::file, "f", "x"}}));
    put(dest.files / "none", "x");
    const UniqueFd tar(::open((dest.files / "t").c_str(), O_RDONLY | O_CLOEXEC));
    const UniqueFd none(::open((dest.files / "none").c_str(), O_RDONLY | O_CLOEXEC));
    std::stop_source stop;
    CHECK(youngest_file(tar.get(), stop.get_token()) == 1'000'000'000);
    CHECK(!youngest_file(none.get(), stop.get_token()));
    stop.request_stop();
    CHECK_THROWS_AS(youngest_file(tar.get(), stop.get_token()), Error);
}
