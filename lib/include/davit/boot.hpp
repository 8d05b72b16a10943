// The machine's start and end: what runs again after a reboot, how everything stops before one, and the systemd unit
// that calls both. Engine::boot() and Engine::shut_down() act.
#pragma once

#include "davit/error.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#pragma GCC visibility push(default)
namespace davit {

// What was decided about one container, and why.
struct BootStep {
    enum class Kind { runs, start, remove, leave, stop };
    Kind kind{};
    std::string container;
    std::string why; // "restart: always", "stopped by its user", "it was running when the machine went down" …
};
const char* to_string(BootStep::Kind kind);

struct ProjectOutcome {
    std::string project;
    std::vector<BootStep> steps;
    std::vector<std::string> notes; // what whoever reads the log should know
    std::vector<Error> failures;    // of this project; the others went on
};

struct BootOptions {
    bool dry_run = false; // only decides
};

struct ShutdownOptions {
    bool dry_run = false;
    // Everything has ended by then: whoever does not heed its stop signal is killed. Absent: the containers' own
    // stop_grace_period.
    std::optional<std::chrono::nanoseconds> limit;
};

class Engine;

// The unit that boots what `engine` keeps; program: the davit that it calls.
std::string boot_unit(const Engine& engine, const std::string& program);
// The same for packages: of a program that works in the directories of root. Pure.
std::string boot_unit(const std::string& program);
// Writes /etc/systemd/system/davit.service, enables and starts it. One sentence for each thing done. Blocks until
// systemd has answered, which starts what `engine` keeps before. Errors: denied (not root), unsupported (systemd is not
// this machine's init), failed (what systemctl says).
std::vector<std::string> install_boot_unit(const Engine& engine, const std::string& program);
// Disables and removes it; what runs goes on running.
std::vector<std::string> uninstall_boot_unit();

// What systemd wants of a unit whose ExecStop runs now. Asks systemctl, and blocks for its answer.
struct UnitStop {
    bool restarts = false; // it is started again at once
    std::optional<std::chrono::nanoseconds> limit;
};
UnitStop unit_stop(const std::string& unit);

} // namespace davit
#pragma GCC visibility pop
