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
    const std::pair<std::chrono::nanoseconds, const char*> cases[] = {{0ns, "Less than a second"},
                                                                      {999ms, "Less than a second"},
                                                                      {1s, "1 second"},
                                                                      {59s, "59 seconds"},
                                                                      {60s, "About a minute"},
                                                                      {119s, "About a minute"},
                                                                      {2min, "2 minutes"},
                                                                      {59min, "59 minutes"},
                                                                      {60min, "About an hour"},
                                                                      {89min, "About an hour"},
                                                                      {90min, "2 hours"},
                                                                      {47h, "47 hours"},
                                                                      {48h, "2 days"},
                                                                      {24h * 13, "13 days"},
                                                                      {24h * 14, "2 weeks"},
                                                                      {24h * 59, "8 weeks"},
                                                                      {24h * 60, "2 months"},
                                                                      {24h * 365 * 2, "2 years"}};
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
    CHECK(parse_time("1.5s", now) == now - 2'000'000'000); // in whole seconds, as docker's client
    CHECK(parse_time("1136073845.000000001", now) == 1'136'073'845'000'000'001);
    CHECK(parse_time("1136073845", now) == 1'136'073'845'000'000'000);
    CHECK(parse_time("2026-11-21T11:56:55Z", now) == now);
    CHECK_THROWS_AS(parse_time("soon", now), Error);
    for (const char* wrong : {"2026-13-01", "2026-00-01", "2026-02-29", "2026-04-31", "2026-01-01T24:00:00Z",
                              "2026-01-01T00:60:00Z", "2026-01-01T00:00:60Z"})
        CHECK_THROWS_WITH_AS(parse_time(wrong, now), doctest::Contains("parsing time"), Error);
    CHECK_THROWS_WITH(parse_time("2026-13-01", now), "parsing time \"2026-13-01\": month out of range");
    CHECK_THROWS_WITH(parse_time("2026-04-31", now), "parsing time \"2026-04-31\": day out of range");
    CHECK_THROWS_WITH(parse_time("2026-01-01T24:00:00Z", now),
                      "parsing time \"2026-01-01T24:00:00Z\": hour out of range");
    CHECK_THROWS_WITH(parse_time("-5", now), "parsing time \"-5\" as \"2006-01-02\": cannot parse \"-5\" as \"2006\"");
    CHECK_NOTHROW(parse_time("2028-02-29", now));
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

const nlohmann::json container = {
    {"Name", "shop-web-1"}, {"Service", "web"},      {"ExitCode", 0},
    {"Health", ""},         {"Label", {{"a", "1"}}}, {"Publishers", {{{"TargetPort", 80}}, {{"TargetPort", 81}}}}};

std::string run(const std::string& text) { return Template(text).execute(container); }
std::string inspected(const std::string& text, const nlohmann::ordered_json& data) {
    return Template(text).execute(data, "\n\t");
}

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
    const std::pair<const char*, const char*> cases[] = {{"{{.Name}}/{{.Service}}/{{.ExitCode}}", "shop-web-1/web/0"},
                                                         {"{{json .Service}}", "\"web\""},
                                                         {"{{upper .Service}}", "WEB"},
                                                         {"{{ .Service|title }}", "Web"},
                                                         {"{{.Label \"a\"}}|{{.Label \"b\"}}", "1|"},
                                                         {"{{truncate .Name 4}}", "shop"},
                                                         {"{{join (split .Name \"-\") \"+\"}}", "shop+web+1"},
                                                         {"{{len .Publishers}}", "2"},
                                                         {"{{index .Label \"a\"}}", "1"},
                                                         {"{{pad .Service 1 2}}|", " web  |"},
                                                         {"a\\tb", "a\\tb"},
                                                         {"{{println .Service}}", "web\n"},
                                                         {"x {{- .Service -}} y", "xweby"}};
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
    CHECK(template_error("{{.Nope}}") ==
          "template parsing error: template: :1:2: executing \"\" at <.Nope>: can't evaluate field Nope");
    CHECK(template_error("{{frob .Name}}") == "template parsing error: template: :1: function \"frob\" not defined");
    CHECK(template_error("{{.Name") == "template parsing error: template: :1: unclosed action");
    CHECK(template_error("{{if .Name}}x") == "template parsing error: template: :1: unexpected EOF");
    CHECK(template_error("{{}}") == "template parsing error: template: :1: missing value for command");
    CHECK(template_error("{{end}}") == "template parsing error: template: :1: unexpected {{end}}");
    const std::pair<const char*, const char*> parts[] = {
        {"a\n{{.Nope}}", ":2:2:"},
        {"{{if}}x{{end}}", "missing value for if"},
        {"{{template \"x\" ()}}", "missing value for parenthesized pipeline"},
        {"{{/* x", "unclosed comment"},
        {"{{\"x}}", "unterminated quoted string"},
        {"{{.Name 1}}", ":1:2: executing \"\" at <.Name>: Name is not a method but has arguments"},
        {"{{nil}}", "at <nil>: nil is not a command"},
        {"x {{range $x := .Name}}{{end}}", ":1:16: executing \"\" at <.Name>: range"},
        {"{{$x}}", "undefined variable \"$x\""},
        {"{{.Name.First}}", "can't evaluate field First"},
        {"{{call .Name}}", "at <call .Name>: error calling call: non-function .Name of type string"},
        {"{{call nil}}", "error calling call: call of nil"},
        {"{{call}}", "wrong number of args for call: want at least 1 got 0"},
        {"{{len 3}}", "at <len 3>: error calling len: len of type int"},
        {"{{index .Publishers 5}}",
         ":1:2: executing \"\" at <index .Publishers 5>: error calling index: index out of range: 5"},
        {"{{index .Publishers \"a\"}}", "cannot index slice/array with type string"},
        {"{{index .Name 10}}", "at <index .Name 10>: error calling index: reflect: string index out of range"},
        {"{{slice .Name 0 300}}", "at <slice .Name 0 300>: error calling slice: index out of range: 300"},
        {"{{(index .Publishers 0).x}}", ":1:21: executing \"\" at <0>: can't evaluate field x"},
        {"{{.Name.A.B}}", ":1:7: executing \"\" at <.Name.A.B>: can't evaluate field A in type string"},
        {"{{join .Publishers 1}}", "at <1>: expected string; found 1"},
        {"{{eq 1 \"1\"}}", "at <eq 1 \"1\">: error calling eq: incompatible types for comparison: int and string"},
        {"{{lt true false}}", "invalid type for comparison"},
        {"{{upper}}", "at <upper>: wrong number of args for upper: want 1 got 0"},
        {"{{range .Name}}{{end}}", "range can't iterate over shop-web-1"},
        {"{{break}}", "outside {{range}}"},
        {"{{if true}}{{else if false}}{{else}}{{else}}{{end}}", "unexpected {{else}}"},
        {"{{1 2}}", "can't give argument to non-function"},
        {"{{(.Name}}", "unclosed left paren"},
        {"{{.Name)}}", "unexpected right paren"},
        {"{{range 99999999999}}{{range 99999}}{{end}}{{end}}", "does not come to an end"},
        {"{{pad .Name 9999999999 1}}", "cannot pad"},
        {"{{template \"x\"}}", ":1:11: executing \"\" at <{{template \"x\"}}>: template \"x\" not defined"},
        {"{{template .Name}}", "unexpected \"Name\" in template clause"},
        {"{{if true}}{{define \"x\"}}{{end}}{{end}}", "unexpected {{define}}"},
        {"{{define \"x\"}}a{{end}}{{define \"x\"}}b{{end}}", "multiple definition of template \"x\""},
        {"{{define \"x\"}}{{template \"x\"}}{{end}}{{template \"x\"}}", "exceeded maximum template depth"},
        {"{{range .Publishers}}{{block \"x\" .}}{{break}}{{end}}{{end}}", "outside {{range}}"},
        {"{{define \"x\"}}a", "unexpected EOF"}};
    for (const auto& [text, part] : parts) {
        INFO(text);
        CHECK(template_error(text).find(part) != std::string::npos);
    }
}

TEST_CASE("template: Swarm's objects have their fields also where their documents leave them out") {
    using Object = nlohmann::ordered_json;
    const Object task = {
        {"ID", "t"},
        {"Version", {{"Index", 3}}},
        {"CreatedAt", "2026-01-02T03:04:05.5Z"},
        {"UpdatedAt", "2026-01-02T03:04:05.5Z"},
        {"Labels", Object::object()},
        {"Spec",
         {{"ContainerSpec", {{"Image", "busybox"}, {"DNSConfig", Object::object()}}},
          {"Placement", Object::object()},
          {"ForceUpdate", 0}}},
        {"ServiceID", "s"},
        {"Status", {{"Timestamp", "2026-01-02T03:04:05.5Z"}, {"State", "running"}, {"PortStatus", Object::object()}}},
        {"DesiredState", "running"},
        {"Volumes", nullptr}};
    const Object node = {{"ID", "n"},
                         {"Spec", {{"Labels", Object::object()}, {"Role", "manager"}, {"Availability", "active"}}},
                         {"Description",
                          {{"Hostname", "h"},
                           {"Platform", {{"Architecture", "x86_64"}, {"OS", "linux"}}},
                           {"Engine", {{"EngineVersion", "1"}}}}},
                         {"Status", {{"State", "ready"}, {"Addr", "127.0.0.1"}}}};
    const auto told = [](const Object& data, const char* text) { return Template(text).execute_inspected(data, data); };
    const std::pair<const char*, const char*> tasks[] = {
        {"{{.Status.Err}}|{{.Name}}|{{.Slot}}|{{.NodeID}}", "||0|"},
        {"{{.Status.ContainerStatus}} {{.JobIteration}}", "<nil> <nil>"},
        {"{{.NetworksAttachments}} {{.GenericResources}} {{.Volumes}}", "[] [] []"},
        {"{{.Status.PortStatus.Ports}} {{.Status.PortStatus}}", "[] {[]}"},
        {"{{.Status}}", "{2026-01-02 03:04:05.5 +0000 UTC running   <nil> {[]}}"},
        {"{{.Spec.ContainerSpec.Hostname}}|{{.Spec.ContainerSpec.DNSConfig.Search}}|{{.Spec.RestartPolicy}}",
         "|[]|<nil>"},
        {"{{.Spec.Placement.MaxReplicas}} {{.Spec.Placement.Constraints}}", "0 []"},
        {"{{.Meta.Version.Index}} {{.CreatedAt}}", "3 2026-01-02 03:04:05.5 +0000 UTC"},
        {"{{json .Status.PortStatus}} {{json .Spec.ContainerSpec.DNSConfig}}", "{} {}"}};
    for (const auto& [text, shown] : tasks) {
        INFO(text);
        CHECK(told(task, text) == shown);
    }
    CHECK(told(node, "{{.Spec.Name}}|{{.Spec.Annotations.Name}}|{{.Status.Message}}|{{.Version.Index}}") == "|||0");
    CHECK(told(node, "{{.Description.TLSInfo}} {{.Description.TLSInfo.TrustRoot}}|{{.ManagerStatus}}") ==
          "{ [] []} |<nil>");
    CHECK(told(node, "{{.Description.Engine.Labels}} {{.Description.CSIInfo}}") == "map[] []");
    CHECK_THROWS_AS(told(node, "{{.ManagerStatus.Leader}}"), Error); // a nil pointer
    CHECK_THROWS_AS(told(node, "{{.Status.Nothing}}"), Error);
}

TEST_CASE("template: a variable that nobody declared is a mistake of the text, in the scope where it stands") {
    CHECK_THROWS_WITH(Template("{{$x}}"), "template parsing error: template: :1: undefined variable \"$x\"");
    CHECK_THROWS_WITH(Template("{{if true}}{{$x := 1}}{{end}}{{$x}}"),
                      "template parsing error: template: :1: undefined variable \"$x\"");
    CHECK_THROWS_WITH(Template("{{$x := 1}}{{define \"a\"}}{{$x}}{{end}}"),
                      "template parsing error: template: :1: undefined variable \"$x\"");
    CHECK_NOTHROW(Template("{{range $i, $e := .}}{{$i}}{{$e}}{{$}}{{else}}{{$e}}{{end}}"));
}

TEST_CASE("template: what inspect cannot make of its structures it tries on plain JSON, where a key has to be there") {
    const nlohmann::ordered_json plain = {{"State", {{"ExitCode", 3}, {"Error", nullptr}}},
                                          {"Args", {"a"}},
                                          {"Networks", nlohmann::ordered_json::object()}};
    nlohmann::ordered_json data = plain;
    data["State"]["Health"] = nullptr;
    const auto told = [&](const char* text) {
        try {
            return Template(text).execute_inspected(data, plain);
        } catch (const Error& e) {
            const std::string_view known = "template parsing error: template: :1:";
            return std::string(e.what()).substr(known.size());
        }
    };
    CHECK(told("{{.State.Health}}") == "<nil>");
    CHECK(told("{{.State.Health.Status}}") ==
          "8: executing \"\" at <.State.Health.Status>: map has no entry for key \"Health\"");
    CHECK(told("{{.State.Error.x}}") == "8: executing \"\" at <.State.Error.x>: nil pointer evaluating interface {}.x");
    CHECK(told("{{.Args.foo}}") == "7: executing \"\" at <.Args.foo>: can't evaluate field foo in type interface {}");
    CHECK(told("{{(index .Args 0).x}}") == "15: executing \"\" at <0>: can't evaluate field x in type string");
    CHECK(told("{{(index .Networks \"x\").IP}}") == "19: executing \"\" at <\"x\">: nil data; no entry for key \"IP\"");
    CHECK(told("{{eq .State.ExitCode \"3\"}}") == "true"); // a number is a text there
    CHECK(told("{{eq .State 1}}") == "2: executing \"\" at <eq .State 1>: error calling eq: incompatible types for "
                                     "comparison: map[string]interface {} and int");
}

TEST_CASE("template: variables, ranges and blocks as in Go") {
    const nlohmann::ordered_json data = {
        {"Name", "web"},
        {"N", 3},
        {"F", 2.5},
        {"List", {"a", "b", "c"}},
        {"Empty", nlohmann::ordered_json::array()},
        {"None", nullptr},
        {"Labels", {{"z", "1"}, {"a", "2"}}},
        {"Networks", {{"front", {{"IPAddress", "10.0.0.2"}}}, {"back", {{"IPAddress", "10.0.0.3"}}}}}};
    const std::pair<const char*, const char*> cases[] = {
        {"{{range $k, $v := .Labels}}{{$k}}={{$v}};{{end}}", "a=2;z=1;"}, // a map is walked in the order of its keys
        {"{{range $i, $e := .List}}{{$i}}:{{$e}} {{end}}", "0:a 1:b 2:c "},
        {"{{range $e := .List}}{{$e}}{{end}}", "abc"},
        {"{{range .Empty}}x{{else}}nothing{{end}}", "nothing"},
        {"{{range .None}}x{{else}}nothing{{end}}", "nothing"},
        {"{{range 3}}{{.}}{{end}}", "012"},
        {"{{range .List}}{{if eq . \"b\"}}{{continue}}{{end}}{{.}}{{end}}", "ac"},
        {"{{range .List}}{{if eq . \"b\"}}{{break}}{{end}}{{.}}{{end}}", "a"},
        {"{{range $n, $c := .Networks}}{{$n}} {{$c.IPAddress}}\n{{end}}", "back 10.0.0.3\nfront 10.0.0.2\n"},
        {"{{range .Networks}}{{.IPAddress}} {{end}}", "10.0.0.3 10.0.0.2 "},
        {"{{(index .Networks \"front\").IPAddress}}", "10.0.0.2"},
        {"{{.Networks.front.IPAddress}}", "10.0.0.2"},
        {"{{.Labels.nope}}|{{index .Labels \"nope\"}}|", "<no value>||"},
        {"{{.Networks.nope}} {{.Networks.nope.IPAddress}} {{index .Networks \"nope\"}}", "<no value> <no value> <nil>"},
        {"{{$x := 1}}{{if true}}{{$x = 2}}{{end}}{{$x}}", "2"},
        {"{{$x := 1}}{{if true}}{{$x := 2}}{{$x}}{{end}}{{$x}}", "21"},
        {"{{with $x := .Name}}{{$x}}{{.}}{{end}}", "webweb"},
        {"{{with .Empty}}a{{else with .Name}}b{{.}}{{else}}c{{end}}", "bweb"},
        {"{{if .Empty}}a{{else if .None}}b{{else if gt .N 2}}c{{end}}", "c"},
        {"{{/* nothing */}}a {{- /* trimmed */ -}} b", "ab"},
        {"{{ \"}}\" }}{{`raw \\n`}}{{\"\\x41\\u00e9\\t\"}}", "}}raw \\nA\u00e9\t"},
        {"{{'a'}} {{0x10}} {{1e3}} {{-5}} {{true}}", "97 16 1000 -5 true"},
        {"{{print 1 2 \"a\" 3}}|{{print \"a\" \"b\"}}|{{println 1 \"a\"}}", "1 2a3|ab|1 a\n"},
        {"{{and 1 0 2}} {{or 0 \"\" \"x\"}} {{not \"\"}} {{and .Name .None}}", "0 x true <no value>"},
        {"{{eq .N 1 2 3}} {{ne .N 3}} {{lt 1 2}} {{le 2 2}} {{gt \"b\" \"a\"}} {{ge 1 2}}",
         "true false true true true false"},
        {"{{len .List}} {{len .Name}} {{len .Labels}}", "3 3 2"},
        {"{{slice .Name 1}} {{slice .Name 1 2}} {{slice .List 1}} {{index .List 2}} {{index .Name 0}}",
         "eb e [b c] c 119"},
        {"{{.List}} {{.Labels}} {{.F}} {{.None}} {{json .None}}", "[a b c] map[a:2 z:1] 2.5 [] null"},
        {"{{json .}}",
         R"({"Name":"web","N":3,"F":2.5,"List":["a","b","c"],"Empty":[],"None":null,"Labels":{"z":"1","a":"2"},"Networks":{"front":{"IPAddress":"10.0.0.2"},"back":{"IPAddress":"10.0.0.3"}}})"},
        {"{{json .Labels}}{{.Labels | json | len}}", R"({"z":"1","a":"2"}17)"},
        {"{{join .List \",\"}} {{split \"a,b\" \",\"}} {{len (split \"abc\" \"\")}}", "a,b,c [a b] 3"},
        {"{{title \"hello wORLD foo-bar a_b\"}} {{upper \"aé\"}}", "Hello WORLD Foo-Bar A_b Aé"},
        {"{{truncate .Name 2}}{{truncate .Name 9}}|{{pad .Name 1 2}}|{{pad \"\" 3 3}}|", "weweb| web  ||"},
        {"{{html \"<a href='x'>&\"}} {{js \"a'b<\"}} {{urlquery \"a b&c/ü\"}}",
         "&lt;a href=&#39;x&#39;&gt;&amp; a\\'b\\u003C a+b%26c%2F%C3%BC"},
    };
    for (const auto& [text, expected] : cases) {
        INFO(text);
        CHECK(inspected(text, data) == expected);
    }
}

TEST_CASE("template: templates in a template have a dot and a $ of their own") {
    const std::pair<const char*, const char*> cases[] = {
        {"{{define \"T\"}}<{{.}}>{{end}}{{template \"T\" .Service}}{{template \"T\" 1}}", "<web><1>"},
        {"{{template \"T\"}}{{define \"T\"}}{{if .}}x{{else}}none{{end}}{{end}}", "none"},
        {"{{block \"B\" .Service}}[{{$}}]{{end}} {{template \"B\" \"again\"}}", "[web] [again]"},
        {"{{$x := 1}}{{define \"T\"}}{{$x := 2}}{{$x}}{{end}}{{template \"T\"}}{{$x}}", "21"},
        {"{{define \"L\"}}{{range .}}{{.TargetPort}}{{if eq .TargetPort 80}}{{break}}{{end}}{{end}}{{end}}"
         "{{range $i := .Publishers}}{{template \"L\" $.Publishers}};{{end}}",
         "80;80;"}};
    for (const auto& [text, expected] : cases) {
        INFO(text);
        CHECK(run(text) == expected);
    }
}

TEST_CASE("template: structures, addresses, times and durations as Go has them") {
    const auto data = nlohmann::ordered_json::parse(R"({
        "State": {"Status": "exited", "Running": false, "Paused": false, "Restarting": false, "OOMKilled": false,
                  "Dead": false, "Pid": 0, "ExitCode": 3, "Error": "", "StartedAt": "a", "FinishedAt": "b"},
        "Policy": {"Name": "always", "MaximumRetryCount": 0},
        "Check": {"Test": ["CMD", "true"], "Interval": 90000000000, "Timeout": 1500000},
        "Mounts": [{"Type": "tmpfs", "Source": "", "Destination": "/t", "Mode": "", "RW": true, "Propagation": ""}],
        "Ports": {"80/tcp": [{"HostIp": "", "HostPort": "8081"}]},
        "Networks": {"n": {"NetworkID": "i", "EndpointID": "", "Gateway": "", "IPAddress": "", "MacAddress": "",
                           "GlobalIPv6Address": "fd00::1"}},
        "IPAM": {"Driver": "default", "Options": null, "Config": [{"Subnet": "10.1.0.0/16", "Gateway": "10.1.0.1"}]},
        "Meta": {"LastTagTime": "2026-11-21T11:56:55.5Z"},
        "Of": {"Mode": "prod"}, "Others": {"Image": "web"},
        "Labels": {"b": "2", "a-b": "1", "a": "x"}, "Args": ["one", "two"]})");
    const std::pair<const char*, const char*> cases[] = {
        {"{{.Of}} {{.Others}}", "map[Mode:prod] map[Image:web]"}, // labels, called like fields of Swarm's
        {"{{.State}}", "{exited false false false false false 0 3  a b <nil>}"},
        {"{{printf \"%v\" .State}}", "&{exited false false false false false 0 3  a b <nil>}"},
        {"{{printf \"%T %T %T %T\" .State .Policy .Labels .Args}}",
         "*container.State container.RestartPolicy map[string]string []string"},
        {"{{printf \"%+v\" .Policy}}", "{Name:always MaximumRetryCount:0}"},
        {"{{printf \"%#v\" .Policy}}", "container.RestartPolicy{Name:\"always\", MaximumRetryCount:0}"},
        {"{{printf \"%#v %#v\" .Labels .Args}}",
         "map[string]string{\"a\":\"x\", \"a-b\":\"1\", \"b\":\"2\"} []string{\"one\", \"two\"}"},
        {"{{printf \"%q %q\" .Labels .Args}}", "map[\"a\":\"x\" \"a-b\":\"1\" \"b\":\"2\"] [\"one\" \"two\"]"},
        {"{{.Labels}}", "map[a:x a-b:1 b:2]"},
        {"{{.Check}} {{.Check.Interval}} {{.Check.Retries}}", "{[CMD true] 1m30s 1.5ms 0s 0s 0} 1m30s 0"},
        {"{{json .Check.Interval}}", "90000000000"},
        {"{{.Mounts}}", "[{tmpfs   /t   true }]"},
        {"{{.Ports}}", "map[80/tcp:[{invalid IP 8081}]]"},
        {"{{range .Networks}}{{.IPAddress}} {{.GlobalIPv6Address}}{{end}}", "invalid IP fd00::1"},
        {"{{range .Networks}}{{json .IPAddress}}{{end}}", "\"\""},
        {"{{.IPAM}}", "{default map[] [{10.1.0.0/16 invalid Prefix 10.1.0.1 map[]}]}"},
        {"{{.Meta.LastTagTime}} {{.Meta}}", "2026-11-21 11:56:55.5 +0000 UTC {2026-11-21 11:56:55.5 +0000 UTC}"}};
    for (const auto& [text, expected] : cases) {
        INFO(text);
        CHECK(inspected(text, data) == expected);
    }
}

TEST_CASE("template: docker's structures have Go's field names, and are printed as Go prints them") {
    const auto data = nlohmann::ordered_json::parse(R"({
        "Id": "abc", "Label": {"a": "1"}, "Labels": "a=1",
        "HostConfig": {"NanoCpus": 5, "Dns": ["1.1.1.1"], "RestartPolicy": {"Name": "on-failure", "MaximumRetryCount": 3},
                       "LogConfig": {"Type": "json-file", "Config": {}}},
        "Config": {"ExposedPorts": {"80/tcp": {}, "53/udp": {}}},
        "Mounts": [{"Type": "bind", "Source": "/a", "Destination": "/b", "Mode": "ro", "RW": false, "Propagation": "rprivate"}],
        "Ports": {"80/tcp": [{"HostIp": "0.0.0.0", "HostPort": "8081"}], "9/tcp": null}})");
    const std::pair<const char*, const char*> cases[] = {
        {"{{.ID}} {{.Id}}", "abc abc"},
        {"{{.HostConfig.NanoCPUs}} {{.HostConfig.DNS}}", "5 [1.1.1.1]"},
        {"{{.HostConfig.RestartPolicy}} {{.HostConfig.LogConfig}}", "{on-failure 3} {json-file map[]}"},
        {"{{.Config.ExposedPorts}}", "map[53/udp:{} 80/tcp:{}]"},
        {"{{.Mounts}}", "[{bind  /a /b  ro false rprivate}]"},
        {"{{.Ports}}", "map[80/tcp:[{0.0.0.0 8081}] 9/tcp:[]]"},
        {"{{(index (index .Ports \"80/tcp\") 0).HostIP}}", "0.0.0.0"},
        {"{{json .Labels}} {{.Label \"a\"}}", "\"a=1\" 1"}};
    for (const auto& [text, expected] : cases) {
        INFO(text);
        CHECK(inspected(text, data) == expected);
    }
    CHECK(inspected("{{json .}}", data).find("\"Label\"") == std::string::npos);
    CHECK_THROWS_AS(inspected("{{.id}}", data), Error);
}

TEST_CASE("template: printf is Go's") {
    const std::pair<const char*, const char*> cases[] = {
        {"{{printf \"%s/%v/%d\" .Name .Service .ExitCode}}", "shop-web-1/web/0"},
        {"{{printf \"%-12s|%5s|%.2s\" .Name .Service .Service}}", "shop-web-1  |  web|we"},
        {"{{printf \"%5d|%-5d|%05d|%+d\" 42 42 -42 42}}", "   42|42   |-0042|+42"},
        {"{{printf \"%x %X %o %b %#x %c %U\" 255 255 8 5 255 65 65}}", "ff FF 10 101 0xff A U+0041"},
        {"{{printf \"%.2f %8.3f %e %g %v\" 3.14159 3.14159 1234.5 1e21 0.1}}", "3.14    3.142 1.234500e+03 1e+21 0.1"},
        {"{{printf \"%q %x %t %%\" .Service .Service true}}", "\"web\" 776562 true %"},
        {"{{printf \"%d\" .Service}}", "%!d(string=web)"},
        {"{{printf \"%s\"}}", "%!s(MISSING)"},
        {"{{printf \"x\" 1 \"a\"}}", "x%!(EXTRA int=1, string=a)"},
        {"{{printf \"%z\" 1}}", "%!z(int=1)"},
        {"{{printf \"%*d|%T|%T\" 5 1 .Service 1.5}}", "    1|string|float64"},
        {"{{printf \"%v %s\" .Label .Label}}", "map[a:1] map[a:1]"},
        {"{{.Service | printf \"%s-%s\" \"a\"}}", "a-web"},
        {"{{printf \"%5t|%-6v|\" true false}}", " true|false |"},
        {"{{printf \"%v %v\" 1000000.5 123456.0}}", "1.0000005e+06 123456"},
        {"{{printf \"%6.2f%%\" 12.345}}", " 12.35%"},
        {"{{printf \"%\"}}", "%!(NOVERB)"}};
    for (const auto& [text, expected] : cases) {
        INFO(text);
        CHECK(run(text) == expected);
    }
}

TEST_CASE("template: what a container wrote does not steer the terminal") {
    const nlohmann::json row = {
        {"Labels", "a=\x1b]0;PWN\x07\n\u009b2Jfake\xff"}, {"Label", {{"k", "\x1b[2J\ttab"}}}, {"List", {"x\x1b"}}};
    const std::string safe = "a=\\x1b]0;PWN\\a\\n\\u009b2Jfake\\xff";
    CHECK(Template("{{.Labels}}").execute(row) == safe);
    CHECK(Template("{{range .List}}{{.}}{{end}}{{$x := .Label}}{{index $x \"k\"}}").execute(row) ==
          "x\\x1b\\x1b[2J\ttab");
    CHECK(Template("{{.Label \"k\"}}").execute(row) == "\\x1b[2J\\ttab");
    CHECK(Template("{{upper .Labels}}").execute(row).find('\x1b') == std::string::npos);
    CHECK(Template("{{json .Labels}}").execute(row) == "\"a=\\u001b]0;PWN\\u0007\\n\\u009b2Jfake\xef\xbf\xbd\"");
    CHECK(Template("{{\"\\x1b[31m\"}}x\x1b[0m").execute(row) == "\x1b[31mx\x1b[0m"); // the user's own colours
    CHECK(render_list(ListFormat::parse("json"), {row}, {}, {}).find("\xc2\x9b") == std::string::npos);
    const nlohmann::json titles = {{"Labels", "LABELS"}};
    CHECK(render_list(ListFormat::parse("table {{.Labels}}"), {row}, {}, titles) == "LABELS\n" + safe + "\n");
    CHECK(render_list(ListFormat::parse(""), {row}, {"Labels"}, titles) == "LABELS\n" + safe + "\n");
    CHECK(Table{{"CMD"}, {{"a\nroot 1 fake", "\x1b[2J"}}}.to_string() == "CMD\na\\nroot 1 fake   \\x1b[2J\n");
}

TEST_CASE("template: titles of a table as docker makes them") {
    const nlohmann::json titles = {{"Name", "NAME"}, {"Service", "SERVICE"}, {"Label", nlohmann::json::object()}};
    const auto title = [&](const std::string& text) {
        const std::string all = render_list(ListFormat::parse(text), {}, {}, titles);
        return all.substr(0, all.find('\n'));
    };
    CHECK(title("table {{.Name}}\\t{{.Service}}") == "NAME      SERVICE");
    CHECK(title("table {{lower .Name}} {{title .Service}} {{json .Name}} {{truncate .Name 1}}") ==
          "NAME SERVICE NAME NAME");
    CHECK(title("table{{.Name}}") == "NAME");
    CHECK(title("table   {{.Label \"com.example.my-key\"}}") == "my key");
    CHECK(title("table {{.Nope}}") == "<no value>");
    CHECK(title("table {{printf \"%s\" .Name}}") == "NAME");
    CHECK(render_list(ListFormat::parse("  {{.Name}}\\t|\\n "), {container}, {}, titles) == "shop-web-1\t|\n\n");
}

TEST_CASE("template: rows as JSON have < and > by their numbers, as docker's lists; parts of them have not") {
    const nlohmann::json row = {{"Ports", "80->80/tcp"}, {"Tag", "<none>"}};
    CHECK(render_list(ListFormat::parse("json"), {row}, {}, {}) ==
          "{\"Ports\":\"80-\\u003e80/tcp\",\"Tag\":\"\\u003cnone\\u003e\"}\n");
    CHECK(render_list(ListFormat::parse("{{json .}}"), {row}, {}, {}) ==
          "{\"Ports\":\"80-\\u003e80/tcp\",\"Tag\":\"\\u003cnone\\u003e\"}\n");
    CHECK(render_list(ListFormat::parse("{{json .Tag}} {{.Ports}}"), {row}, {}, {}) == "\"<none>\" 80->80/tcp\n");
    CHECK(Template("{{json .}}").execute(row) == "{\"Ports\":\"80->80/tcp\",\"Tag\":\"<none>\"}");
    ListFormat compose = ListFormat::parse("json");
    compose.escapes = false;
    CHECK(render_list(compose, {row}, {}, {}) == "{\"Ports\":\"80->80/tcp\",\"Tag\":\"<none>\"}\n");
}

TEST_CASE("template: a table template has a header from the same fields") {
    const nlohmann::json headers = {{"Name", "NAME"}, {"Service", "SERVICE"}};
    CHECK(render_list(ListFormat::parse("table {{.Name}}\t{{.Service}}"), {container}, {}, headers) ==
          "NAME         SERVICE\nshop-web-1   web\n");
    CHECK(render_list(ListFormat::parse(""), {}, {"Name", "Service"}, headers) == "NAME      SERVICE\n");
    CHECK(render_list(ListFormat::parse("{{.Service}}"), {container, container}, {}, headers) == "web\nweb\n");
    CHECK(render_list(ListFormat::parse("json"), {nlohmann::json{{"b", 1}, {"a", 2}}}, {}, headers) ==
          "{\"a\":2,\"b\":1}\n");
}

TEST_CASE("lists: raw is a form of its own where docker has it, and a text elsewhere") {
    const nlohmann::json row = {{"Name", "n"}, {"Driver", "d"}, {"ID", "i"}, {"Scope", "local"}};
    CHECK(render_list(ListFormat::parse("raw", "formatter.volumeContext"), {row}, {}, {}) == "name: n\ndriver: d\n\n");
    CHECK(render_list(ListFormat::parse("raw", "network.networkContext"), {row, row}, {}, {}) ==
          "network_id: i\nname: n\ndriver: d\nscope: local\n\nnetwork_id: i\nname: n\ndriver: d\nscope: local\n\n");
    nlohmann::json container = nlohmann::json::object();
    for (const char* field : {"ID", "Image", "Command", "CreatedAt", "State", "Status", "Names", "Labels", "Ports"})
        container[field] = "";
    container["State"] = "running";
    CHECK(render_list(ListFormat::parse("raw", "formatter.ContainerContext"), {container}, {}, {})
              .find("state: running\nstatus:\nnames: \nlabels:\nports:\n\n") != std::string::npos);
    CHECK(render_list(ListFormat::parse("raw", "image.historyContext"), {row}, {}, {}) == "raw\n");
}
