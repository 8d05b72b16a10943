#include "cli/options.hpp"

#include <doctest/doctest.h>

using namespace davit;
using namespace davit::cli;

namespace {

struct Parsed {
    Globals globals;
    bool detach = false, orphans = true;
    std::string file;
    std::optional<int> timeout;
    std::vector<std::string> env, args;

    Parsed(const Args& words, bool verbatim = false) {
        Options o(globals, "frob [OPTIONS] [SERVICE...]", "Frobs");
        o.flag("d,detach", detach, "Detached mode").flag("orphans", orphans, "Orphans too");
        o.value("o,output", file, "File").value("t,timeout", timeout, "Seconds").list("e,env", env, "Variables");
        o.arguments(args, 0, 3);
        if (verbatim) o.verbatim_after_first();
        o.parse(words);
    }
};

std::string mistake(const Args& words) {
    try {
        Parsed p(words);
    } catch (const Error& e) {
        CHECK(e.kind() == Errc::usage);
        CHECK(e.hint() == "see 'davit frob --help'");
        return e.what();
    }
    return "";
}

} // namespace

TEST_CASE("options: long and short forms, joined and apart, are the same") {
    for (const Args& words :
         {Args{"--timeout", "5"}, Args{"--timeout=5"}, Args{"-t", "5"}, Args{"-t5"}, Args{"-t=5"}, Args{"-dt5"}})
        CHECK(Parsed(words).timeout == 5);
    CHECK(Parsed({"-do", "x"}).file == "x");
    CHECK(Parsed({"-o", "-"}).file == "-");
    CHECK(Parsed({"-e", "A=1", "--env=B=2"}).env == std::vector<std::string>{"A=1", "B=2"});
}

TEST_CASE("options: a flag can be taken back with =false") {
    CHECK(Parsed({"--orphans=false"}).orphans == false);
    CHECK(Parsed({"-d=0"}).detach == false);
    CHECK(Parsed({"--detach"}).detach);
}

TEST_CASE("options: arguments may stand between options, and after --") {
    Parsed p({"a", "-d", "b", "--", "-e"});
    CHECK(p.detach);
    CHECK(p.args == std::vector<std::string>{"a", "b", "-e"});
}

TEST_CASE("options: a verbatim verb leaves everything after its first argument alone") {
    Parsed p({"-d", "web", "-e", "x"}, true);
    CHECK(p.env.empty());
    CHECK(p.args == std::vector<std::string>{"web", "-e", "x"});
}

TEST_CASE("options: --dry-run after the verb reaches the globals") { CHECK(Parsed({"--dry-run"}).globals.dry_run); }

TEST_CASE("options: mistakes are one line that names the word") {
    CHECK(mistake({"--detahc"}) == "unknown flag: --detahc (did you mean \"--detach\"?)");
    CHECK(mistake({"--zzzzzz"}) == "unknown flag: --zzzzzz");
    CHECK(mistake({"-dx"}) == "unknown shorthand flag: 'x' in -x");
    CHECK(mistake({"-t"}) == "flag needs an argument: 't' in -t");
    CHECK(mistake({"--timeout"}) == "flag needs an argument: --timeout");
    CHECK(mistake({"-t", "soon"}) == "invalid argument \"soon\" for \"-t, --timeout\" flag: a whole number is needed");
    CHECK(mistake({"--detach=perhaps"}) ==
          "invalid argument \"perhaps\" for \"-d, --detach\" flag: it is either true or false");
    CHECK(mistake({"a", "b", "c", "d"}) == "takes at most 3 arguments, got 4");
}

TEST_CASE("options: help lists what is not hidden, sorted, in 80 columns") {
    Globals g;
    bool a = false, b = false;
    std::string s;
    Options o(g, "frob [OPTIONS]", "Frobs");
    o.value("s,size", s, "A text that is much too long to stand beside its option in one line of a terminal");
    o.flag("all", a, "All of it").flag("secret", b, "Not for you").hidden();
    CHECK(o.help() == "Usage:  davit frob [OPTIONS]\n\nFrobs\n\nOptions:\n"
                      "      --all           All of it\n"
                      "      --dry-run       Show what would be done and do nothing\n"
                      "  -s, --size string   A text that is much too long to stand beside its option in\n"
                      "                      one line of a terminal\n");
}
