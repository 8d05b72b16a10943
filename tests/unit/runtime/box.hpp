// A busybox container for tests: an image made by hand, a spec to change, a shim to talk to.
#pragma once

#include "base/sys.hpp"
#include "runtime/defaults.hpp"
#include "runtime/shim_client.hpp"
#include "runtime/steps.hpp"

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace davit::runtime::test {

inline constexpr std::chrono::milliseconds limit{20000};

// Skips the program (exit 77) without root or busybox.
void need_machine();
const HostFacts& host();
// A sealed copy of davit-shim, made once.
int shim_exe();
// /bin/busybox with all its applets, /etc/passwd and /etc/group; made once per program.
const std::string& image();

// Where a container sees a file of its cgroup: in the controller's own tree on v1, in the one tree on v2.
std::string in_cgroup(const std::string& controller, const std::string& v1_file, const std::string& v2_file = "");

class Box {
public:
    explicit Box(std::vector<std::string> args = {"true"});
    ~Box(); // kills what runs, waits for the shim
    Box(const Box&) = delete;

    Spec spec;
    HostFacts facts = host();
    ShimStart start;
    Box& sh(const std::string& script) { return spec.process.args = {"sh", "-c", script}, *this; }

    void launch();          // starts the shim
    Started wait_started(); // throws the StartFailed's error
    Exited wait_exited();   // collects what comes before
    int run() { return launch(), wait_exited().code; }
    // launch, wait, and what it wrote to stdout and stderr as one text in log order.
    std::string output();
    std::string log() const; // the raw json-file
    std::string log_text(const std::string& stream = "") const;
    std::string start_error(); // launch; the text of the error, "" if it started
    std::string dir() const { return dir_; }

    struct ExecResult {
        int code = -1;
        std::string out, err, error;
    };
    ExecResult exec(std::vector<std::string> args, const std::string& input = "");
    ExecResult exec(const ExecSpec& e, const std::string& input = "");
    // Without stdin, and with one pipe for both outputs, as healthchecks and hooks run; with outputs false as exec -d.
    ExecResult exec_without_input(const ExecSpec& e, bool outputs = true);

    Shim shim;
    std::vector<std::string> warnings;
    std::optional<Exited> exited;

private:
    std::string dir_;
    UniqueFd steps_;
};

// Puts the hostile program of onlooker.cpp at /onlooker.
void with_onlooker(Box& box);

UniqueFd memfd_of(const std::string& bytes);
std::string drain(int fd); // until its end

} // namespace davit::runtime::test
