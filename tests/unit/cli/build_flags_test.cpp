#include "cli/cmd/build_flags.hpp"

#include "base/error.hpp"

#include <doctest/doctest.h>

using namespace davit;
using namespace davit::cli;
using Hosts = std::vector<std::pair<std::string, std::string>>;

namespace {

BuildFlags applied(BuildFlags flags) {
    flags.arguments = {"."};
    flags.apply();
    return flags;
}

} // namespace

TEST_CASE("an output may go nowhere") {
    CHECK(parse_output("type=cacheonly").type == BuildOutput::Type::cacheonly);
    CHECK_THROWS_AS(parse_output("type=nowhere"), Error);
}

TEST_CASE("what of an output changes nothing is said") {
    BuildFlags flags;
    flags.outputs = {"type=local,dest=out,mode=delete,platform-split=false", "type=oci,dest=f,tar=false,name=x",
                     "type=image,push=false,compression=gzip,unpack=true,rewrite-timestamp=true"};
    CHECK(applied(flags).without_effect.empty());
    flags.outputs = {"type=local,dest=out,mod=delete", "type=tar,dest=f,mode=delete", "type=image,compression=zstd",
                     "type=docker,push=true"};
    CHECK(applied(flags).without_effect ==
          std::vector<std::string>{"--output mod=delete has no effect", "--output mode=delete has no effect",
                                   "--output compression=zstd has no effect", "--output push=true has no effect"});
}

TEST_CASE("hosts of builds have one address or several, or the host's") {
    CHECK(parse_extra_host("a:1.2.3.4") == Hosts{{"a", "1.2.3.4"}});
    CHECK(parse_extra_host("a=::1") == Hosts{{"a", "::1"}});
    CHECK(parse_extra_host("a:[fd00::1],10.0.0.1") == Hosts{{"a", "fd00::1"}, {"a", "10.0.0.1"}});
    CHECK(parse_extra_host("a=host-gateway") == Hosts{{"a", "host-gateway"}});
    for (const char* bad : {"a", "a:", ":1.2.3.4", "a=nowhere", "a=1.2.3", "a=host-gateway,1.2.3.4", "a=1.2.3.4,"}) {
        CAPTURE(bad);
        CHECK_THROWS_AS(parse_extra_host(bad), Error);
    }
}

TEST_CASE("deleting stale files of an output is an entitlement without a value") {
    BuildFlags flags;
    flags.allow = {"buildx.local.delete"};
    CHECK(applied(flags).request.entitlements == std::vector<std::string>{"buildx.local.delete"});
    flags.allow = {"buildx.local.delete=true"};
    CHECK_THROWS_WITH(applied(flags), "buildx.local.delete does not accept a value");
}

TEST_CASE("files have no image ID to keep") {
    BuildFlags flags;
    flags.arguments = {"."};
    flags.iid_file = "id";
    flags.outputs = {"out"};
    CHECK_THROWS_WITH(applied(flags), "local and tar exporters are incompatible with image ID file");
    flags.outputs = {"type=tar,dest=out.tar"};
    CHECK_THROWS_WITH(applied(flags), "local and tar exporters are incompatible with image ID file");
    flags.outputs = {"type=oci,dest=out.tar"};
    CHECK(applied(flags).request.outputs.size() == 1);
}
