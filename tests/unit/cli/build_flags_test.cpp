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
    flags.outputs = {"type=local,dest=out,mod=delete",     "type=tar,dest=f,mode=delete",
                     "type=image,compression=estargz",     "type=docker,push=true",
                     "type=oci,dest=f,oci-artifact=false", "type=local,dest=out,oci-artifact=true"};
    CHECK(applied(flags).without_effect ==
          std::vector<std::string>{"--output mod=delete has no effect", "--output mode=delete has no effect",
                                   "--output compression=estargz has no effect", "--output push=true has no effect",
                                   "--output oci-artifact=false has no effect",
                                   "--output oci-artifact=true has no effect"});
    flags.outputs = {"type=oci,dest=f,oci-artifact=true"};
    CHECK(applied(flags).without_effect.empty());
}

TEST_CASE("annotations belong to each image that comes out") {
    BuildFlags flags;
    flags.annotations = {"a=b=c", "index,manifest[linux/arm64]:k=v"};
    flags.outputs = {"type=local,dest=out", "type=oci,dest=f,annotation.a=own"};
    const BuildFlags done = applied(flags);
    CHECK(done.without_effect.empty());
    CHECK(done.request.outputs[0].attributes.empty());
    CHECK(done.request.outputs[1].attributes ==
          std::map<std::string, std::string>{{"annotation.a", "own"},
                                             {"annotation-manifest.a", "b=c"},
                                             {"annotation-index.k", "v"},
                                             {"annotation-manifest[linux/arm64].k", "v"}});
    flags.outputs.clear();
    CHECK(applied(flags).request.outputs.size() == 1);
    flags.push = flags.load = true;
    flags.outputs = {"type=local,dest=out"};
    flags.annotations = {"a=1", "a=2"};
    const auto all = applied(flags).request.outputs;
    REQUIRE(all.size() == 3);
    for (std::size_t i = 1; i < all.size(); ++i) CHECK(all[i].attributes.at("annotation-manifest.a") == "2");
}

TEST_CASE("provenance is asked for, or not") {
    BuildFlags flags;
    CHECK_FALSE(applied(flags).request.provenance);
    flags.provenance = "true";
    CHECK(applied(flags).request.provenance == BuildProvenance{});
    flags.provenance = "mode=min,builder-id=https://ci";
    CHECK(applied(flags).request.provenance == BuildProvenance{false, "https://ci", "v1"});
    flags.provenance = "false";
    CHECK_FALSE(applied(flags).request.provenance);
    flags.provenance = "mode=all";
    CHECK_THROWS_WITH(applied(flags), "invalid provenance mode \"all\"");
}

TEST_CASE("what no provenance goes with is said") {
    BuildFlags flags;
    flags.outputs = {"type=docker,dest=f", "type=local,dest=out", "type=tar,dest=t"};
    CHECK(applied(flags).without_effect.empty());
    flags.provenance = "true";
    CHECK(applied(flags).without_effect ==
          std::vector<std::string>{"--provenance has no effect on --output type=docker,dest=f: Docker's archives have "
                                   "no room for it (type=oci has)",
                                   "--provenance has no effect on --output type=local: it is of images",
                                   "--provenance has no effect on --output type=tar: it is of images"});
    flags.outputs = {"type=docker", "type=oci,dest=f", "type=image", "type=cacheonly"};
    CHECK(applied(flags).without_effect.empty());
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

TEST_CASE("what is no value of a build's option is told in buildx's words") {
    using Change = void (*)(BuildFlags&);
    const std::pair<Change, const char*> rows[] = {
        {[](BuildFlags& f) { f.labels = {""}; }, "invalid key-value pair \"\": empty key"},
        {[](BuildFlags& f) { f.attests = {"foo"}; }, "invalid value foo"},
        {[](BuildFlags& f) { f.provenance = "foo"; }, "invalid value foo"},
        {[](BuildFlags& f) { f.attests = {"a=b"}; }, "attestation type not specified"},
        {[](BuildFlags& f) { f.attests = {"type=foo"}; }, "failed to solve: unknown attestation type \"foo\""},
        {[](BuildFlags& f) { f.contexts = {"a"}; }, "invalid context value: a, expected key=value"},
        {[](BuildFlags& f) { f.contexts = {"!=x"}; }, "invalid context name !: invalid reference format"},
        {[](BuildFlags& f) { f.contexts = {"a="}; }, "failed to get build context a: stat : no such file or directory"},
        {[](BuildFlags& f) { f.outputs = {"type=x,y"}; }, "invalid value y"},
        {[](BuildFlags& f) { f.outputs = {"type=x"}; }, "failed to solve: exporter \"x\" could not be found"},
        {[](BuildFlags& f) { f.outputs = {"type=local"}; }, "dest is required for local exporter"},
        {[](BuildFlags& f) { f.outputs = {"o"}, f.iid_file = "i"; },
         "local and tar exporters are incompatible with image ID file"},
        {[](BuildFlags& f) { f.request.cache_from = {"a=b"}; }, "type required for \"a=b\""},
        {[](BuildFlags& f) { f.request.cache_to = {"type=local"}; }, "local cache exporter requires dest"},
        {[](BuildFlags& f) { f.secrets = {"id="}; }, "secret missing ID"},
        {[](BuildFlags& f) { f.secrets = {"id=a,src=/none/here"}; },
         "failed to stat /none/here: stat /none/here: no such file or directory"},
        {[](BuildFlags& f) { f.call = "check,foo=x"; }, "invalid print field: foo=x"},
        {[](BuildFlags& f) { f.call = "a,b"; }, "invalid print value: a,b"},
        {[](BuildFlags& f) { f.annotations = {"a"}; },
         "parse annotations: invalid annotation \"a\", expected key=value"},
        {[](BuildFlags& f) { f.annotations = {"foo:a=b"}; }, "parse annotations: unknown annotation type \"foo\""},
        {[](BuildFlags& f) { f.resources = {"memory=x"}; },
         "invalid value \"x\" for resource memory: invalid size: 'x'"},
        {[](BuildFlags& f) { f.resources = {"foo=1"}; }, "unknown resource \"foo\""},
        {[](BuildFlags& f) { f.policies = {"reset=x"}; },
         "invalid value reset=x: strconv.ParseBool: parsing \"x\": invalid syntax"},
        {[](BuildFlags& f) { f.policies = {"filename=p.rego"}; }, "davit keeps no policies: --policy filename=p.rego"},
        {[](BuildFlags& f) { f.request.no_cache = true, f.no_cache_filter = {"a"}; },
         "--no-cache and --no-cache-filter cannot currently be used together"},
        {[](BuildFlags& f) { f.quiet = true, f.progress = "plain"; },
         "progress=plain and quiet cannot be used together"},
    };
    for (const auto& [change, text] : rows) {
        CAPTURE(text);
        BuildFlags flags;
        change(flags);
        CHECK_THROWS_WITH(applied(flags), text);
    }
}

TEST_CASE("empty values of a build's options say nothing") {
    BuildFlags flags;
    flags.secrets = flags.ssh = flags.outputs = flags.contexts = flags.allow = flags.annotations = {""};
    flags.request.cache_from = {"", "a,b"};
    const BuildFlags done = applied(flags);
    CHECK(done.request.outputs.empty());
    CHECK(done.request.cache_from == std::vector<std::string>{"a", "b"});
    CHECK(done.without_effect.empty());
}

TEST_CASE("limits and sizes, and Go's words for what is none") {
    CHECK(parse_ulimit("nofile=1:2").second.hard == 2);
    CHECK(parse_size("1.5k") == 1536);
    for (const auto& [text, why] :
         {std::pair{"nofile=a", "strconv.ParseInt: parsing \"a\": invalid syntax"},
          {"nofile=99999999999999999999", "strconv.ParseInt: parsing \"99999999999999999999\": value out of range"},
          {"nofile=1:2:3", "too many limit value arguments - 1:2:3, can only have up to two, `soft[:hard]`"},
          {"nofile=3:2", "ulimit soft limit must be less than or equal to hard limit: 3 > 2"},
          {"nofile=-1:2", "ulimit soft limit must be less than or equal to hard limit: soft: -1 (unlimited), hard: 2"}})
        CHECK_THROWS_WITH(parse_ulimit(text), why);
    for (const auto& [text, why] :
         {std::pair{"x", "invalid size: 'x'"}, {"1kk", "invalid suffix: 'kk'"}, {"", "invalid size: ''"}})
        CHECK_THROWS_WITH(parse_size(text), why);
}
