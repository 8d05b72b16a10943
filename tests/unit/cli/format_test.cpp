#include "cli/format/size.hpp"
#include "cli/format/table.hpp"
#include "cli/format/template.hpp"
#include "cli/format/time.hpp"
#include "davit/error.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

using namespace davit;
using namespace davit::cli;
using namespace std::chrono_literals;

TEST_CASE("table: columns are ten wide at least, three apart, and the last is not padded") {
    Table t{{"NAME", "SERVICE", "PORTS"}, {{"shop-web-1", "web", "80/tcp"}, {"x", "y", ""}}};
    CHECK(t.to_string() == "NAME         SERVICE   PORTS\n"
                           "shop-web-1   web       80/tcp\n"
                           "x            y         \n");
    CHECK(Table{{"NAME", "IMAGE", "COMMAND", "SERVICE", "CREATED", "STATUS", "PORTS"}, {}}.to_string() ==
          "NAME      IMAGE     COMMAND   SERVICE   CREATED   STATUS    PORTS\n");
}

TEST_CASE("table: wide and combining characters count as the terminal shows them") {
    CHECK(display_width("web") == 3);
    CHECK(display_width("…") == 1);
    CHECK(display_width("日本") == 4);
    CHECK(display_width("e\xcc\x81") == 1);
    CHECK(display_width("\xff\xfe") == 2);
}

TEST_CASE("time: durations are told in docker's words") {
    const std::pair<std::chrono::nanoseconds, const char*> cases[] = {
        {0ns, "Less than a second"}, {999ms, "Less than a second"}, {1s, "1 second"}, {59s, "59 seconds"}, {60s, "About a minute"},
        {119s, "About a minute"}, {2min, "2 minutes"}, {59min, "59 minutes"}, {60min, "About an hour"}, {89min, "About an hour"},
        {90min, "2 hours"}, {47h, "47 hours"}, {48h, "2 days"}, {24h * 13, "13 days"}, {24h * 14, "2 weeks"}, {24h * 59, "8 weeks"},
        {24h * 60, "2 months"}, {24h * 365 * 2, "2 years"}};
    for (const auto& [duration, text] : cases) CHECK(human_duration(duration) == text);
}

TEST_CASE("time: instants are written and read back") {
    const std::int64_t t = 1'795'262'215'123'456'700;
    CHECK(rfc3339(t) == "2026-11-21T11:56:55.123456700Z");
    CHECK(rfc3339_nano(t) == "2026-11-21T11:56:55.1234567Z");
    CHECK(rfc3339_nano(1'795'262'215'000'000'000) == "2026-11-21T11:56:55Z");
    CHECK(go_time(t) == "2026-11-21 11:56:55 +0000 UTC");
    CHECK(parse_rfc3339("2026-11-21T11:56:55.1234567Z") == t);
    CHECK(parse_rfc3339("2026-11-21T12:56:55.1234567+01:00") == t);
    CHECK_FALSE(parse_rfc3339("2026-11-21T11:56:55"));
    CHECK_FALSE(parse_rfc3339("yesterday"));
}

TEST_CASE("time: --since takes spans, dates and seconds") {
    const std::int64_t now = 1'795'262'215'000'000'000;
    CHECK(parse_time("10m", now) == now - 600'000'000'000);
    CHECK(parse_time("1h30m", now) == now - 5'400'000'000'000);
    CHECK(parse_time("0s", now) == now);
    CHECK(parse_time("1.5s", now) == now - 1'500'000'000);
    CHECK(parse_time("1136073845.000000001", now) == 1'136'073'845'000'000'001);
    CHECK(parse_time("1136073845", now) == 1'136'073'845'000'000'000);
    CHECK(parse_time("2026-11-21T11:56:55Z", now) == now);
    CHECK_THROWS_AS(parse_time("soon", now), Error);
    CHECK_THROWS_AS(parse_time("", now), Error);
    CHECK_THROWS_AS(parse_time("10x", now), Error);
}

TEST_CASE("size: powers of 1000 and of 1024") {
    CHECK(human_size(0) == "0B");
    CHECK(human_size(4'490'000) == "4.49MB");
    CHECK(human_size(172'900'000, 3) == "173MB");
    CHECK(human_size(999) == "999B");
    CHECK(human_size_binary(2'101'346'304) == "1.957GiB");
}

namespace {

const nlohmann::json container = {{"Name", "shop-web-1"}, {"Service", "web"}, {"ExitCode", 0}, {"Health", ""},
                                  {"Label", {{"a", "1"}}}, {"Publishers", {{{"TargetPort", 80}}, {{"TargetPort", 81}}}}};

std::string run(const std::string& text) { return Template(text).execute(container); }

std::string template_error(const std::string& text) {
    try {
        return "no error: " + run(text);
    } catch (const Error& e) {
        CHECK(e.kind() == Errc::usage);
        return e.what();
    }
}

} // namespace

TEST_CASE("template: fields, functions and pipelines") {
    const std::pair<const char*, const char*> cases[] = {
        {"{{.Name}}/{{.Service}}/{{.ExitCode}}", "shop-web-1/web/0"}, {"{{json .Service}}", "\"web\""}, {"{{upper .Service}}", "WEB"},
        {"{{ .Service|title }}", "Web"}, {"{{.Label \"a\"}}|{{.Label \"b\"}}", "1|"},
        {"{{truncate .Name 4}}", "shop"}, {"{{join (split .Name \"-\") \"+\"}}", "shop+web+1"}, {"{{len .Publishers}}", "2"},
        {"{{index .Label \"a\"}}", "1"}, {"{{pad .Service 1 2}}|", " web  |"},
        {"a\\tb", "a\tb"}, {"{{println .Service}}", "web\n"}, {"x {{- .Service -}} y", "xweby"}};
    for (const auto& [text, expected] : cases) CHECK(run(text) == expected);
}

TEST_CASE("template: if, with and range") {
    CHECK(run("{{if .Health}}yes{{else}}no{{end}}") == "no");
    CHECK(run("{{if eq .Service \"db\"}}a{{else if eq .Service \"web\"}}b{{else}}c{{end}}") == "b");
    CHECK(run("{{range .Publishers}}{{.TargetPort}} {{$.Service}};{{end}}") == "80 web;81 web;");
    CHECK(run("{{with .Service}}{{.}}{{end}}{{with .Health}}x{{else}}none{{end}}") == "webnone");
    CHECK(run("{{$x := .Service}}{{$x}}{{$x}}") == "webweb");
    CHECK(run("a {{- if true}} b {{- end}}") == "a b");
}

TEST_CASE("template: what cannot be evaluated is an error that names it") {
    CHECK(template_error("{{.Nope}}") == "template parsing error: template: :1:2: executing \"\" at <.Nope>: can't evaluate field Nope");
    CHECK(template_error("{{frob .Name}}") == "template parsing error: template: :1: function \"frob\" not defined");
    CHECK(template_error("{{.Name") == "template parsing error: template: :1: unclosed action");
    CHECK(template_error("{{if .Name}}x") == "template parsing error: template: :1: unexpected EOF");
    CHECK(template_error("{{}}") == "template parsing error: template: :1: missing value for command");
    CHECK(template_error("{{end}}") == "template parsing error: template: unexpected {{end}}");
}

TEST_CASE("template: a table template has a header from the same fields") {
    const nlohmann::json headers = {{"Name", "NAME"}, {"Service", "SERVICE"}};
    CHECK(render_list(ListFormat::parse("table {{.Name}}\t{{.Service}}"), {container}, {}, headers) == "NAME         SERVICE\nshop-web-1   web\n");
    CHECK(render_list(ListFormat::parse(""), {}, {"Name", "Service"}, headers) == "NAME      SERVICE\n");
    CHECK(render_list(ListFormat::parse("{{.Service}}"), {container, container}, {}, headers) == "web\nweb\n");
    CHECK(render_list(ListFormat::parse("json"), {nlohmann::json{{"b", 1}, {"a", 2}}}, {}, headers) == "{\"a\":2,\"b\":1}\n");
}
