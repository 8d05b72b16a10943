#include "base/build_entries.hpp"

#include "base/csv.hpp"
#include "davit/error.hpp"

#include <doctest/doctest.h>

using namespace davit;

namespace {

template <typename Parse>
std::string refused(Parse parse, const std::string& text) {
    try {
        parse(text);
        return "";
    } catch (const Error& e) {
        return e.what();
    }
}

} // namespace

TEST_CASE("csv: fields, quotes, and Go's words for mistakes") {
    using Texts = std::vector<std::string>;
    CHECK(csv_fields("a,b=c,") == Texts{"a", "b=c", ""});
    CHECK(csv_fields("\"a,\"\"b\",c\n") == Texts{"a,\"b", "c"});
    CHECK(csv_fields("a,\"b\"") == Texts{"a", "b"});
    CHECK(refused(csv_fields, "") == "EOF");
    CHECK(refused(csv_fields, "a\"b") == "parse error on line 1, column 2: bare \" in non-quoted-field");
    CHECK(refused(csv_fields, "\"a") == "parse error on line 1, column 2: extraneous or missing \" in quoted-field");
    CHECK(refused(csv_fields, "\"a\"b") == "parse error on line 1, column 3: extraneous or missing \" in quoted-field");
    CHECK(csv_field("k=a,\"b\"") == "\"k=a,\"\"b\"\"\"");
}

TEST_CASE("build entries: read, and written in one form") {
    CHECK(to_string(parse_output_entry("out")) == "type=local,dest=out");
    CHECK(to_string(parse_output_entry("-")) == "type=tar,dest=-");
    CHECK(to_string(parse_output_entry("name=x,TYPE=oci,dest=f")) == "type=oci,dest=f,name=x");
    CHECK(to_string(parse_cache_entries("a,b").at(1)) == "b");
    CHECK(to_string(parse_cache_entries("type=gha,scope=x").front()) == "type=gha,scope=x");
    CHECK(to_string(parse_attest_entry("type=sbom,disabled=0,generator=x")) == "type=sbom,generator=x");
    CHECK(to_string(parse_attest_entry(attest_of("provenance", "false"))) == "type=provenance,disabled=true");
    CHECK(attest_of("provenance", "mode=max") == "type=provenance,mode=max");
    CHECK(to_string(parse_secret_entry("type=env,id=a,src=B")) == "id=a,env=B");
    CHECK(to_string(parse_ssh_entry("k=/b,/a")) == "k=/b,/a");
}

TEST_CASE("build entries: what is none") {
    CHECK(refused(parse_output_entry, "type=x,y") == "invalid value y");
    CHECK(refused(parse_output_entry, "a=b,c=d") == "type is required for output");
    CHECK(refused(parse_cache_entries, "a=b") == "type required for \"a=b\"");
    CHECK(refused(parse_attest_entry, "foo") == "invalid value foo");
    CHECK(refused(parse_attest_entry, "foo=bar") == "attestation type not specified");
    CHECK(refused(parse_attest_entry, "type=sbom,disabled=x") ==
          "invalid value disabled=x: strconv.ParseBool: parsing \"x\": invalid syntax");
    CHECK(refused(parse_secret_entry, "id=a,src") == "invalid field 'src' must be a key=value pair");
    CHECK(refused(parse_secret_entry, "\"a") ==
          "failed to parse csv secret: parse error on line 1, column 2: extraneous or missing \" in quoted-field");
}
