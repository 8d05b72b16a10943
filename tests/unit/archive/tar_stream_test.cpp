#include "archive/tar_stream.hpp"

#include "archive/byte_source.hpp"
#include "base/error.hpp"

#include <doctest/doctest.h>
#include <optional>
#include <stop_token>

using namespace davit;
using namespace davit::archive;

namespace {

struct Member {
    TarEntry entry;
    std::string data;
};

std::vector<Member> round_trip(const std::vector<Member>& in) {
    std::string bytes;
    TarStream out([&](std::string_view piece) { bytes += piece; });
    for (const Member& one : in) {
        out.add(one.entry);
        out.data(one.data);
    }
    out.finish();
    CHECK(bytes.size() % 512 == 0);
    MemorySource source(bytes);
    TarReader reader(source);
    std::vector<Member> back;
    for (TarEntry e; reader.next(e);) {
        Member one{e, ""};
        for (auto piece = reader.data(); !piece.empty(); piece = reader.data()) one.data += piece;
        back.push_back(one);
    }
    return back;
}

TarEntry file(const std::string& path, const std::string& data) {
    TarEntry e;
    e.path = path;
    e.size = data.size();
    e.mode = 0640;
    return e;
}

} // namespace

TEST_CASE("tar stream: what is written is read back") {
    TarEntry first = file("etc/passwd", "root");
    first.uid = 33;
    first.gid = 44;
    first.mtime = 1700000000;
    TarEntry link;
    link.type = TarEntry::Type::symlink;
    link.path = "etc/l";
    link.link = "passwd";
    TarEntry device;
    device.type = TarEntry::Type::char_device;
    device.path = "dev/null";
    device.device_major = 1;
    device.device_minor = 3;
    const auto back = round_trip({{first, "root"}, {link, ""}, {device, ""}, {file("empty", ""), ""}});
    REQUIRE(back.size() == 4);
    CHECK(back[0].entry.path == "etc/passwd");
    CHECK(back[0].data == "root");
    CHECK(back[0].entry.mode == 0640);
    CHECK(back[0].entry.uid == 33);
    CHECK(back[0].entry.gid == 44);
    CHECK(back[0].entry.mtime == 1700000000);
    CHECK(back[1].entry.type == TarEntry::Type::symlink);
    CHECK(back[1].entry.link == "passwd");
    CHECK(back[2].entry.device_major == 1);
    CHECK(back[2].entry.device_minor == 3);
    CHECK(back[3].data.empty());
}

TEST_CASE("tar stream: data of any length is padded to whole blocks") {
    for (const std::size_t size : {1u, 511u, 512u, 513u, 70000u}) {
        const std::string data(size, 'x');
        const auto back = round_trip({{file("a", data), data}, {file("b", "end"), "end"}});
        REQUIRE(back.size() == 2);
        CHECK(back[0].data == data);
        CHECK(back[1].data == "end");
    }
}

TEST_CASE("tar stream: what ustar's fields cannot hold goes into records") {
    const std::string name(98, 'n');
    for (const std::string& path : {name, name + "1", name + "12", name + "123", std::string(300, 'p') + "/" + name}) {
        TarEntry e = file(path, "x");
        e.uid = 3000000;
        e.gid = 2097152;
        e.mtime = -5;
        e.xattrs = {{"user.k", std::string("a\nb\0c", 5)}};
        const auto back = round_trip({{e, "x"}});
        REQUIRE(back.size() == 1);
        CHECK(back[0].entry.path == path);
        CHECK(back[0].entry.uid == 3000000);
        CHECK(back[0].entry.gid == 2097152);
        CHECK(back[0].entry.mtime == -5);
        CHECK(back[0].entry.xattrs == e.xattrs);
        CHECK(back[0].data == "x");
    }
    TarEntry link;
    link.type = TarEntry::Type::hardlink;
    link.path = "l";
    link.link = std::string(200, 't');
    const auto back = round_trip({{link, ""}});
    REQUIRE(back.size() == 1);
    CHECK(back[0].entry.link == link.link);
}

TEST_CASE("a stream that is stopped ends at its next piece, also while bytes are passed over") {
    struct Endless : ByteSource {
        std::stop_source stop;
        int reads = 0;
        std::size_t read(char*, std::size_t max) override {
            if (++reads == 3) stop.request_stop();
            return reads < 1000 ? max : 0;
        }
    } endless;
    StoppableSource source(endless, endless.stop.get_token());
    CHECK_THROWS_WITH_AS(source.skip(UINT64_MAX), "cancelled", Error);
    CHECK(endless.reads == 3);
}
