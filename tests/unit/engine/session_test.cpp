// Sessions as an embedding program has them: through <davit/attach.hpp> alone.
#include "../supervisor/lab.hpp"
#include "base/fd.hpp"
#include "base/sys.hpp"
#include "davit/attach.hpp"

#include <csignal>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <thread>
#include <unistd.h>

using namespace davit;
using namespace davit::test;

namespace {

EngineOptions in(const Roots& roots) {
    EngineOptions o;
    o.state_dir = roots.state;
    o.run_dir = roots.run;
    return o;
}

struct Shop {
    Lab lab;
    std::string id;
    Engine engine;
    ContainerInfo container;
    Shop(const char* name, const std::string& script, bool with_input = false)
        : lab(name), id(lab.add("a", script,
                                [with_input](ContainerRecord& record, runtime::Spec& spec) {
                                    Lab::on_no_network()(record, spec);
                                    record.open_stdin = spec.process.stdin_open = with_input;
                                })),
          engine(in(lab.roots)) {
        lab.up();
        container = engine.container(name, id).value();
    }
};

ExecOptions sh(const std::string& script) {
    ExecOptions options;
    options.command = {"/bin/sh", "-c", script};
    return options;
}

std::string all_of(UniqueFd fd) {
    std::string out;
    char buffer[4096];
    for (ssize_t n; (n = ::read(fd.get(), buffer, sizeof buffer)) > 0;) out.append(buffer, static_cast<std::size_t>(n));
    return out;
}

} // namespace

TEST_CASE("exec reads a descriptor and writes to two; a stream that nobody reads holds up no other") {
    Shop shop("streams", "exec sleep 1000");
    FdPair in = sys::pipe(), out = sys::pipe(), err = sys::pipe();
    Session session;
    session.input = in.first.get();
    session.output = out.second.get();
    session.errors = err.second.get();
    std::optional<int> code;
    std::jthread running([&] {
        code =
            exec(shop.engine, shop.container,
                 sh("head -c 300000 /dev/zero & echo first >&2; read line; echo got $line >&2; wait; exit 5"), session);
        out.second.reset();
        err.second.reset();
    });
    char first[6];
    REQUIRE(::read(err.first.get(), first, sizeof first) == 6); // while the zeros of out are not read
    REQUIRE(::write(in.second.get(), "word\n", 5) == 5);
    std::string zeros;
    std::jthread reading([&] { zeros = all_of(std::move(out.first)); });
    CHECK(all_of(std::move(err.first)) == "got word\n");
    reading.join();
    running.join();
    CHECK(zeros.size() == 300'000);
    CHECK(code == 5);
}

TEST_CASE("a session takes signals, resizes its terminal and is left: who ignores a hangup goes on") {
    Shop shop("steered", "exec sleep 1000");
    Session session;
    std::string said;
    // Each word that it says is answered.
    session.sink = [&](ExecStream, std::string_view text) {
        said += text;
        if (said.ends_with("ready\r\n")) session.control.resize({33, 77});
        if (said.ends_with("33 77\r\n")) session.control.signal(SIGTERM);
        if (said.ends_with("term\r\n")) session.control.detach();
    };
    ExecOptions options =
        sh("trap '' HUP; trap 'stty size' WINCH; trap 'echo term' TERM; echo $$ ready; while :; do sleep 0.02; done");
    options.tty = true;
    CHECK(exec(shop.engine, shop.container, options, session) == std::nullopt);
    const std::string pid = said.substr(0, said.find(' '));
    CHECK(said == pid + " ready\r\n33 77\r\nterm\r\n");
    CHECK(shop.engine.exec(shop.container, sh("kill -KILL " + pid)) == 0);
}

TEST_CASE("what is typed may be changed, and leaves the session") {
    Shop shop("typed", "exec sleep 1000");
    FdPair in = sys::pipe();
    REQUIRE(::write(in.second.get(), "hello Q", 7) == 7);
    Session session;
    session.input = in.first.get();
    session.typed = [](std::string& bytes) {
        bytes = "HELLO\n";
        return false;
    };
    std::string said;
    bool began = false;
    session.started = [&] { began = true; };
    session.sink = [&](ExecStream, std::string_view text) { said += text; };
    CHECK(exec(shop.engine, shop.container, sh("exec sleep 1000"), session) == std::nullopt);
    CHECK(began);
}

TEST_CASE("a detached process runs, and nobody waits for it; one that cannot begin has a code") {
    Shop shop("detached", "exec sleep 1000");
    ExecOptions options = sh("echo here > /there; exec sleep 1000");
    options.detach = true;
    CHECK(exec(shop.engine, shop.container, options, {}) == 0);
    shop.lab.until("its file", [&] { return shop.engine.exec(shop.container, sh("grep -q here /there")) == 0; });
    for (const auto& [command, wanted] : {std::pair("/nothing", 127), std::pair("/etc", 126)}) {
        ExecOptions missing;
        missing.command = {command};
        Session session;
        session.started = [] { FAIL("it runs"); };
        try {
            exec(shop.engine, shop.container, missing, session);
            FAIL("it ran");
        } catch (const Error& e) {
            CHECK(e.exit_code() == wanted);
        }
    }
}

TEST_CASE("attach: input goes in, output comes out, then the exit code") {
    Shop shop("attached", "read line; echo got $line; echo bad >&2; exit 3", true);
    FdPair in = sys::pipe();
    Session session;
    session.input = in.first.get();
    std::string said, bad;
    session.sink = [&](ExecStream stream, std::string_view text) {
        (stream == ExecStream::output ? said : bad) += text;
    };
    session.started = [&] { REQUIRE(::write(in.second.get(), "word\n", 5) == 5); };
    CHECK(attach(shop.engine, shop.container, session) == 3);
    CHECK(said == "got word\n");
    CHECK(bad == "bad\n");
}

TEST_CASE("attach is stopped and left: the container runs on; a reader that is gone is no signal") {
    Shop shop("left", "while :; do echo line; sleep 0.01; done");
    std::stop_source stop;
    Session session;
    session.sink = [&](ExecStream, std::string_view) { stop.request_stop(); };
    try {
        attach(shop.engine, shop.container, session, stop.get_token());
        FAIL("went on");
    } catch (const Error& e) {
        CHECK(e.kind() == Errc::interrupted);
    }
    FdPair out = sys::pipe();
    out.first.reset();
    Session deaf;
    deaf.output = out.second.get();
    std::jthread later([&deaf] {
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
        deaf.control.detach();
    });
    CHECK(attach(shop.engine, shop.container, deaf) == std::nullopt);
    CHECK(shop.lab.status(shop.id).state == ContainerState::running);
}
