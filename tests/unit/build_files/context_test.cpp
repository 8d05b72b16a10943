#include "build/files/context.hpp"

#include "archive/tar_stream.hpp"
#include "base/error.hpp"
#include "tests/unit/build_files/tree.hpp"

#include <doctest/doctest.h>

using namespace davit;
using namespace davit::build;
using namespace davit::build::test;

namespace {

struct Contexts {
    davit::test::TempDir dir, scratch;
    std::string ignore_name;
    ContextSpec spec(const std::string& context) {
        ContextSpec out;
        out.context = context;
        out.scratch = scratch.path();
        out.read_ignore = [this](const std::string& text, const std::string& name) {
            ignore_name = name;
            return std::make_unique<SomeNames>(std::vector{text.substr(0, text.find('\n'))});
        };
        return out;
    }
    Errc refused(const ContextSpec& spec) const {
        try {
            open_context(spec);
        } catch (const Error& e) {
            return e.kind();
        }
        FAIL("it was opened");
        return Errc::failed;
    }
    // Standard input, as it would be.
    UniqueFd input(const std::string& bytes) const {
        put(dir / "input", bytes);
        return UniqueFd(::open((dir / "input").c_str(), O_RDONLY | O_CLOEXEC));
    }
};

std::string small_tar() {
    std::string out;
    archive::TarStream tar([&](std::string_view bytes) { out += bytes; });
    const auto add = [&](const std::string& path, const std::string& text, std::uint32_t mode) {
        archive::TarEntry e;
        e.path = path;
        e.mode = mode;
        e.uid = ::geteuid();
        e.gid = ::getegid();
        e.size = text.size();
        e.mtime = 1'000'000'000;
        tar.add(e);
        tar.data(text);
    };
    add("./Dockerfile", "FROM scratch\n", 0644);
    add("./o", "FROM other\n", 0644);
    add("./a.txt", "x", 0750);
    add("./.dockerignore", "a.txt\n", 0644);
    tar.finish();
    return out;
}

} // namespace

TEST_CASE("context: a directory, its Dockerfile and ignore file") {
    Contexts c;
    put(c.dir / "ctx/Dockerfile", "FROM a\n");
    put(c.dir / "ctx/.dockerignore", "secret\n");
    put(c.dir / "ctx/x/Other", "FROM b\n");
    put(c.dir / "ctx/x/Other.dockerignore", "else\n");
    put(c.dir / "outside/Dockerfile", "FROM c\n");
    ContextSpec spec = c.spec(c.dir / "ctx");
    {
        const BuildContext context = open_context(spec);
        CHECK(context.dockerfile() == "FROM a\n");
        CHECK(context.dockerfile_name() == "Dockerfile");
        CHECK(context.source().context);
        REQUIRE(context.source().filter);
        CHECK(context.source().filter->excludes("secret"));
        CHECK(c.ignore_name == ".dockerignore");
    }
    put(c.dir / "plain/Dockerfile", "FROM a\n");
    put(c.dir / "plain/.dockerignore/x", "1");
    CHECK_FALSE(open_context(c.spec(c.dir / "plain")).source().filter); // a directory of the name says nothing
    spec.dockerfile = c.dir / "ctx/x/Other";                            // what stands beside it wins
    CHECK(open_context(spec).dockerfile() == "FROM b\n");
    CHECK(c.ignore_name == c.dir / "ctx/x/Other.dockerignore");
    spec.dockerfile = c.dir / "outside/Dockerfile";
    CHECK(open_context(spec).dockerfile() == "FROM c\n");
    CHECK(c.ignore_name == ".dockerignore");
    spec.dockerfile = c.dir / "outside/Dockerfil";
    CHECK(c.refused(spec) == Errc::not_found);
    spec.dockerfile = c.dir / "none/Dockerfile";
    CHECK(c.refused(spec) == Errc::not_found);
    spec.dockerfile = c.dir / "outside";
    CHECK(c.refused(spec) == Errc::usage); // a directory
    spec.dockerfile = c.dir / "pipe";
    CHECK(::mkfifo((c.dir / "pipe").c_str(), 0644) == 0);
    CHECK(c.refused(spec) == Errc::usage); // and not waited for
    spec.dockerfile.reset();
    spec.dockerfile_inline = "FROM d\n";
    CHECK(open_context(spec).dockerfile() == "FROM d\n");
    spec = c.spec(c.dir / "ctx/x");
    spec.wants_dockerfile = false;
    CHECK(open_context(spec).dockerfile().empty());
    spec.wants_dockerfile = true;
    CHECK(c.refused(spec) == Errc::not_found);
}

TEST_CASE("context: dockerfile in small letters, and links") {
    Contexts c;
    put(c.dir / "low/dockerfile", "FROM low\n");
    CHECK(open_context(c.spec(c.dir / "low")).dockerfile_name() == "dockerfile");
    put(c.dir / "low/Dockerfile", "FROM high\n");
    CHECK(open_context(c.spec(c.dir / "low")).dockerfile() == "FROM high\n");
    put(c.dir / "secret", "root:x:0:0\n");
    fs::create_directories(c.dir / "links");
    fs::create_symlink("../secret", c.dir / "links/Dockerfile");
    CHECK(c.refused(c.spec(c.dir / "links")) == Errc::not_found);
    put(c.dir / "links/real", "FROM link\n");
    fs::remove(c.dir / "links/Dockerfile");
    fs::create_symlink("real", c.dir / "links/Dockerfile");
    CHECK(open_context(c.spec(c.dir / "links")).dockerfile() == "FROM link\n");
}

TEST_CASE("context: what is none") {
    Contexts c;
    put(c.dir / "file", "text");
    CHECK(c.refused(c.spec(c.dir / "none")) == Errc::not_found);
    CHECK(c.refused(c.spec(c.dir / "file")) == Errc::usage);
    ContextSpec spec = c.spec("-");
    spec.dockerfile = "-";
    CHECK(c.refused(spec) == Errc::usage);
    const UniqueFd nothing = c.input("");
    spec = c.spec("-");
    spec.stdin_fd = nothing.get();
    CHECK(c.refused(spec) == Errc::usage);
    spec = c.spec(c.dir.path());
    spec.dockerfile = "-";
    spec.stdin_fd = nothing.get();
    CHECK(c.refused(spec) == Errc::usage);
}

TEST_CASE("context: standard input with a tar, or with a Dockerfile") {
    Contexts c;
    ContextSpec spec = c.spec("-");
    UniqueFd input = c.input(small_tar());
    spec.stdin_fd = input.get();
    {
        const BuildContext context = open_context(spec);
        CHECK(context.dockerfile() == "FROM scratch\n");
        CHECK(context.modified({}) == 1'000'000'000); // as the youngest file in it
        std::stop_source stop;
        stop.request_stop();
        CHECK_THROWS_AS(context.modified(stop.get_token()), Error); // which is looked for now
        CHECK(!context.source().context);                           // owners are the archive's
        CHECK(!context.source().filter);                            // and no ignore file counts
        Ground g;
        build::copy(context.source(), Ground::step({"."}, "/c/"), g.root.get(), g.options());
        CHECK(g.tree()["c/a.txt"] == "f 0750 x");
        CHECK(g.tree().size() == 5);
    }
    CHECK(fs::is_empty(c.scratch.path()));
    input = c.input(small_tar());
    spec.stdin_fd = input.get();
    spec.dockerfile = "o";
    CHECK(open_context(spec).dockerfile() == "FROM other\n");
    input = c.input(small_tar());
    spec.stdin_fd = input.get();
    spec.dockerfile = "none";
    CHECK(c.refused(spec) == Errc::not_found);
    CHECK(fs::is_empty(c.scratch.path()));
    spec.dockerfile.reset();
    input = c.input("FROM text\n");
    spec.stdin_fd = input.get();
    const BuildContext context = open_context(spec);
    CHECK(context.dockerfile() == "FROM text\n");
    Ground g;
    CHECK_THROWS_AS(build::copy(context.source(), Ground::step({"a.txt"}, "/"), g.root.get(), g.options()), Error);
    // A tar file does as well.
    put(c.dir / "t.tar", small_tar());
    CHECK(open_context(c.spec(c.dir / "t.tar")).dockerfile() == "FROM scratch\n");
}
