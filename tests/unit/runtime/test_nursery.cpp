// Shims that a nursery starts.
#include "unit/runtime/box.hpp"

#include "base/error.hpp"
#include "base/file.hpp"
#include "runtime/shim/config.hpp"

#include <algorithm>
#include <csignal>
#include <dirent.h>
#include <doctest/doctest.h>
#include <sstream>
#include <sys/wait.h>
#include <unistd.h>

using namespace davit;
using namespace davit::runtime;
using namespace davit::runtime::test;

namespace {

// A container whose shim comes from a nursery.
struct Nursling : Box {
    using Box::launch;
    void launch(ShimNursery& nursery) {
        CompileOptions options;
        options.bpf_cache_dir = "/tmp/bpf";
        steps = memfd_of(compile(spec, facts, options, &warnings));
        start.steps_fd = steps.get();
        shim.control = nursery.start(start);
    }
    // What the shim says of itself, once the container runs.
    pid_t shim_pid() {
        wait_started();
        shim.control.status();
        return shim.control.wait_for<ShimStatus>(std::chrono::seconds(10)).shim_pid;
    }
    void end() {
        shim.control.signal(SIGKILL);
        wait_exited();
    }
    UniqueFd steps;
};

std::string command_line(pid_t pid) {
    std::string text = read_file("/proc/" + std::to_string(pid) + "/cmdline");
    std::replace(text.begin(), text.end(), '\0', ' ');
    return text;
}

void replace(std::string& text, const std::string& what, const std::string& with) {
    for (std::size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += with.size())
        text.replace(at, what.size(), with);
}

std::string status_line(pid_t pid, const std::string& key) {
    std::istringstream in(read_file("/proc/" + std::to_string(pid) + "/status"));
    for (std::string line; std::getline(in, line);)
        if (line.starts_with(key + ":\t")) return line.substr(key.size() + 2);
    return "";
}

std::vector<pid_t> children_named(const std::string& name) {
    std::vector<pid_t> out;
    std::istringstream in(read_file("/proc/thread-self/children"));
    for (pid_t pid; in >> pid;)
        if (status_line(pid, "Name") == name && status_line(pid, "State").front() != 'Z') out.push_back(pid);
    return out;
}

std::size_t open_files(pid_t pid) {
    std::size_t n = 0;
    DIR* d = ::opendir(("/proc/" + std::to_string(pid) + "/fd").c_str());
    while (d && ::readdir(d)) ++n;
    if (d) ::closedir(d);
    return n;
}

void reap_all() {
    while (::waitpid(-1, nullptr, WNOHANG) > 0) {}
}

} // namespace

TEST_CASE("a nursery's shims are children of who asked, and look like those that were executed") {
    need_machine();
    ShimNursery nursery;
    Nursling first, second;
    for (Nursling* box : {&first, &second}) {
        box->sh("echo up; sleep 1000");
        box->launch(nursery);
    }
    Box executed;
    executed.sh("sleep 1000").launch();
    executed.wait_started();
    executed.shim.control.status();
    pid_t other = executed.shim.control.wait_for<ShimStatus>(std::chrono::seconds(10)).shim_pid;
    for (Nursling* box : {&first, &second}) {
        pid_t pid = box->shim_pid();
        CHECK(status_line(pid, "PPid") == std::to_string(::getpid()));
        CHECK(status_line(pid, "Name") == "davit-shim");
        CHECK(status_line(pid, "SigBlk") == status_line(other, "SigBlk"));
        CHECK(::getsid(pid) == pid);
        CHECK(open_files(pid) <= open_files(other)); // an executed one may have inherited more
        std::string expected = command_line(other);
        for (auto [from, to] : {std::pair{executed.start.log.path, box->start.log.path},
                                {executed.start.run_dir, box->start.run_dir},
                                {executed.start.id, box->start.id}})
            replace(expected, from, to);
        CHECK(command_line(pid) == expected);
    }
    CHECK(children_named(shim::nursery_name).size() == 1);
    nursery.stop();
    CHECK(children_named(shim::nursery_name).empty());
    for (Nursling* box : {&first, &second}) {
        CHECK(box->exec({"echo", "in"}).out == "in\n"); // they go on
        box->end();
        CHECK(box->log_text() == "up\n");
    }
    reap_all();
}

TEST_CASE("a start that fails is told through a nursery as well, and a nursery that was killed is replaced") {
    need_machine();
    ShimNursery nursery;
    Nursling missing;
    missing.spec.process.args = {"not-there"};
    missing.launch(nursery);
    CHECK_THROWS_WITH_AS(missing.wait_started(), doctest::Contains("not-there"), Error);
    auto before = children_named(shim::nursery_name);
    REQUIRE(before.size() == 1);
    ::kill(before[0], SIGKILL);
    ::waitpid(before[0], nullptr, 0);
    Nursling next;
    next.sh("exit 5");
    next.launch(nursery);
    CHECK(next.wait_exited().code == 5);
    auto after = children_named(shim::nursery_name);
    REQUIRE(after.size() == 1);
    CHECK(after != before);
    reap_all();
}

TEST_CASE("arguments that are too long for a nursery are executed") {
    need_machine();
    ShimNursery nursery;
    Nursling box;
    box.start.supervisor_argv = {"/bin/true", std::string(shim::nursery_limit, 'x')};
    box.start.supervisor_lock = box.dir() + "/lock";
    box.sh("sleep 1000");
    box.launch(nursery);
    CHECK(command_line(box.shim_pid()).ends_with(box.start.supervisor_argv.back() + " "));
    CHECK(children_named(shim::nursery_name).empty());
    box.end();
    reap_all();
}
