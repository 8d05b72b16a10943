// Every verb and flag of docker compose v5, hidden and deprecated ones too, is understood.
#include "cli/cmd/verbs.hpp"
#include "cli/global_options.hpp"

#include <algorithm>
#include <doctest/doctest.h>
#include <optional>
#include <sstream>

using namespace davit::cli;

namespace {

class Sink : public CommandSink {
public:
    void command(const CommandInfo& info) override { info_ = info; }
    void group(std::span<const Verb>) override {}
    std::optional<CommandInfo> info_;
};

std::optional<CommandInfo> described(const std::string& name) {
    for (const Verb& v : verbs()) {
        if (name != v.name && name != v.alias) continue;
        Sink sink;
        Globals globals;
        globals.describe = &sink;
        v.run(globals, {});
        return sink.info_;
    }
    return std::nullopt;
}

// "d,detach index= no-TTY": what has a value ends with "=".
void check_flags(const std::string& command, const CommandInfo& info, const std::string& flags) {
    std::istringstream words(flags);
    for (std::string word; words >> word;) {
        const bool value = word.ends_with('=');
        if (value) word.pop_back();
        const std::size_t comma = word.find(',');
        const std::string short_name = comma == std::string::npos ? "" : word.substr(0, comma);
        const std::string long_name = comma == std::string::npos ? word : word.substr(comma + 1);
        const auto found = std::find_if(info.options.begin(), info.options.end(),
                                        [&](const OptionInfo& o) { return o.long_name == long_name; });
        INFO(command, " --", long_name);
        REQUIRE(found != info.options.end());
        CHECK(found->type.empty() == !value);
        if (!short_name.empty()) CHECK(found->short_name == short_name);
    }
}

constexpr std::pair<const char*, const char*> reference[] = {
    {"attach", "detach-keys= dry-run index= no-stdin sig-proxy"},
    {"build", "build-arg= builder= check compress force-rm m,memory= no-cache no-rm parallel print progress= "
              "provenance= pull push q,quiet sbom= ssh= with-dependencies dry-run"},
    {"commit", "a,author= c,change= dry-run index= m,message= p,pause"},
    {"config", "dry-run environment format= hash= images lock-image-digests models networks no-consistency "
               "no-env-resolution no-interpolate no-normalize "
               "no-path-resolution o,output= profiles q,quiet resolve-image-digests services variables volumes"},
    {"cp", "all a,archive dry-run L,follow-link index="},
    {"create", "build dry-run force-recreate no-build no-recreate pull= quiet-pull remove-orphans scale= y,yes"},
    {"down", "dry-run remove-orphans rmi= t,timeout= v,volumes volume"},
    {"events", "dry-run json since= until="},
    {"exec", "d,detach dry-run e,env= index= i,interactive T,no-tty no-TTY privileged t,tty u,user= w,workdir="},
    {"export", "dry-run index= o,output="},
    {"images", "dry-run format= q,quiet"},
    {"kill", "dry-run remove-orphans s,signal="},
    {"logs", "dry-run f,follow index= no-color no-log-prefix since= n,tail= t,timestamps until="},
    {"ls", "a,all dry-run filter= format= q,quiet"},
    {"pause", "dry-run"},
    {"port", "dry-run index= protocol="},
    {"ps", "a,all dry-run filter= format= no-trunc orphans q,quiet services status="},
    {"publish", "app dry-run insecure-registry oci-version= resolve-image-digests with-env y,yes"},
    {"pull", "dry-run ignore-buildable ignore-pull-failures include-deps no-parallel parallel policy= q,quiet"},
    {"push", "dry-run ignore-push-failures include-deps q,quiet"},
    {"restart", "dry-run no-deps t,timeout="},
    {"rm", "a,all dry-run f,force s,stop v,volumes"},
    {"run", "build cap-add= cap-drop= d,detach dry-run entrypoint= e,env= env-from-file= i,interactive l,label= "
            "labels= name= no-deps T,no-tty no-TTY "
            "p,publish= pull= q,quiet quiet-build quiet-pull remove-orphans rm P,service-ports t,tty use-aliases "
            "u,user= v,volume= volumes= w,workdir="},
    {"scale", "dry-run no-deps"},
    {"start", "dry-run wait wait-timeout="},
    {"stats", "a,all dry-run format= no-stream no-trunc"},
    {"stop", "dry-run t,timeout="},
    {"top", "dry-run"},
    {"unpause", "dry-run"},
    {"up", "abort-on-container-exit abort-on-container-failure always-recreate-deps attach= attach-dependencies build "
           "d,detach dry-run exit-code-from= "
           "force-recreate menu no-attach= no-build no-color no-deps no-log-prefix no-recreate no-start pull= "
           "quiet-build quiet-pull remove-orphans "
           "V,renew-anon-volumes scale= t,timeout= timestamps wait wait-timeout= w,watch y,yes"},
    {"version", "dry-run f,format= short"},
    {"volumes", "dry-run format= q,quiet"},
    {"wait", "down-project dry-run"},
    {"watch", "dry-run no-up prune quiet"},
};

} // namespace

TEST_CASE("flags: every verb of docker compose takes every flag it has there") {
    for (const auto& [verb, flags] : reference) {
        const auto info = described(verb);
        INFO(verb);
        REQUIRE(info);
        check_flags(verb, *info, flags);
    }
}

TEST_CASE("flags: so does the command before the verb") {
    Globals globals;
    check_flags("davit", global_options(globals).info(),
                "all-resources ansi= compatibility dry-run env-file= f,file= insecure-registry= no-ansi parallel= "
                "profile= progress= project-directory= "
                "p,project-name= verbose v,version workdir=");
}

TEST_CASE("flags: an old name sets what the new one does, and is not shown") {
    Globals globals;
    std::vector<std::string> labels;
    Options options(globals, "frob [OPTIONS]", "Frobs");
    options.list("l,label", labels, "Labels").alias("labels").ignored("a,all").ignored("memory", "bytes");
    REQUIRE(options.parse({"--labels", "a=1", "-l", "b=2", "-a", "--all=false", "--memory", "1g"}));
    CHECK(labels == std::vector<std::string>{"a=1", "b=2"});
    CHECK(options.help().find("labels") == std::string::npos);
    CHECK(options.help().find("memory") == std::string::npos);
    CHECK_THROWS(options.parse({"--all=perhaps"}));
}
