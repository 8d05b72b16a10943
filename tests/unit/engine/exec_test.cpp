// Engine::exec as an embedding program calls it: through <davit/engine.hpp> alone.
#include "../supervisor/lab.hpp"
#include "davit/engine.hpp"

#include <csignal>
#include <doctest/doctest.h>
#include <poll.h>
#include <sys/types.h>
#include <utility>

using namespace davit;
using namespace davit::test;

namespace {

struct Run {
    int code = 0;
    std::string out, err;
};

Run exec(Engine& engine, const ContainerInfo& container, const std::string& script, const std::string& input = {},
         std::stop_token stop = {}) {
    ExecOptions options;
    options.command = {"/bin/sh", "-c", script};
    options.environment = {"WORD=said"};
    Run run;
    run.code = engine.exec(
        container, options, input,
        [&](ExecStream stream, std::string_view text) { (stream == ExecStream::output ? run.out : run.err) += text; },
        std::move(stop));
    return run;
}

EngineOptions at(const Roots& roots) {
    EngineOptions o;
    o.state_dir = roots.state;
    o.run_dir = roots.run;
    return o;
}

// Kills it and waits until it is gone; what comes after sees its death.
void kill(pid_t pid) {
    REQUIRE(pid > 0);
    const UniqueFd process = sys::pidfd_open(pid);
    ::kill(pid, SIGKILL);
    pollfd ended{process.get(), POLLIN, 0};
    REQUIRE(::poll(&ended, 1, 10'000) == 1);
}

} // namespace

TEST_CASE("a program runs a command in a container: both streams, input, its code, its end on request") {
    Lab lab("exec");
    const std::string id = lab.add("a", "exec sleep 1000", Lab::on_no_network());
    lab.up();
    Engine engine(at(lab.roots));
    const auto container = engine.container("exec", id);
    REQUIRE(container);
    Run run = exec(engine, *container, "cat; echo $WORD; echo bad >&2; exit 7", "given ");
    CHECK(run.code == 7);
    CHECK(run.out == "given said\n");
    CHECK(run.err == "bad\n");
    const std::string much(300'000, 'x');
    run = exec(engine, *container, "cat", much);
    CHECK(run.code == 0);
    CHECK(run.out == much);
    CHECK(exec(engine, *container, "kill -9 $$").code == 128 + SIGKILL);

    ExecOptions missing;
    missing.command = {"/bin/nothing-of-the-kind"};
    try {
        engine.exec(*container, missing);
        FAIL("ran what is not there");
    } catch (const Error& e) {
        CHECK(e.exit_code() == 127);
    }

    std::stop_source stop;
    ExecOptions endless;
    endless.command = {"/bin/sh", "-c", "echo up; exec sleep 1000"};
    try {
        engine.exec(
            *container, endless, {}, [&](ExecStream, std::string_view) { stop.request_stop(); }, stop.get_token());
        FAIL("went on");
    } catch (const Error& e) {
        CHECK(e.kind() == Errc::interrupted);
    }

    lab.one(OpKind::stop_container, id);
    try {
        exec(engine, *container, "true");
        FAIL("ran in a container that does not run");
    } catch (const Error& e) {
        CHECK(e.kind() == Errc::unavailable);
        CHECK(std::string(e.what()).find("exec-a-1 is not running") != std::string::npos);
    }
}

TEST_CASE("exec works at once after the supervisor, the shim, or both were killed") {
    Lab lab("orphans");
    const std::string id = lab.add("a", "exec sleep 1000", Lab::on_no_network());
    lab.up();
    Engine engine(at(lab.roots));
    const auto container = engine.container("orphans", id);
    REQUIRE(container);
    const int init = lab.status(id).pid;

    kill(lab.shim_pid(id));
    CHECK(exec(engine, *container, "echo one").out == "one\n");
    kill(lab.supervisor_pid());
    CHECK(exec(engine, *container, "echo two").out == "two\n");
    for (int round = 0; round < 5; ++round) {
        lab.until("a supervisor", [&] { return lab.supervisor_pid() > 0; });
        const int shim = lab.shim_pid(id), supervisor = lab.supervisor_pid();
        REQUIRE(shim > 0);
        // Frozen first, so that neither sees the other's end.
        ::kill(supervisor, SIGSTOP);
        ::kill(shim, SIGSTOP);
        kill(supervisor);
        kill(shim);
        CHECK(exec(engine, *container, "echo three").out == "three\n");
        CHECK(lab.supervisor_pid() != supervisor);
    }
    CHECK(lab.status(id).pid == init);
    CHECK(lab.status(id).state == ContainerState::running);
}
