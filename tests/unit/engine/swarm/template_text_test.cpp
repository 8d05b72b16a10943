#include "engine/swarm/template_text.hpp"

#include "engine/swarm/template_parse.hpp"

#include "davit/error.hpp"

#include <doctest/doctest.h>

using namespace davit;

namespace {

struct Expansion {
    swarm::Service service;
    swarm::Holes holes{"HOLE"};

    Expansion() {
        service.id = "id1";
        service.spec.name = "x_web";
        service.spec.labels = {{"tier", "front"}, {"a.b", "dots"}};
    }
    std::string operator()(const std::string& text) const { return expand_template(text, {service, holes}); }
};

} // namespace

TEST_CASE("what is the service's stands there at once, what is a task's becomes a hole") {
    const Expansion expand;
    const std::pair<const char*, std::string> rows[] = {
        {"plain }} {", "plain }} {"},
        {"{{.Service.Name}}-{{.Task.Slot}}", "x_web-HOLEn_"},
        {"{{ .Service.ID }}", "id1"},
        {"{{$.Task.ID}}{{.Task.Name}}", "HOLEt_HOLEm_"},
        {"{{.Node.ID}} {{.Node.Hostname}}", "HOLEi_ HOLEh_"},
        {"{{.Node.Platform.OS}}/{{.Node.Platform.Architecture}}", "linux/x86_64"},
        {"{{.Service.Labels.tier}}", "front"},
        {"{{index .Service.Labels \"a.b\"}}", "dots"},
        {"{{index .Service.Labels \"none\"}}", ""},
        {"{{.Service.Labels}}", "map[a.b:dots tier:front]"},
        {"a {{- .Service.Name -}} b", "ax_webb"},
        {"a{{/* said nothing */}}b", "ab"},
        {"{{\"}}\"}}", "}}"},
        {"{{printf \"%s-%d\" .Service.Name .Task.Slot}}", "x_web-HOLEn_"},
        {"{{.Service.Name | printf \"<%s>\"}}", "<x_web>"},
        {"{{print (index .Service.Labels `tier`) \"!\"}}", "front!"},
        {"{{if .Service.Labels.tier}}yes{{else}}no{{end}}", "yes"},
        {"{{if eq .Service.Name \"x_web\" \"y\"}}a{{else if .Task.ID}}b{{end}}", "a"},
        {"{{if not (eq .Service.Name \"x_web\")}}a{{else if .Task.ID}}b{{end}}", "b"},
        {"{{if and .Task.Slot (ne .Service.Name \"z\")}}both{{end}}", "both"},
        {"{{range $k, $v := .Service.Labels}}{{$k}}={{$v}};{{end}}", "a.b=dots;tier=front;"},
        {"{{range .Service.Labels}}{{.}} {{$.Service.ID}},{{end}}", "dots id1,front id1,"},
        {"{{with .Service}}{{.Name}}{{end}}{{with index .Service.Labels \"none\"}}x{{else}}-{{end}}", "x_web-"},
        {"{{$n := .Service.Name}}{{if true}}{{$n = \"other\"}}{{end}}{{$n}}", "other"},
        {"{{if gt (len .Service.Labels) 1}}many{{end}}", "many"},
        {"{{- range .Service.Labels -}} {{ . }} {{- end -}}", "dotsfront"},
    };
    for (const auto& [text, expected] : rows) {
        INFO(text);
        CHECK(expand(text) == expected);
    }
}

TEST_CASE("what is no template is refused, with what is wrong in it") {
    const Expansion expand;
    const std::pair<const char*, const char*> rows[] = {
        {"{{.Nope}}", "can't evaluate field Nope"},
        {"{{.Service.Nope}}", "can't evaluate field Nope"},
        {"{{.Service.Labels.none}}", "no entry for key \"none\""},
        {"{{.Service.Name", "unclosed action"},
        {"{{}}", "missing value"},
        {"{{\"a}}", "unclosed action"},
        {"{{nope}}", "function \"nope\" not defined"},
        {"{{env \"A\"}}", "function \"env\" not defined"},
        {"{{(.Service.Name}}", "unclosed left paren"},
        {"{{.Service.Name .Task.ID}}", "non-function"},
        {"{{if .Task.Slot}}x", "unexpected EOF"},
        {"{{else}}", "unexpected {{else}}"},
        {"{{if}}x{{end}}", "missing value for if"},
        {"{{if 1}}a{{else}}b{{else}}c{{end}}", "unexpected {{else}}"},
        {"{{define \"x\"}}{{end}}", "expands no 'define'"},
        {"{{$x}}", "undefined variable \"$x\""},
        {"{{range .Service.Name}}x{{end}}", "range can't iterate"},
        {"{{if lt .Task.Slot \"2\"}}x{{end}}", "known for each task only"},
        {"{{if eq .Task.Slot 1}}x{{end}}", "incompatible types"},
        {"{{if eq .Task.Slot \"1\"}}\"{{end}}", "cannot depend on the task"},
    };
    for (const auto& [text, expected] : rows) {
        INFO(text);
        CHECK_THROWS_WITH_AS(expand(text), doctest::Contains(expected), Error);
    }
}

TEST_CASE("what is wrong in a template has the place that Go tells") {
    const Expansion expand;
    const std::pair<const char*, const char*> rows[] = {
        {"{{.Foo}}", "template: expansion:1:2: executing \"expansion\" at <.Foo>: can't evaluate field Foo in type "
                     "*template.Context"},
        {"a\nb {{ .Service.Foo }}",
         "template: expansion:2:13: executing \"expansion\" at <.Service.Foo>: can't evaluate field Foo in type "
         "struct { ID string; Name string; Labels map[string]string }"},
        {"{{.Service.Labels.none}}", "template: expansion:1:10: executing \"expansion\" at <.Service.Labels.none>: map "
                                     "has no entry for key \"none\""},
        {"{{if true}}\n{{len .Service.Name 1}}{{end}}", "template: expansion:2:2: executing \"expansion\" at <len "
                                                        ".Service.Name 1>: wrong number of args for len: got 2"},
        {"{{", "template: expansion:1: unclosed action"},
        {"\n{{nope}}", "template: expansion:2: function \"nope\" not defined"},
        {"{{range .Service.Name}}x{{end}}", "template: expansion:1:8: executing"},
    };
    for (const auto& [text, expected] : rows) {
        INFO(text);
        CHECK_THROWS_WITH_AS(expand(text), doctest::Contains(expected), Error);
    }
}

TEST_CASE("what depends on the task is decided when its holes are filled") {
    const Expansion expand;
    auto of_task = [&](const std::string& text, std::uint64_t slot) {
        swarm::HoleValues values;
        values.slot = slot;
        values.task_id = "t" + std::to_string(slot);
        values.node_id = "node1";
        return expand.holes.filled(expand(text), values);
    };
    struct Row {
        const char *text, *first, *second;
    };
    const Row rows[] = {
        {"{{if eq .Task.Slot \"1\"}}primary{{else}}replica-{{.Task.Slot}}{{end}}", "primary", "replica-2"},
        {"{{if ne .Task.Slot \"1\"}}replica{{end}}!", "!", "replica!"},
        {"{{if eq .Task.Slot \"2\" \"3\"}}a{{else if eq .Task.ID \"t1\"}}b{{end}}", "b", "a"},
        {"{{if and (eq .Task.Slot \"1\") .Service.Name}}a{{else}}b{{end}}", "a", "b"},
        {"{{if or (eq .Task.Slot \"1\") (eq .Node.ID \"node1\")}}a{{else}}b{{end}}", "a", "a"},
        {"{{if not (eq .Task.Slot \"1\")}}a{{else}}b{{end}}", "b", "a"},
        {"{{eq .Task.Slot \"1\"}}", "true", "false"},
        {"{{if eq .Task.Slot \"1\"}}{{if eq .Task.ID \"t1\"}}in{{end}}{{end}}", "in", ""},
    };
    for (const auto& [text, first, second] : rows) {
        INFO(text);
        CHECK(of_task(text, 1) == first);
        CHECK(of_task(text, 2) == second);
    }
    CHECK(of_task("{{.Task.Slot}}", 0) == "node1"); // a global service's, as Swarm has it
}

TEST_CASE("configs may look up the task's environment, secrets and configs") {
    const Expansion expand;
    TemplateContext context{expand.service, expand.holes};
    context.look_up = [](const std::string& function, const std::string& name) { return function + ":" + name; };
    CHECK(expand_template("{{env \"A\"}} {{secret \"b\"}} {{config `c`}}", context) == "env:A secret:b config:c");
}

TEST_CASE("what a config looks up in vain has its place, too") {
    const Expansion expand;
    TemplateContext context{expand.service, expand.holes};
    context.look_up = [](const std::string& function, const std::string& name) -> std::string {
        wrong_value("error calling " + function + ": " + function + " target " + name + " not found");
    };
    CHECK_THROWS_WITH_AS(expand_template("a {{secret \"zz\" | print}}", context),
                         "template: expansion:1:4: executing \"expansion\" at <secret \"zz\">: error calling secret: "
                         "secret target zz not found",
                         Error);
    CHECK_THROWS_WITH_AS(expand_template("{{.Foo}}", context), doctest::Contains("type *template.PayloadContext"),
                         Error);
}
