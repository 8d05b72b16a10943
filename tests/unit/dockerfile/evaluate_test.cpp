#include "evaluated.hpp"

#include <algorithm>
#include <doctest/doctest.h>

using namespace davit;
using namespace davit::dockerfile;

namespace {

using Texts = std::vector<std::string>;

Change given(const Texts& args) {
    return [args](EvaluateOptions& options) {
        for (const std::string& arg : args)
            options.build_args.set(arg.substr(0, arg.find('=')), arg.substr(arg.find('=') + 1));
    };
}

struct WrongBuild {
    const char* text;
    int line;
    const char* message;
};

std::string failure_of(const std::string& text, const Change& change = {}) {
    try {
        evaluated(text, change);
        return "";
    } catch (const Error& e) {
        return e.describe();
    }
}

} // namespace

TEST_CASE("evaluate: ARGs before FROM are for FROM, and for the stage that declares them again") {
    const std::string text = "ARG A=g\nARG B=$A-b\nFROM x\nENV E=<$A>\nARG A\nARG B\nENV F=$A$B\nARG A=own\nENV G=$A";
    CHECK(evaluated(text).config.env == Texts{"PATH=/bin", "E=<>", "F=gg-b", "G=own"});
    CHECK(evaluated(text, given({"A=cli"})).config.env == Texts{"PATH=/bin", "E=<>", "F=clicli-b", "G=cli"});
    CHECK(evaluated("ARG I=x\nFROM ${I:-y}:1").stages[0].base.name == "x:1");
}

TEST_CASE("evaluate: one instruction sees the values from before it") {
    CHECK(evaluated("FROM x\nENV A=1\nENV A=2 B=$A\nENV C=$B$A").config.env ==
          Texts{"PATH=/bin", "A=2", "B=1", "C=12"});
    CHECK(histories(evaluated("FROM x\nARG A=1 B=$A")) == Texts{"ARG A=1 B=1"});
}

TEST_CASE("evaluate: ENV and ARG of one name: the later one counts, and a child begins with ENV") {
    auto e = evaluated("FROM x AS a\nENV V=env\nARG V=arg\nRUN r\nFROM a\nRUN s");
    const auto& first = e.stages[0].steps.at(2);
    CHECK(first.history == "RUN |1 V=arg /bin/sh -c r # buildkit");
    CHECK(first.config.env == Texts{"PATH=/bin", "V=env"});
    CHECK(steps_of(e)[0].history == "RUN |1 V=env /bin/sh -c s # buildkit");
    CHECK(steps_of(e)[0].env == Texts{"PATH=/bin", "V=env"});
}

TEST_CASE("evaluate: platform arguments") {
    const auto arm = [](EvaluateOptions& o) { o.platform = "linux/arm/v7"; };
    const std::string text =
        "FROM --platform=$BUILDPLATFORM x AS b\nARG TARGETPLATFORM TARGETARCH TARGETVARIANT BUILDARCH TARGETSTAGE\n"
        "ENV A=$TARGETPLATFORM,$TARGETARCH,$TARGETVARIANT,$BUILDARCH,$TARGETSTAGE\nFROM b AS end";
    auto e = evaluated(text, arm);
    CHECK(e.config.env.back() == "A=linux/arm/v7,arm,v7,amd64,end");
    CHECK(e.stages[0].platform == "linux/amd64");
    CHECK(e.stages[0].base.platform == "linux/amd64");
    CHECK(e.platform == "linux/arm/v7");
    CHECK(evaluated("FROM --platform=linux/arm64 x").platform == "linux/amd64"); // the base is what it is
    CHECK(evaluated("FROM --platform=linux/arm64 x").stages[0].platform == "linux/arm64");
    CHECK(evaluated("FROM --platform=linux/arm64 scratch").stages[0].platform == "linux/amd64");
    CHECK(evaluated("FROM x\nENV A=<$TARGETARCH>").config.env.back() == "A=<>");
    CHECK(evaluated("FROM x\nARG TARGETARCH\nENV A=$TARGETARCH", given({"TARGETARCH=mine"})).config.env.back() ==
          "A=mine");
}

TEST_CASE("evaluate: TARGETSTAGE is the target's name, and that of one without is 'default'") {
    const std::string text =
        "FROM x AS a\nARG TARGETSTAGE\nENV A=$TARGETSTAGE\nFROM x\nARG TARGETSTAGE\nENV B=$TARGETSTAGE";
    CHECK(evaluated(text).config.env.back() == "B=default");
    CHECK(evaluated(text, [](EvaluateOptions& o) { o.target = "a"; }).config.env.back() == "A=a");
}

TEST_CASE("evaluate: WORKDIR of the root makes no layer, wherever it comes from") {
    auto e = evaluated("FROM x\nWORKDIR /a\nWORKDIR /\nWORKDIR ../..\nWORKDIR $UNSET");
    std::string kinds;
    for (const auto& step : steps_of(e)) kinds += std::holds_alternative<ConfigStep>(step.action) ? "-" : "L";
    CHECK(kinds == "L---");
    CHECK(e.config.working_dir == "/");
}

TEST_CASE("evaluate: the name of a heredoc is one file below the destination") {
    const auto files = [](const std::string& name) {
        return std::get<CopyStep>(steps_of(evaluated("FROM x\nCOPY <<" + name + " /d/\nx\n" + name))[0].action)
            .inline_files;
    };
    CHECK(files("a") == std::vector<InlineFile>{{"a", "x\n"}});
    CHECK(files("../../../etc/../x") == std::vector<InlineFile>{{"x", "x\n"}});
    for (const char* none : {".", "..", "a/b", "../../etc/passwd", "/etc/passwd"}) CHECK_THROWS_AS(files(none), Error);
}

TEST_CASE("evaluate: --exclude takes no variables, and --chmod leaves nothing of --link") {
    auto e = evaluated("FROM x\nENV V=a\nCOPY --exclude=$V --link a /b\nCOPY --link --chmod=600 --chown=u a /b");
    const auto& plain = std::get<CopyStep>(steps_of(e)[1].action);
    CHECK(plain.exclude == Texts{"$V"});
    CHECK(plain.link);
    CHECK_FALSE(std::get<CopyStep>(steps_of(e)[2].action).link);
}

TEST_CASE("evaluate: proxy arguments reach RUN without ARG, and neither key nor history") {
    auto e = evaluated("FROM x\nRUN r", given({"HTTP_PROXY=http://p", "no_proxy=a,b", "ftp_proxy="}));
    CHECK(steps_of(e)[0].unkeyed_env ==
          Texts{"HTTP_PROXY=http://p", "http_proxy=http://p", "NO_PROXY=a,b", "no_proxy=a,b"});
    CHECK(steps_of(e)[0].history == "RUN /bin/sh -c r # buildkit");
    CHECK(steps_of(e)[0].env == Texts{"PATH=/bin"});
    CHECK(e.unused_args.empty());
}

TEST_CASE("evaluate: only what the target needs is evaluated, but syntax and names are checked everywhere") {
    int asked = 0;
    const auto counting = [&](EvaluateOptions& o) {
        o.base_image = [&](const Input&) {
            ++asked;
            return BaseImage{};
        };
        o.target = "B";
    };
    auto e =
        evaluated("FROM gone AS a\nRUN ${X:?}\nFROM x AS b\nFROM x AS c\nCOPY --from=a / /\nEXPOSE http", counting);
    CHECK(asked == 1);
    CHECK(e.target == 1);
    CHECK_FALSE(e.stages[0].reachable);
    CHECK(e.stages[0].steps.empty());
    CHECK(e.stages[1].reachable);
    CHECK(failure_of("FROM $NONE AS a\nFROM x").find("is empty") != std::string::npos);
    CHECK(failure_of("FROM Capital AS a\nFROM x").find("Dockerfile:1:6") != std::string::npos);
    CHECK(failure_of("FROM x AS a\nCOPY --from=7 a b\nFROM x").find("no stage 7") != std::string::npos);
}

TEST_CASE("evaluate: names of stages") {
    auto e =
        evaluated("FROM x AS One\nFROM x AS two\nCOPY --from=oNE a b\nCOPY --from=0 a b\nCOPY --from=img:1 a b\n"
                  "COPY --from=scratch a b\nCOPY a b\nRUN --mount=from=one,target=/m --mount=type=cache,target=/c r");
    CHECK(step<CopyStep>(e, 0).from == Input{Input::Kind::stage, 0, "", ""});
    CHECK(step<CopyStep>(e, 1).from == Input{Input::Kind::stage, 0, "", ""});
    CHECK(step<CopyStep>(e, 2).from == Input{Input::Kind::image, -1, "img:1", ""});
    CHECK(step<CopyStep>(e, 3).from.kind == Input::Kind::scratch);
    CHECK(step<CopyStep>(e, 4).from.kind == Input::Kind::context);
    CHECK(step<RunStep>(e, 5).mounts.at(0).from.stage == 0);
    CHECK(step<RunStep>(e, 5).mounts.at(1).from.kind == Input::Kind::scratch);
    CHECK(e.stages[0].reachable);
    // A number is a name to FROM and mounts, and of two stages the later is meant.
    CHECK(evaluated("FROM x\nFROM 0").stages[1].base == Input{Input::Kind::image, -1, "0", ""});
    CHECK(evaluated("FROM x AS a\nFROM x AS a\nFROM a").stages[2].base.stage == 1);
    CHECK(evaluated("FROM busybox AS busybox\nFROM busybox").stages[1].base.stage == 0);
}

TEST_CASE("evaluate: named contexts take the place of images and of whole stages") {
    const auto with = [](std::string name) { return [name](EvaluateOptions& o) { o.named_contexts = {name}; }; };
    auto e = evaluated("FROM x AS s\nRUN false\nFROM docker.io/library/base:latest\nCOPY --from=s a b", with("s"));
    CHECK(e.stages[0].base == Input{Input::Kind::named, -1, "s", ""});
    CHECK(e.stages[0].steps.empty());
    CHECK(e.stages[1].base.kind == Input::Kind::image);
    CHECK(evaluated("FROM docker.io/library/base:latest", with("base")).stages[0].base ==
          Input{Input::Kind::named, -1, "base", ""});
    CHECK(evaluated("FROM base:2", with("base")).stages[0].base.kind == Input::Kind::image);
    CHECK(evaluated("FROM scratch", with("scratch")).stages[0].base.kind == Input::Kind::scratch);
    CHECK(evaluated("FROM scratch AS context\nRUN true", with("context")).stages[0].base.kind == Input::Kind::scratch);
    CHECK(evaluated("FROM context", with("context")).stages[0].base == Input{Input::Kind::named, -1, "context", ""});
    CHECK(step<CopyStep>(evaluated("FROM x\nCOPY --from=context a b", with("context")), 0).from.kind ==
          Input::Kind::named);
    CHECK(evaluated("FROM x AS files\nFROM files", with("files")).bare);
    CHECK_FALSE(evaluated("FROM files", with("files")).bare);
    e = evaluated("FROM x AS s\nONBUILD RUN echo\nFROM s", with("s"));
    CHECK(steps_of(e).size() == 1);
    // A context of files alone is a base without configuration.
    CHECK(evaluated("FROM files", with("files")).config.working_dir == "/");
}

TEST_CASE("evaluate: bases are known before any is asked for") {
    const auto document =
        read_document("ARG V=1\nFROM gone AS a\nFROM x:$V AS b\nFROM --platform=linux/arm64 y AS c\nFROM scratch\n"
                      "COPY --from=b a b\nCOPY --from=c a b\nCOPY --from=other a b",
                      "Dockerfile");
    const auto options = test_options([](EvaluateOptions& o) {
        o.base_image = [](const Input&) -> std::optional<BaseImage> { throw Error(Errc::failed, "asked"); };
    });
    const auto found = bases(document, options);
    REQUIRE(found.size() == 2);
    CHECK(found[0].name == "x:1");
    CHECK(found[1] == Input{Input::Kind::image, -1, "y", "linux/arm64"});
}

TEST_CASE("evaluate: triggers run right after FROM, in children only, with the child's arguments and stages") {
    auto e = evaluated("FROM x AS src\nFROM onbuild AS child\nENV U=$T\nFROM child", given({"GIVEN=g"}));
    const auto& child = e.stages[1];
    REQUIRE(child.steps.size() == 3);
    CHECK(std::get<CopyStep>(child.steps[0].action).from.stage == 0);
    CHECK(child.steps[0].place == child.place);
    CHECK(child.steps[0].instruction == "ONBUILD COPY --from=src a /b");
    CHECK(child.config().env == Texts{"PATH=/bin", "T=", "U="});
    CHECK(child.config().onbuild.empty());
    CHECK(e.stages[0].reachable);
    CHECK(e.stages[2].steps.empty());

    auto own = evaluated("FROM x AS a\nONBUILD RUN <<E\nr\nE\nONBUILD ENV A=1\nFROM a");
    CHECK(own.stages[0].config().onbuild == Texts{"RUN <<E\nr\nE", "ENV A=1"});
    CHECK(own.stages[0].steps[0].history.empty());
    CHECK(histories(own) == Texts{"RUN /bin/sh -c r\n # buildkit", "ENV A=1"});
    CHECK(failure_of("FROM x AS a\nONBUILD FROB x\nFROM a").find("Dockerfile:3:1") != std::string::npos);
    CHECK(failure_of("FROM x AS a\nONBUILD FROB x\nFROM a AS b\nFROM x").empty());
}

TEST_CASE("evaluate: CMD and ENTRYPOINT") {
    CHECK(evaluated("FROM x\nENTRYPOINT [\"e\"]").config.cmd.empty());
    CHECK(evaluated("FROM x\nCMD [\"c\"]\nENTRYPOINT [\"e\"]").config.cmd == Texts{"c"});
    CHECK(evaluated("FROM x AS a\nCMD c\nFROM a\nENTRYPOINT e").config.cmd.empty());
    auto e = evaluated("FROM x\nSHELL [\"/s\", \"-x\"]\nENTRYPOINT a  $B\nCMD []");
    CHECK(e.config.entrypoint == Texts{"/s", "-x", "a  $B"});
    CHECK(histories(e) == Texts{"SHELL [/s -x]", "ENTRYPOINT [\"/s\" \"-x\" \"a  $B\"]", "CMD []"});
}

TEST_CASE("evaluate: WORKDIR stacks, and destinations are below it") {
    auto e =
        evaluated("FROM scratch\nWORKDIR a\nWORKDIR b/../c/\nCOPY x ../y/\nCOPY x .\nCOPY x /z/../zz\nCOPY x \"\"\n"
                  "WORKDIR /x/y//z/.\nWORKDIR ../w\nWORKDIR /");
    CHECK(step<WorkdirStep>(e, 1).path == "/a/c");
    CHECK(step<CopyStep>(e, 2).destination == "/a/y/");
    CHECK(step<CopyStep>(e, 3).destination == "/a/c/");
    CHECK(step<CopyStep>(e, 4).destination == "/zz");
    CHECK(step<CopyStep>(e, 5).destination == "/a/c/");
    CHECK(steps_of(e)[6].history == "WORKDIR /x/y//z/.");
    CHECK(step<WorkdirStep>(e, 6).path == "/x/y/z");
    CHECK(step<WorkdirStep>(e, 7).path == "/x/y/w");
    CHECK(steps_of(e)[8].empty_layer);
    CHECK_FALSE(steps_of(e)[7].empty_layer);
}

TEST_CASE("evaluate: a Windows image has no PATH of ours, its own shell and paths with backslashes") {
    const auto windows = [](EvaluateOptions& o) { o.platform = "windows/amd64"; };
    auto e = evaluated("FROM scratch\nWORKDIR foo\nCOPY a c:/x/\nCOPY b bar\nWORKDIR c:\\\\y\nCMD a b", windows);
    CHECK(e.config.env.empty());
    CHECK(e.config.working_dir == "\\y");
    CHECK(e.config.cmd == std::vector<std::string>{"cmd", "/S", "/C", "a b"});
    CHECK(step<WorkdirStep>(e, 0).path == "/foo");
    CHECK(histories(e)[0] == "WORKDIR /foo");
    CHECK(step<CopyStep>(e, 1).destination == "/x/");
    CHECK(step<CopyStep>(e, 2).destination == "/foo/bar");
    CHECK(step<WorkdirStep>(e, 3).path == "/y");
    CHECK(evaluated("FROM scratch", windows).config.working_dir == "\\");
    for (const char* wrong : {"D:/x", "C:", "//server/x"})
        CHECK_THROWS_AS(evaluated("FROM scratch\nWORKDIR " + std::string(wrong), windows), Error);
    // The one of --platform of FROM counts for a base, not for nothing.
    CHECK(evaluated("FROM --platform=windows/amd64 scratch").config.working_dir == "/");
    CHECK(evaluated("FROM scratch", [](EvaluateOptions& o) { o.platform = "linux/arm"; }).platform == "linux/arm/v7");
}

TEST_CASE("evaluate: RUN, its script and its heredocs") {
    auto e =
        evaluated("FROM x\nARG A=1\nRUN <<E\n#!/bin/x -f\nbody\nE\nRUN cat <<-E > /o\n\tone\n\tE\nRUN [\"p\", \"$A\"]\n"
                  "RUN --mount=type=ssh --mount=type=ssh,id=two r\n");
    CHECK(step<RunStep>(e, 1).args == Texts{"/bin/sh", "-c", "/dev/pipes/E"});
    CHECK(step<RunStep>(e, 1).scripts == std::vector<InlineFile>{{"E", "#!/bin/x -f\nbody\n"}});
    CHECK(steps_of(e)[1].instruction == "RUN <<E (#!/bin/x -f...)");
    CHECK(step<RunStep>(e, 2).args.back() == "cat <<-E > /o\n\tone\nE");
    CHECK(steps_of(e)[3].history == "RUN |1 A=1 p $A # buildkit");
    CHECK(step<RunStep>(e, 4).mounts[1].target == "/run/buildkit/ssh_agent.1");
    CHECK(steps_of(e)[4].env.back() == "SSH_AUTH_SOCK=/run/buildkit/ssh_agent.0");
    auto cached = evaluated("FROM x\nRUN --mount=type=cache,target=/c r", given({"BUILDKIT_CACHE_MOUNT_NS=ns"}));
    CHECK(step<RunStep>(cached, 0).mounts.at(0).id == "ns//c");
    CHECK(failure_of("FROM x\nRUN []").find("Dockerfile:2:1") != std::string::npos);
}

TEST_CASE("evaluate: heredocs of COPY are expanded unless their name is quoted") {
    auto e = evaluated("FROM x\nENV A=v\nCOPY <<a <<\"b\" /d/\n$A \\$A \"q\" 'r $A'\na\n$A\nb\n");
    CHECK(step<CopyStep>(e, 1).inline_files == std::vector<InlineFile>{{"a", "v $A \"q\" 'r v'\n"}, {"b", "$A\n"}});
    CHECK(steps_of(e)[1].history == "COPY <<a <<b /d/ # buildkit");
}

TEST_CASE("evaluate: EXPOSE and its normal form") {
    auto e =
        evaluated("FROM x\nENV P=\"80 443\"\nEXPOSE $P 5000-5001/udp 70/TCP\nEXPOSE 127.0.0.1:80:80 [::1]:90:91 8:9");
    CHECK(e.config.exposed_ports == Texts{"443/tcp", "5000/udp", "5001/udp", "70/tcp", "80/tcp", "9/tcp", "91/tcp"});
    CHECK(steps_of(e)[1].history == "EXPOSE [80/tcp 443/tcp 5000/udp 5001/udp 70/tcp]");
}

TEST_CASE("evaluate: labels, author and arguments of the result") {
    auto e = evaluated("FROM authored AS a\nLABEL a=1 b=1\nFROM a\nARG T=t", [](EvaluateOptions& o) {
        o.labels = {{"b", "2"}};
        o.build_args.set("NOBODY", "1");
        o.build_args.set("BUILDKIT_INLINE_CACHE", "1");
    });
    CHECK(e.config.labels == std::map<std::string, std::string>{{"a", "1"}, {"b", "2"}});
    CHECK(e.stages[1].config().labels.at("b") == "1");
    CHECK(e.author == "someone");
    CHECK(e.stages[0].base_author == "someone");
    CHECK(e.unused_args == Texts{"NOBODY"});
    CHECK(evaluated("FROM x\nMAINTAINER A B").author == "A B");
    auto listed = evaluated(
        "ARG G=g\nARG H=h\n# T the thing\nFROM x:$G AS a\n# A first one\nARG A=1\nFROM x\nCOPY --from=a a b\nARG B");
    CHECK(listed.parameters == std::vector<Parameter>{{"G", "g", ""}, {"A", "1", "first one"}, {"B", "", ""}});
}

TEST_CASE("check: what the target takes, and nothing of other stages") {
    const Document document = read_document(
        "FROM x AS a\nARG A\nRUN --mount=type=secret,id=s --mount=type=ssh,required=true make\n"
        "FROM x AS b\nARG B=1\nRUN --mount=type=secret,id=t,required=true make\nRUN --mount=type=secret,id=t again\n",
        "Dockerfile");
    const Checked last = check(document, test_options());
    CHECK(last.parameters == std::vector<Parameter>{{"B", "1", ""}});
    CHECK(last.secrets == std::vector<Requirement>{{"t", true}});
    CHECK(last.ssh.empty());
    const Checked named = check(document, test_options([](EvaluateOptions& o) { o.target = "a"; }));
    CHECK(named.parameters == std::vector<Parameter>{{"A", "", ""}});
    CHECK(named.secrets == std::vector<Requirement>{{"s", false}});
    CHECK(named.ssh == std::vector<Requirement>{{"default", true}});
}

TEST_CASE("check: images that are copied from and mounted are asked for, each once") {
    std::vector<std::string> asked;
    const auto options = test_options([&](EvaluateOptions& o) {
        o.base_image = [&](const Input& input) -> std::optional<BaseImage> {
            asked.push_back(input.name);
            if (input.name == "gone") throw Error(Errc::not_found, "no such image");
            return BaseImage{};
        };
        o.target = "t";
    });
    const auto failure_of = [&](const std::string& instruction) {
        asked.clear();
        const auto found = check(read_document("FROM x AS t\n" + instruction, "Dockerfile"), options);
        return found.failure ? found.failure->at().line : 0;
    };
    CHECK(failure_of("COPY --from=here a b\nCOPY --from=here c d") == 0);
    CHECK(asked == std::vector<std::string>{"x", "here"});
    CHECK(failure_of("COPY --from=gone a b") == 2);
    CHECK(failure_of("RUN --mount=from=gone,target=/x true") == 2);
    CHECK(failure_of("RUN --mount=type=cache,from=gone,target=/x true") == 2);
    CHECK(failure_of("FROM gone") == 0); // the target needs it not
    evaluated("FROM x\nCOPY --from=gone a b", [&](EvaluateOptions& o) { o.base_image = options.base_image; });
}

TEST_CASE("evaluate: what is refused, and where") {
    constexpr WrongBuild rows[] = {
        {"FROM x\nENV A=${B:?}", 2, "not allowed to be unset"},
        {"FROM x\nEXPOSE http", 2, "'http' is no port"},
        {"FROM x\nRUN --device=v/c=n true", 2, "RUN --device=v/c=n is not supported"},
        {"FROM x\nEXPOSE 90-80", 2, "'90-80'"},
        {"FROM x\nEXPOSE 80/http", 2, "no protocol"},
        {"FROM x\nEXPOSE 65536", 2, "'65536'"},
        {"FROM x\nSTOPSIGNAL SIGNOPE", 2, "no signal"},
        {"FROM x\nSTOPSIGNAL 9 10", 2, "no signal"},
        {"FROM x\nCOPY --chmod=8 a b", 2, "no mode"},
        {"FROM x\nCOPY --chmod=10000 a b", 2, "no mode"},
        {"FROM x\nCOPY --chmod=u a b", 2, "no mode"},
        {"FROM x\nCOPY http://h/f b", 2, "URL"},
        {"FROM x\nCOPY --parents . b", 2, "not found"},
        {"FROM x\nCOPY --parents a / b/", 2, "not found"},
        {"FROM x\nCOPY git@h:r.git b", 2, "git repository"},
        {"FROM x\nADD --checksum=sha256:0 a b", 2, "--checksum"},
        {"FROM x\nADD --checksum=sha256:0 http://h/a b", 2, "no digest"},
        {"FROM x\nADD --checksum=sha256:0 http://h/a http://h/b c/", 2, "--checksum"},
        {"FROM x\nCOPY --link --chown=daemon a b", 2, "--link"},
        {"FROM x\nCOPY [a b", 2, "malformed"},
        {"FROM x\nCOPY --exclude=[ a b", 2, "malformed"},
        {"FROM x\nVOLUME $V", 2, "empty"},
        {"FROM x AS a\nCOPY --from=a a b", 2, "needs itself"},
        {"FROM x AS a\nCOPY --from=b a b\nFROM x AS b\nCOPY --from=a a b", 4, "needs itself"},
        {"FROM x AS a\nCOPY --from=b a b\nFROM a AS b", 2, "further down"},
        {"FROM x\nCOPY --from=$V a b", 2, "variable"},
        {"FROM x\nCOPY --from=${V:=a a b", 2, "modifier"},
        {"FROM ${V:=a}", 1, "modifier"},
        {"FROM --platform=$NONE x", 1, "is empty"},
        {"FROM --platform=a/b/c/d x", 1, "cannot parse platform"},
        {"FROM x\nRUN --mount=type=bind,source=d true", 2, "target"},
        {"# syntax=example.org/other:1\nFROM x", 1, "frontend"},
        {"# check=frob=1\nFROM x", 1, "no option"},
    };
    for (const WrongBuild& row : rows) {
        CAPTURE(std::string(row.text));
        const std::string what = failure_of(row.text, [](EvaluateOptions& o) { o.all_stages = true; });
        CHECK_MESSAGE(what.find("Dockerfile:" + std::to_string(row.line) + ":") == 0, what);
        CHECK_MESSAGE(what.find(row.message) != std::string::npos, what);
    }
    CHECK(failure_of("FROM x AS one", [](EvaluateOptions& o) { o.target = "on"; }).find("did you mean one?") !=
          std::string::npos);
    CHECK(failure_of("FROM x AS one", [](EvaluateOptions& o) { o.target = "0"; }).find("no stage '0'") !=
          std::string::npos);
    CHECK(failure_of("FROM x", given({"BUILDKIT_SYNTAX=a/b"})).find("frontend") != std::string::npos);
    for (const char* empty : {"BUILDKIT_SYNTAX=", "BUILDKIT_SYNTAX= "})
        CHECK(failure_of("FROM x", given({empty})).find("empty BUILDKIT_SYNTAX build-arg is invalid") !=
              std::string::npos);
}

TEST_CASE("evaluate: what grows without end is refused") {
    std::string text = "FROM x\nENV A=aaaaaaaaaaaaaaaa\n";
    for (int i = 0; i < 40; ++i) text += "ENV A=$A$A\n";
    CHECK(failure_of(text).find("mebibyte") != std::string::npos);
    text = "FROM x\nENV A=" + std::string(60000, 'a') + "\nLABEL l=$A$A$A$A$A$A$A$A\n";
    for (int i = 0; i < 2000; ++i) text += "USER u\n";
    CHECK(failure_of(text).find("MiB") != std::string::npos);
}
