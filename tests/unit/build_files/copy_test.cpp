#include "build/files/copy.hpp"

#include "base/error.hpp"
#include "build/files/owner_mode.hpp"
#include "tests/unit/build_files/tree.hpp"

#include <doctest/doctest.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

using namespace davit;
using namespace davit::build;
using namespace davit::build::test;

namespace {

// The error, as a person reads it.
std::string refusal(const std::function<void()>& fn, Errc* kind = nullptr) {
    try {
        fn();
    } catch (const Error& e) {
        if (kind) *kind = e.kind();
        return e.describe();
    }
    return "nothing was refused";
}

Errc refused(const std::function<void()>& fn) {
    Errc kind{};
    REQUIRE(refusal(fn, &kind) != "nothing was refused");
    return kind;
}

struct Letters : Ground {
    Letters() {
        put(from / "a.txt", "a");
        put(from / "b.txt", "b");
        put(from / "d/c.txt", "c");
        put(from / "d/e/f.txt", "f");
    }
};

} // namespace

TEST_CASE("copy: files to names, into directories, with parents that are missing") {
    const Letters g;
    g.copy({"a.txt"}, "/x");
    g.copy({"a.txt"}, "/dir/");
    g.copy({"./a.txt"}, "/p/q/r");
    g.copy({"/d/../b.txt"}, "/dir/.");
    g.copy({"../../b.txt"}, "/dir");
    CHECK(g.tree() == Tree{{"x", "f 0644 a"},
                           {"dir", "d 0755"},
                           {"dir/a.txt", "f 0644 a"},
                           {"dir/b.txt", "f 0644 b"},
                           {"p", "d 0755"},
                           {"p/q", "d 0755"},
                           {"p/q/r", "f 0644 a"}});
}

TEST_CASE("copy: of a directory its contents, merged; later files win") {
    const Letters g;
    ::chmod((g.from / "d").c_str(), 0700);
    ::chmod((g.from / "d/e").c_str(), 0711);
    g.copy({"d"}, "/one");
    g.copy({"d/", "a.txt"}, "/two/");
    g.copy({"a.txt"}, "/one/c.txt");
    g.copy({"."}, "/one");
    CHECK(g.tree()["one"] == "d 0755"); // that of a copied directory is not its own
    CHECK(g.tree()["one/e"] == "d 0711");
    CHECK(g.tree()["one/c.txt"] == "f 0644 a");
    CHECK(g.tree()["one/d/e/f.txt"] == "f 0644 f");
    CHECK(g.tree()["two/a.txt"] == "f 0644 a");
    ::chmod((g.to / "one").c_str(), 0710);
    g.copy({"d"}, "/one");
    CHECK(g.tree()["one"] == "d 0710");
    CHECK(g.tree()["one/c.txt"] == "f 0644 c");
}

TEST_CASE("copy: a directory inside that is there takes the mode of what is copied") {
    const Letters g;
    fs::create_directories(g.to / "x/e");
    ::chmod((g.to / "x/e").c_str(), 0777);
    g.copy({"d"}, "/x");
    CHECK(g.tree()["x/e"] == "d 0755");
}

TEST_CASE("copy: what takes no place of another kind") {
    const Letters g;
    put(g.to / "file", "");
    put(g.to / "x/e", "");
    fs::create_directories(g.to / "y/c.txt");
    CHECK(refused([&] { g.copy({"d"}, "/file"); }) == Errc::conflict);
    CHECK(refused([&] { g.copy({"d"}, "/x"); }) == Errc::conflict);
    CHECK(refused([&] { g.copy({"d"}, "/y"); }) == Errc::conflict);
    CHECK(refused([&] { g.copy({"a.txt"}, "/file/a"); }) == Errc::conflict);
    CHECK(refused([&] { g.copy({"a.txt"}, "/file/"); }) == Errc::conflict);
    CHECK(refusal([&] { g.copy({"d"}, "/file"); }).starts_with("Dockerfile:3:1: "));
}

TEST_CASE("copy: a source that is not there, and one outside of the context") {
    const Letters g;
    fs::create_symlink("nope", g.from / "dangling");
    fs::create_symlink("/etc/passwd", g.from / "out");
    fs::create_symlink("/a.txt", g.from / "in");
    for (const char* source : {"nope", "dangling", "out", "../etc/passwd", "a.txt/x", "nope*/x"}) {
        CAPTURE(source);
        if (std::string(source) == "nope*/x") g.copy({source}, "/x/"); // nothing, and no destination
        else CHECK(refused([&] { g.copy({source}, "/x"); }) == Errc::not_found);
    }
    CHECK(g.tree().empty());
    g.copy({"in"}, "/x");
    CHECK(g.tree() == Tree{{"x", "f 0644 a"}});
}

TEST_CASE("copy: links in a directory stay links; links in the way to a source are followed inside its root") {
    const Letters g;
    fs::create_symlink("/etc/passwd", g.from / "d/passwd");
    fs::create_symlink("../../../../../etc", g.from / "up");
    put(g.from / "etc/x", "inside");
    fs::create_symlink("/d", g.from / "abs");
    g.copy({"abs/c.txt", "up/x"}, "/y/");
    g.copy({"d"}, "/z");
    CHECK(g.tree()["y/c.txt"] == "f 0644 c");
    CHECK(g.tree()["y/x"] == "f 0644 inside");
    CHECK(g.tree()["z/passwd"] == "l -> /etc/passwd");
}

TEST_CASE("copy: links in the way to the destination are followed inside the image") {
    const Letters g;
    fs::create_directories(g.to / "real");
    fs::create_symlink("/real", g.to / "l");
    fs::create_symlink("../../../../made", g.to / "l2");
    fs::create_symlink("/real/new", g.to / "l3");
    g.copy({"d"}, "/l");
    g.copy({"a.txt"}, "/l/");
    g.copy({"a.txt"}, "/l2/x");
    g.copy({"b.txt"}, "/l3");
    CHECK(g.tree()["real/c.txt"] == "f 0644 c");
    CHECK(g.tree()["real/a.txt"] == "f 0644 a");
    CHECK(g.tree()["made/x"] == "f 0644 a");
    CHECK(g.tree()["real/new"] == "f 0644 b");
    CHECK(g.tree()["l"] == "l -> /real");
    // ".." of the instruction is a matter of text: nothing on the way is made.
    g.copy({"a.txt"}, "/z/../l/../zz");
    CHECK(g.tree()["zz"] == "f 0644 a");
    CHECK(!g.tree().contains("z"));
}

TEST_CASE("copy: inside a copied directory files and links replace what is no directory") {
    const Letters g;
    fs::create_symlink("/t", g.from / "d/l");
    put(g.to / "t", "t");
    put(g.to / "x/l", "file");
    fs::create_symlink("/t", g.to / "x/c.txt");
    g.copy({"d"}, "/x");
    CHECK(g.tree()["t"] == "f 0644 t");
    CHECK(g.tree()["x/c.txt"] == "f 0644 c");
    CHECK(g.tree()["x/l"] == "l -> /t");
}

TEST_CASE("copy: wildcards") {
    Letters g;
    put(g.from / ".rc", "rc");
    put(g.from / "-1.t", "");
    put(g.from / "a1.t", "");
    put(g.from / "x1.t", "");
    put(g.from / "ü.u", "");
    g.copy({"?.u"}, "/u/"); // one character
    CHECK(g.tree()["u/ü.u"] == "f 0644 ");
    sys::remove_tree_at(g.root.get(), "u");
    g.copy({"*.txt"}, "/1/");
    g.copy({"**/*.txt"}, "/2/");
    g.copy({"d/*/f.txt"}, "/3/");
    g.copy({"[a-w]?.t"}, "/4/");
    g.copy({"[^a-w]?.t"}, "/5/");
    g.copy({"*rc", "?[!1].t"}, "/6/");
    g.copy({"*.none"}, "/7/");
    const auto tree = g.tree();
    Tree names;
    for (const auto& [path, line] : tree)
        if (!line.starts_with("d ")) names[path] = "";
    CHECK(names == Tree{{"1/a.txt", ""},
                        {"1/b.txt", ""},
                        {"2/c.txt", ""},
                        {"3/f.txt", ""},
                        {"4/a1.t", ""},
                        {"5/-1.t", ""},
                        {"5/x1.t", ""},
                        {"6/.rc", ""},
                        {"6/-1.t", ""},
                        {"6/a1.t", ""},
                        {"6/x1.t", ""}});
    CHECK(!tree.contains("7"));
    CHECK(refused([&] { g.copy({"[a.txt"}, "/x"); }) == Errc::invalid_project);
    CHECK(refused([&] { g.copy({"*\\"}, "/x"); }) == Errc::invalid_project);
}

TEST_CASE("copy: several files to what is no directory: each takes the last one's place") {
    const Letters g;
    g.copy({"a.txt", "b.txt"}, "/x");
    CHECK(g.tree() == Tree{{"x", "f 0644 b"}});
    CHECK(refused([&] { g.copy({"a.txt", "d"}, "/y"); }) == Errc::conflict);
}

TEST_CASE("copy: files in the Dockerfile") {
    const Letters g;
    auto step = Ground::step({"a.txt"}, "/d/");
    step.inline_files = {{"one", "1\n"}, {"two", ""}};
    g.copy(step);
    step = Ground::step({}, "/bin/x");
    step.inline_files = {{"EOF", "#!/bin/sh\n"}};
    step.chmod = "751";
    g.copy(step);
    CHECK(g.tree() == Tree{{"d", "d 0755"},
                           {"d/a.txt", "f 0644 a"},
                           {"d/one", "f 0644 1\n"},
                           {"d/two", "f 0644 "},
                           {"bin", "d 0751"},
                           {"bin/x", "f 0751 #!/bin/sh\n"}});
    step.inline_files[0].content = "#!/bin/bash\n";
    CHECK(content_digest(g.source(), step, g.options()) != g.copy(Ground::step({}, "/")).digest);
    for (const char* name : {"../up", "..", "a/b", "."}) {
        step = Ground::step({}, "/d/");
        step.inline_files = {{name, "x"}};
        CHECK(refused([&] { g.copy(step); }) == Errc::failed);
    }
}

TEST_CASE("copy: --chmod of what is copied and of the directories made for it") {
    const Letters g;
    const auto with = [&](const char* mode, const char* source, const char* to) {
        auto step = Ground::step({source}, to);
        step.chmod = mode;
        g.copy(step);
    };
    fs::create_symlink("c.txt", g.from / "d/l");
    with("1777", "d", "/4");
    with("700", "a.txt", "/new/deep/a");
    with("u=rwx,go=", "d", "/n2/d2");
    with("4711", "a.txt", "/3");
    auto tree = g.tree();
    CHECK(tree["4"] == "d 0777");
    CHECK(tree["4/c.txt"] == "f 1777 c");
    CHECK(tree["4/e"] == "d 1777");
    CHECK(tree["4/l"] == "l -> c.txt");
    CHECK(tree["new"] == "d 0700");
    CHECK(tree["new/deep/a"] == "f 0700 a");
    CHECK(tree["n2"] == "d 0755");
    CHECK(tree["n2/d2"] == "d 0755");
    CHECK(tree["n2/d2/e"] == "d 0700");
    CHECK(tree["3"] == "f 4711 a");
}

TEST_CASE("chmod: octal numbers and symbols") {
    const auto of = [](const char* text, mode_t mode, bool directory = false) {
        return ModeChange(text).apply(mode, directory);
    };
    CHECK(of("u+x", 0644) == 0744);
    CHECK(of("go-r", 0755, true) == 0711);
    CHECK(of("a=rX", 0644) == 0444);
    CHECK(of("a=rX", 0755, true) == 0555);
    CHECK(of("a=rX", 0744) == 0555);
    CHECK(of("u=rwX,go=rX", 0700, true) == 0755);
    CHECK(of("+x", 0644) == 0755);
    CHECK(of("+w", 0444) == 0666);
    CHECK(of("u+s,g+s", 0644) == 06644);
    CHECK(of("o+t,ug-w", 0755) == 0555);
    CHECK(of("+t", 0777, true) == 01777);
    CHECK(of("g=u", 0640) == 0660);
    CHECK(of("o=g-w", 0660) == 0664);
    CHECK(of("u=rwx", 04711) == 0711);
    CHECK(of("u=rwx", 04711, true) == 0711);
    CHECK(of("=w", 01755, true) == 01222); // the sticky bit stays unless it is named
    CHECK(of("=t", 0755) == 01755);
    CHECK(of("u=rg", 0620) == 0220); // a copied class is all that "=" sets
    CHECK(of("u=gx", 0640) == 0140);
    CHECK(of("ou=u-w", 04644) == 04444);
    CHECK(of("go-uX", 0755) == 0700);
    CHECK(of("o+s", 0755) == 0755);
    CHECK(of("u+r-x", 0100) == 0400);
    CHECK(of("=", 0777) == 0);
    CHECK(of("0", 0644) == 0);
    CHECK(of("7777", 0) == 07777);
    for (const char* bad : {"8", "10000", "u", "u+q", "x=y", "u+x,", "755x", "-", ",u+x", ""}) {
        CAPTURE(bad);
        if (std::string(bad) == "-") CHECK(of(bad, 0644) == 0644);
        else CHECK(refused([&] { ModeChange change{std::string(bad)}; }) == Errc::usage);
    }
}

TEST_CASE("chown: numbers, names, and what the image does not know") {
    davit::test::TempDir image;
    put(image / "etc/passwd", "root:x:0:0::/:/bin/sh\nu:x:70:71::/:\nbroken\n");
    put(image / "etc/group", "g:x:90:\nu:x:5:\n");
    const UniqueFd root(::open(image.path().c_str(), O_PATH | O_DIRECTORY));
    std::vector<std::string> warnings;
    const auto of = [&](const char* text) { return parse_owner(text, root.get(), warnings); };
    CHECK(of("5") == Owner{5, 5});
    CHECK(of("5:6") == Owner{5, 6});
    CHECK(of(":8") == Owner{0, 8});
    CHECK(of("u") == Owner{70, 71});
    CHECK(of("u:g") == Owner{70, 90});
    CHECK(of("u:5") == Owner{70, 5});
    CHECK(of("5:g") == Owner{5, 90});
    CHECK(warnings.empty());
    CHECK(of("root:root") == Owner{0, 0});
    CHECK(of("5:root") == Owner{5, 0});
    CHECK(of("5:") == Owner{5, 0});
    CHECK(warnings.empty());
    CHECK(of("nobody:g") == Owner{0, 90});
    CHECK(warnings.size() == 1);
    CHECK(of("1:nope") == Owner{1, 1}); // an unknown group leaves the user's
    CHECK(of("u:nope") == Owner{70, 71});
    CHECK(of("7:8:9") == Owner{7, 7});
    CHECK(warnings.size() == 4);
    CHECK(parse_owner("root:root", -1, warnings) == Owner{0, 0});
    CHECK(refused([&] { parse_owner("u", -1, warnings); }) == Errc::usage);
    CHECK(parse_owner("5:6", -1, warnings) == Owner{5, 6});
    fs::remove(image / "etc/passwd");
    CHECK(::mkfifo((image / "etc/passwd").c_str(), 0644) == 0); // nothing is waited for
    CHECK(refused([&] { of("u"); }) == Errc::failed);
    davit::test::TempDir scratch;
    const UniqueFd empty(::open(scratch.path().c_str(), O_PATH | O_DIRECTORY));
    CHECK(parse_owner("u:g", empty.get(), warnings) == Owner{});
}

TEST_CASE("copy: --parents") {
    Letters g;
    const auto with = [&](std::vector<std::string> sources, const char* to) {
        auto step = Ground::step(std::move(sources), to);
        step.parents = true;
        g.copy(step);
    };
    ::chmod((g.from / "d").c_str(), 0750);
    with({"a.txt", "d/e/f.txt"}, "/1/");
    with({"d/e"}, "/2/");
    with({"*/e/*.txt"}, "/3/");
    with({"./d/./e/f.txt"}, "/4/");
    with({"d/e/./f.txt"}, "/5/");
    with({"/d/./e/"}, "/6/");
    with({"**/*.txt"}, "/7");
    with({"./d/**/f.txt"}, "/8/");
    with({"*.none"}, "/9/");
    const auto tree = g.tree();
    Tree names;
    for (const auto& [path, line] : tree)
        if (!line.starts_with("d 0755")) names[path] = line.substr(0, 6);
    CHECK(names == Tree{{"1/a.txt", "f 0644"},
                        {"1/d", "d 0750"},
                        {"1/d/e/f.txt", "f 0644"},
                        {"2/d", "d 0750"},
                        {"2/d/e/f.txt", "f 0644"},
                        {"3/d", "d 0750"},
                        {"3/d/e/f.txt", "f 0644"},
                        {"4/e/f.txt", "f 0644"},
                        {"5/f.txt", "f 0644"},
                        {"6/e/f.txt", "f 0644"},
                        {"7/a.txt", "f 0644"},
                        {"7/b.txt", "f 0644"},
                        {"7/d", "d 0750"},
                        {"7/d/c.txt", "f 0644"},
                        {"7/d/e/f.txt", "f 0644"},
                        {"8/d", "d 0750"},
                        {"8/d/e/f.txt", "f 0644"}});
    CHECK(refused([&] { with({"d/nope"}, "/x/"); }) == Errc::not_found);
    CHECK(refused([&] { with({"nope/./x"}, "/x/"); }) == Errc::not_found);
}

TEST_CASE("copy: --exclude is relative to the source, and no matter of the files that are named") {
    Letters g;
    put(g.from / "d/e/x.md", "");
    auto step = Ground::step({"d"}, "/1/");
    step.exclude = {"*.txt", "!e/f.txt"};
    g.copy(step);
    CHECK(g.tree() == Tree{{"1", "d 0755"}, {"1/e", "d 0755"}, {"1/e/f.txt", "f 0644 f"}, {"1/e/x.md", "f 0644 "}});
    step = Ground::step({"*.txt"}, "/2/");
    step.exclude = {"*.txt"};
    g.copy(step);
    CHECK(g.tree()["2/a.txt"] == "f 0644 a");
}

TEST_CASE("copy: an ignore file hides; what it takes back brings its directories") {
    Letters g;
    put(g.from / "n/x/y.js", "y");
    fs::create_symlink("d/c.txt", g.from / "link");
    SomeNames filter({"d", "!d/e/f.txt", "n", "a.txt"});
    g.filter = &filter;
    g.copy({"."}, "/c");
    CHECK(g.tree() == Tree{{"c", "d 0755"},
                           {"c/b.txt", "f 0644 b"},
                           {"c/d", "d 0755"},
                           {"c/d/e", "d 0755"},
                           {"c/d/e/f.txt", "f 0644 f"},
                           {"c/link", "l -> d/c.txt"}});
    CHECK(refused([&] { g.copy({"a.txt"}, "/x"); }) == Errc::not_found);
    CHECK(refusal([&] { g.copy({"a.txt"}, "/x"); }).find(".dockerignore") != std::string::npos);
    CHECK(refused([&] { g.copy({"n"}, "/x"); }) == Errc::not_found);
    CHECK(refused([&] { g.copy({"link"}, "/x"); }) == Errc::not_found);
    CHECK(refused([&] { g.copy({"n/x/y.js"}, "/x"); }) == Errc::not_found);
    g.copy({"d"}, "/2");
    CHECK(g.tree()["2/e/f.txt"] == "f 0644 f");
    SomeNames all({"*"});
    g.filter = &all;
    g.copy({"."}, "/3");
    CHECK(g.tree()["3"] == "d 0755");
    // An exception that nothing answers to makes no directory.
    SomeNames gone({"d", "!d/e/none"});
    g.filter = &gone;
    CHECK(refused([&] { g.copy({"d"}, "/x"); }) == Errc::not_found);
}

TEST_CASE("copy: an ignore file is meant from the root, wherever the walk begins") {
    Letters g;
    put(g.from / "d/e/g/x", "x");
    const SomeNames filter({"d/e/**", "!d/e/g"});
    g.filter = &filter;
    g.copy({"d"}, "/1");
    g.copy({"d/e"}, "/2");
    g.copy({"d/e/g"}, "/3");
    CHECK(g.tree() == Tree{{"1", "d 0755"},
                           {"1/c.txt", "f 0644 c"},
                           {"1/e", "d 0755"},
                           {"1/e/g", "d 0755"},
                           {"1/e/g/x", "f 0644 x"},
                           {"2", "d 0755"},
                           {"2/g", "d 0755"},
                           {"2/g/x", "f 0644 x"},
                           {"3", "d 0755"},
                           {"3/x", "f 0644 x"}});
    const SomeNames whole({"d"});
    g.filter = &whole;
    CHECK(refused([&] { g.copy({"d/e"}, "/4"); }) == Errc::not_found);
}

TEST_CASE("copy: an excluded directory is not read, and of many files only those that are named are looked at") {
    Ground g;
    for (int i = 0; i < 300; ++i) put(g.from / fmt::format("many/f{}", i), "");
    for (int i = 0; i < 300; ++i) put(g.from / fmt::format("out/f{}", i), "");
    SomeNames filter({"out"});
    g.filter = &filter;
    g.copy({"."}, "/1");
    CHECK(filter.asked < 2 * 310); // once for the digest, once for the copy
    filter.asked = 0;
    g.copy({"many/f1", "many/f2", "many/f29*"}, "/2/");
    CHECK(g.tree().size() == 302 + 1 + 13);
    CHECK(filter.asked < 700); // each name on the way, not each file
}

TEST_CASE("copy: hard links, holes, fifos and sockets") {
    Ground g;
    put(g.from / "h/a", "x");
    fs::create_hard_link(g.from / "h/a", g.from / "h/b");
    fs::create_directory(g.from / "h/s");
    fs::create_hard_link(g.from / "h/a", g.from / "h/s/c");
    put(g.from / "h/big", "begin");
    CHECK(::truncate((g.from / "h/big").c_str(), 5'000'000) == 0);
    CHECK(::mkfifo((g.from / "h/p").c_str(), 0640) == 0);
    const UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    (g.from / "h/sock").copy(address.sun_path, sizeof address.sun_path - 1);
    CHECK(::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    ::chmod((g.from / "h/sock").c_str(), 0755);
    g.copy({"h"}, "/h");
    g.copy({"h/a", "h/b", "h/p"}, "/two/");
    const auto inode = [&](const std::string& path) {
        struct stat st {};
        CHECK(::lstat((g.to / path).c_str(), &st) == 0);
        return st.st_ino;
    };
    CHECK(inode("h/a") == inode("h/b"));
    CHECK(inode("h/a") == inode("h/s/c"));
    CHECK(inode("two/a") != inode("two/b"));
    CHECK(g.tree()["h/p"] == "p 0640");
    CHECK(g.tree()["two/p"] == "p 0640");
    CHECK(g.tree()["h/sock"] == "f 0755 ");
    struct stat st {};
    CHECK(::stat((g.to / "h/big").c_str(), &st) == 0);
    CHECK(st.st_size == 5'000'000);
    CHECK(st.st_blocks < 1000);
    g.context = false;
    const CopyResult result = g.copy({"h"}, "/stage");
    CHECK(!g.tree().contains("stage/sock"));
    CHECK(result.warnings.size() == 1);
}

TEST_CASE("copy: times of files and of directories are kept") {
    Letters g;
    const auto date = [&](const std::string& path, time_t t) {
        const timespec times[2] = {{t, 5}, {t, 5}};
        ::utimensat(AT_FDCWD, path.c_str(), times, AT_SYMLINK_NOFOLLOW);
    };
    const auto dated = [&](const std::string& path) {
        struct stat st {};
        ::lstat((g.to / path).c_str(), &st);
        return st.st_mtim.tv_nsec == 5 ? st.st_mtim.tv_sec : -1;
    };
    fs::create_symlink("x", g.from / "d/l");
    date(g.from / "d/c.txt", 1000);
    date(g.from / "d/l", 1500);
    date(g.from / "d/e/f.txt", 2000);
    date(g.from / "d/e", 3000);
    g.copy({"d"}, "/x");
    CHECK(dated("x/c.txt") == 1000);
    CHECK(dated("x/l") == 1500);
    CHECK(dated("x/e/f.txt") == 2000);
    CHECK(dated("x/e") == 3000);
    date(g.from / "d", 4000);
    date(g.from.path(), 5000);
    g.copy({"d"}, "/y");
    CHECK(dated("y") == 4000);
    g.copy({"d/e"}, "/y");
    CHECK(dated("y") == 3000); // one that is there already gets it, too
    g.copy({"."}, "/z");
    CHECK(dated("z") == -1); // the context itself is made anew by each build
}

TEST_CASE("copy: a tree deeper than there are descriptors") {
    Ground g;
    constexpr int depth = 300;
    rlimit before{};
    REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
    const rlimit few{100, before.rlim_max};
    const auto down = [](int from, bool make) {
        UniqueFd at = sys::open_at(from, ".", O_PATH | O_DIRECTORY);
        for (int i = 0; i < depth; ++i) {
            if (make) CHECK(::mkdirat(at.get(), "d", 0755) == 0);
            at = sys::open_at(at.get(), "d", O_PATH | O_DIRECTORY);
        }
        return at;
    };
    {
        const UniqueFd last = down(g.source_root.get(), true);
        const UniqueFd file = sys::open_at(last.get(), "f", O_WRONLY | O_CREAT, 0644);
        sys::write_all(file.get(), "deep");
    }
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &few) == 0);
    g.copy({"."}, "/x");
    CHECK(::setrlimit(RLIMIT_NOFILE, &before) == 0);
    const UniqueFd top = sys::open_at(g.root.get(), "x", O_PATH | O_DIRECTORY);
    const UniqueFd file = sys::open_at(down(top.get(), false).get(), "f", O_RDONLY);
    CHECK(sys::read_all(file.get()) == "deep");
    sys::remove_tree_at(g.source_root.get(), "d"); // std::filesystem could not
    sys::remove_tree_at(g.root.get(), "x");
}
