#include "engine/exec.hpp"

#include "runtime/defaults.hpp"

#include <doctest/doctest.h>

using namespace davit;

namespace {

runtime::Spec container() {
    runtime::Spec spec = runtime::default_spec();
    spec.process.args = {"/server"};
    spec.process.env = {"PATH=/bin", "A=1"};
    spec.process.cwd = "/srv";
    spec.process.user.name = "www";
    spec.process.apparmor_profile = "shop";
    spec.process.terminal = spec.process.stdin_open = true;
    return spec;
}

} // namespace

TEST_CASE("exec is the container's process with what the options say") {
    ExecOptions options;
    options.command = {"ls"};
    const runtime::ExecSpec plain = describe_exec(container(), options);
    CHECK(plain.process.args == std::vector<std::string>{"ls"});
    CHECK(plain.process.env == container().process.env);
    CHECK(plain.process.cwd == "/srv");
    CHECK(plain.process.user.name == "www");
    CHECK_FALSE(plain.process.terminal);
    CHECK(plain.process.stdin_open);

    options.user = options.working_dir = ""; // as none
    CHECK(describe_exec(container(), options) == plain);

    options.user = "0";
    options.working_dir = "/tmp";
    options.environment = {"A=2"};
    options.tty = true;
    const runtime::ExecSpec other = describe_exec(container(), options);
    CHECK(other.process.user.name == "0");
    CHECK(other.process.cwd == "/tmp");
    CHECK(other.process.env == std::vector<std::string>{"PATH=/bin", "A=1", "TERM=xterm", "A=2"}); // the last A wins
    CHECK(other.process.terminal);
}

TEST_CASE("privileged: all capabilities, and nothing else changes: Docker's exec keeps the filter and AppArmor") {
    ExecOptions options;
    options.command = {"ls"};
    const runtime::ExecSpec usual = describe_exec(container(), options);
    options.privileged = true;
    runtime::ExecSpec privileged = describe_exec(container(), options);
    const runtime::CapSet all = ~runtime::CapSet{0} >> 23;
    CHECK(usual.process.caps.bounding == runtime::default_capabilities());
    CHECK(privileged.process.caps.bounding == all);
    CHECK(privileged.process.caps.effective == all);
    CHECK(privileged.process.apparmor_profile == "shop");
    CHECK(privileged.container_bounding == runtime::default_capabilities());
    privileged.process.caps = usual.process.caps;
    CHECK(privileged == usual);
}
