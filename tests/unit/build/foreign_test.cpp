#include "build/foreign.hpp"

#include <doctest/doctest.h>

using davit::build::handler_name;
using davit::build::handles;
using davit::build::runs;

namespace {

// As the kernel prints them: qemu-user-static's registrations.
const std::string aarch64 = "enabled\ninterpreter /usr/libexec/qemu-binfmt/aarch64-binfmt-P\nflags: POCF\noffset 0\n"
                            "magic 7f454c460201010000000000000000000200b700\n"
                            "mask ffffffffffffff00fffffffffffffffffeffffff\n";
const std::string s390x =
    "enabled\ninterpreter /usr/bin/qemu-s390x-static\nflags: F\noffset 0\n"
    "magic 7f454c4602020100000000000000000000020016\nmask ffffffffffffff00fffffffffffffffffffeffff\n";

std::string with(std::string text, const std::string& what, const std::string& by) {
    return text.replace(text.find(what), what.size(), by);
}

} // namespace

TEST_CASE("foreign: a handler is known by the machine that its magic asks for, in either byte order") {
    CHECK(handles(aarch64, "arm64"));
    CHECK(!handles(aarch64, "arm"));
    CHECK(handles(s390x, "s390x"));
    CHECK(!handles(s390x, "arm64"));
    CHECK(!handles("enabled\ninterpreter /usr/bin/python3\nflags: F\nextension .py\n", "arm64"));
    CHECK(!handles("", "arm64"));
}

TEST_CASE("foreign: one that is off, or whose interpreter a container would not have, does not count") {
    CHECK(!handles(with(aarch64, "enabled", "disabled"), "arm64"));
    CHECK(!handles(with(aarch64, "POCF", "POC"), "arm64"));
    CHECK(!handles(with(aarch64, "offset 0", "offset 4"), "arm64"));
    CHECK(!handles(with(aarch64, "0200b700", "0200b7"), "arm64"));
    CHECK(!handles(with(aarch64, "0200b700", "0200zz00"), "arm64"));
}

TEST_CASE("foreign: this machine's programs run, and those of its 32-bit sister") {
    CHECK(runs("linux/amd64", "linux/amd64", {}));
    CHECK(runs("linux/amd64/v3", "linux/amd64", {}));
    CHECK(runs("linux/386", "linux/amd64", {}));
    CHECK(runs("linux/arm/v7", "linux/arm64", {}));
    CHECK(!runs("linux/arm64", "linux/amd64", {}));
    CHECK(runs("linux/arm64", "linux/amd64", {s390x, aarch64}));
    CHECK(!runs("windows/amd64", "linux/amd64", {}));
    CHECK(handler_name("arm64") == "qemu-aarch64");
}
