#include "dockerfile/instructions.hpp"

#include "base/error.hpp"
#include "dockerfile/mount.hpp"

#include <doctest/doctest.h>

using namespace davit;
using namespace davit::dockerfile;

namespace {

template <typename T>
T only(const std::string& line) {
    const Document document = read_document("FROM x\n" + line, "Dockerfile");
    return std::get<T>(document.stages.at(0).instructions.at(0).action);
}

struct WrongRow {
    const char* text;
    const char* at;      // line:column
    const char* message; // part of it
    const char* hint;    // part of it
};

void check_refused(const WrongRow& row) {
    CAPTURE(std::string(row.text));
    try {
        read_document(row.text, "Dockerfile");
        FAIL_CHECK("was read");
    } catch (const Error& e) {
        CHECK(e.kind() == Errc::invalid_project);
        CHECK(e.at().file == "Dockerfile");
        CHECK(std::to_string(e.at().line) + ":" + std::to_string(e.at().column) == row.at);
        CHECK_MESSAGE(std::string(e.what()).find(row.message) != std::string::npos, e.what());
        CHECK_MESSAGE(e.hint().find(row.hint) != std::string::npos, e.hint());
    }
}

} // namespace

TEST_CASE("instructions: stages and what stands before them") {
    auto document = read_document("ARG A=1\n# one: first\nfrom a as One\nRUN x\nFROM --platform=$P b\n", "f");
    CHECK(document.global_args.size() == 1);
    REQUIRE(document.stages.size() == 2);
    CHECK(document.stages[0].name == "one");
    CHECK(document.stages[0].name_given == "One");
    CHECK(document.stages[0].as_keyword == "as");
    CHECK(document.stages[0].instructions.size() == 1);
    CHECK(document.stages[1].platform == "$P");
    CHECK(document.stages[1].base == "b");
    CHECK(description_of({"other x", "web  the page"}, "web") == " the page");
}

TEST_CASE("instructions: what is refused, where, and what to do about it") {
    constexpr WrongRow rows[] = {
        {"FROM x\nENVV A=1", "2:1", "ENVV", "did you mean ENV?"},
        {"FROM x\n  frob", "2:3", "no instruction frob", ""},
        {"RUN x", "1:1", "before the first FROM", "ARG"},
        {"ARG A=1", "1:1", "no FROM", "FROM"},
        {"FROM x y", "1:1", "FROM takes", "AS NAME"},
        {"FROM x AS 1x", "1:11", "'1x'", "begin with a letter"},
        {"FROM x AS ${N}1", "1:11", "'${N}1'", "not expanded"},
        {"FROM --platfrom=x y", "1:6", "--platfrom", "--platform"},
        {"FROM x\nCOPY --frob a b", "2:6", "no flag --frob", "did you mean --from?"},
        {"FROM x\nADD --from=y a b", "2:5", "no flag --from", "--chown"},
        {"FROM x\nCOPY --chown=1 --chown=2 a b", "2:6", "twice", ""},
        {"FROM x\nCOPY --chown a b", "2:6", "wants a value", "--chown=VALUE"},
        {"FROM x\nCOPY --link=maybe a b", "2:6", "'maybe'", "--link=false"},
        {"FROM x\nCOPY a", "2:1", "destination", "COPY SOURCE"},
        {"FROM x\nCOPY a <<EOF\nEOF", "2:8", "cannot be a heredoc", "last"},
        {"FROM x\nENV", "2:1", "at least one", "NAME=VALUE"},
        {"FROM x\nENV =x", "2:5", "empty", "NAME=VALUE"},
        {"FROM x\nARG =x", "2:5", "empty", "NAME"},
        {"FROM x\nARG", "2:1", "at least one", "NAME"},
        {"FROM x\nRUN --network=bridge true", "2:5", "'bridge'", "none or host"},
        {"FROM x\nRUN --security=x true", "2:5", "'x'", "sandbox"},
        {"FROM x\nRUN \\\n  --mount=from=$S,target=/x true", "3:3", "from=$S", "AS NAME"},
        {"FROM x\nRUN --mount=a\\\"b true", "2:5", "quote", "quotes"},
        {"FROM x\nRUN --network= true", "2:5", "no network", "none"},
        {"FROM x\nRUN --security= true", "2:5", "no security", "sandbox"},
        {"FROM x\nRUN --device=required true", "2:5", "names no device", ""},
        {"FROM x\nHEALTHCHECK CMD", "2:1", "wants a command", ""},
        {"FROM x\nHEALTHCHECK", "2:1", "at least one", "NONE"},
        {"FROM x\nHEALTHCHECK NONE x", "2:1", "no arguments", ""},
        {"FROM x\nHEALTHCHECK curl x", "2:1", "'CURL'", "HEALTHCHECK CMD"},
        {"FROM x\nHEALTHCHECK --retries=-1 CMD x", "2:13", "'-1'", "0 or more"},
        {"FROM x\nHEALTHCHECK --interval=500us CMD x", "2:13", "less than 1ms", "0s"},
        {"FROM x\nHEALTHCHECK --timeout=1d CMD x", "2:13", "'1d'", "1m30s"},
        {"FROM x\nSHELL /bin/sh -c", "2:1", "JSON", "SHELL ["},
        {"FROM x\nSHELL []", "2:1", "at least one", ""},
        {"FROM x\nVOLUME [\"\"]", "2:1", "empty", ""},
        {"FROM x\nONBUILD", "2:1", "wants an instruction", ""},
        {"FROM x\nONBUILD ONBUILD ENV A=1", "2:1", "ONBUILD", ""},
        {"FROM x\nONBUILD FROM y", "2:1", "FROM", ""},
        {"FROM x\nUSER", "2:1", "at least one", "GROUP"},
        {"FROM x\nEXPOSE", "2:1", "at least one", "PORT"},
        {"FROM x\nCMD --x y", "2:5", "--x", "no flags"},
    };
    for (const WrongRow& row : rows) check_refused(row);
}

TEST_CASE("instructions: COPY and ADD") {
    auto copy = only<instruction::Copy>(
        "COPY --from=s --chown=1:2 --chmod=u=rw --link --parents --exclude=a --exclude=b x <<-E y\n\tt\n\tE\n");
    CHECK_FALSE(copy.add);
    CHECK(copy.from == "s");
    CHECK(copy.chown == "1:2");
    CHECK(copy.chmod == "u=rw");
    CHECK(copy.link);
    CHECK(copy.parents);
    CHECK(copy.exclude == std::vector<std::string>{"a", "b"});
    CHECK(copy.sources == std::vector<std::string>{"x"});
    REQUIRE(copy.files.size() == 1);
    CHECK(copy.files[0].content == "t\n");
    CHECK(copy.destination == "y");
    CHECK(only<instruction::Arg>("ARG --some=flag A=1").args.size() == 1);
    CHECK(only<instruction::StopSignal>("STOPSIGNAL --some=flag 9").signal == "9");
    auto add = only<instruction::Copy>("ADD --keep-git-dir --unpack=false --checksum=sha256:1 a --chown=1 b");
    CHECK(add.add);
    CHECK(add.keep_git_dir == true);
    CHECK(add.unpack == false);
    CHECK(add.sources == std::vector<std::string>{"a", "--chown=1"});
}

TEST_CASE("instructions: RUN, CMD and their forms") {
    auto run = only<instruction::Run>(
        "RUN --network=none --security=insecure --device=v/c=n,required --mount=target=/x <<EOF\na\nEOF");
    CHECK(run.network == RunStep::Network::none);
    CHECK(run.insecure);
    CHECK(run.devices == std::vector<std::pair<std::string, bool>>{{"v/c=n", true}});
    CHECK(run.mounts == std::vector<std::string>{"target=/x"});
    CHECK(run.command.shell);
    CHECK(run.files.size() == 1);
    CHECK_FALSE(only<instruction::Cmd>("CMD [\"a\", \"b\"]").command.shell);
    CHECK(only<instruction::Run>("RUN").command.args.empty());
}

TEST_CASE("instructions: HEALTHCHECK, EXPOSE, ONBUILD") {
    auto check = only<instruction::Healthcheck>("HEALTHCHECK --interval=1m30s --retries=5 CMD [\"a\", \"b c\"]").check;
    CHECK(check.test == std::vector<std::string>{"CMD", "a", "b c"});
    CHECK(check.interval == std::chrono::seconds(90));
    CHECK(check.retries == 5);
    CHECK(only<instruction::Expose>("EXPOSE 80 443/tcp").ports == std::vector<std::string>{"443/tcp", "80"});
    CHECK(only<instruction::OnBuild>("onbuild   copy x /x").trigger == "copy x /x");
    CHECK(only<instruction::OnBuild>("ONBUILD RUN <<E\na\nE\n").trigger == "RUN <<E\na\nE");
    CHECK(only<instruction::OnBuild>("ONBUILD FROB x").trigger == "FROB x");
    CHECK_THROWS_AS(read_trigger("FROB x", {}), Error);
    CHECK_THROWS_AS(read_trigger("FROM x", {}), Error);
}

namespace {

RunMount mount_of(std::string_view text, int sockets = 0) {
    return read_mount(text, [](std::string_view w) { return std::string(w); }, "/w", sockets, {"Dockerfile", 2, 2})
        .mount;
}

} // namespace

TEST_CASE("mounts: defaults of each type") {
    using Type = RunMount::Type;
    auto bind = mount_of("target=sub,source=d/../e");
    CHECK(bind.type == Type::bind);
    CHECK(bind.target == "/w/sub");
    CHECK(bind.source == "/e");
    CHECK(bind.read_only);
    CHECK_FALSE(mount_of("dst=/x,rw").read_only);
    CHECK_FALSE(mount_of("dst=/x,ro=false").read_only);
    auto cache = mount_of("type=cache,target=/c/,sharing=locked,mode=0700,uid=5");
    CHECK(cache.id == "/c");
    CHECK_FALSE(cache.read_only);
    CHECK(cache.sharing == RunMount::Sharing::locked);
    CHECK(cache.mode == 0700);
    CHECK(cache.uid == 5);
    CHECK(mount_of("type=tmpfs,target=/t,size=1k").size == 1024);
    auto secret = mount_of("type=secret,id=a/tok,required");
    CHECK(secret.target == "/run/secrets/tok");
    CHECK(secret.required);
    CHECK(mount_of("type=secret,target=rel/t").id == "t");
    CHECK(mount_of("type=secret,target=rel/t").target == "/w/rel/t");
    CHECK(mount_of("type=secret,target=/rel/t").target == "/rel/t");
    CHECK(mount_of("type=ssh,target=sock").target == "/w/sock");
    CHECK(mount_of("type=tmpfs,target=/t,ro").read_only);
    for (const char* type : {"bind", "cache", "tmpfs", "ssh"}) // only a secret is a variable
        CHECK_FALSE(mount_of("target=/x,env=A,type=" + std::string(type)).env);
    auto as_env = mount_of("type=secret,id=x,env=TOKEN");
    CHECK(as_env.env == "TOKEN");
    CHECK(as_env.target.empty());
    CHECK(mount_of("type=ssh", 2).target == "/run/buildkit/ssh_agent.2");
    CHECK(mount_of("type=ssh").id == "default");
    CHECK(mount_of("target=/x,\"source=a,b\"").source == "/a,b");
}

TEST_CASE("mounts: what is refused") {
    for (const char* text :
         {"source=d,target=/", "type=volume,target=/x", "type=cache,target=/c,sharing=mine", "target=/x,sharing=shared",
          "target=/x,required", "target=/x,size=1", "target=/x,mode=0", "type=secret", "type=secret,id=a,src=b",
          "type=secret,id=a,from=b", "target", "target=/x,nope=1", "target=/x,ro=maybe", "type=cache,target=/x,mode=8",
          "type=cache,target=/x,uid=-1", "type=tmpfs,target=/x,size=many"}) {
        CAPTURE(std::string(text));
        try {
            mount_of(text);
            FAIL_CHECK("was read");
        } catch (const Error& e) {
            CHECK(e.at().line == 2);
            CHECK_FALSE(e.hint().empty());
        }
    }
}
