// `system boot`, `shutdown`, `install` and `uninstall`: the machine's start and end.
#include "base/error.hpp"
#include "base/printable.hpp"
#include "cli/cmd/system.hpp"
#include "cli/context.hpp"
#include "cli/options.hpp"
#include "davit/boot.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>

namespace davit::cli {

namespace {

using namespace std::chrono_literals;

void print_steps(const std::vector<ProjectOutcome>& outcomes) {
    for (const auto& outcome : outcomes)
        for (const auto& step : outcome.steps)
            std::printf("%s %s: %s\n", to_string(step.kind), printable(step.container).c_str(),
                        printable(step.why).c_str());
}

// What failed is named with its project, all of it. The exit code.
int report(const std::vector<ProjectOutcome>& outcomes) {
    int code = 0;
    for (const auto& outcome : outcomes) {
        for (const auto& note : outcome.notes)
            std::fprintf(stderr, "note: project %s: %s\n", printable(outcome.project).c_str(), printable(note).c_str());
        for (const Error& failure : outcome.failures) {
            std::fprintf(stderr, "error: project %s: %s\n", printable(outcome.project).c_str(),
                         printable(failure.what()).c_str());
            if (!failure.hint().empty()) std::fprintf(stderr, "  hint: %s\n", printable(failure.hint()).c_str());
            code = 1;
        }
    }
    return code;
}

int finish(Context& context, const std::vector<ProjectOutcome>& outcomes) {
    context.mute();
    if (context.dry_run()) print_steps(outcomes);
    const int code = report(outcomes);
    return context.interrupts().requested() ? 130 : code;
}

// A tenth of the time, but no more than five seconds, is left for what comes after the last container.
std::chrono::nanoseconds without_margin(std::chrono::nanoseconds limit) {
    return limit - std::min<std::chrono::nanoseconds>(limit / 10, 5s);
}

std::string own_program() { return std::filesystem::read_symlink("/proc/self/exe").string(); }

} // namespace

int run_system_boot(Globals& globals, const Args& args) {
    Options options(globals, "system boot", "Start what should run after a reboot, of all projects");
    options.epilog(
        "By the restart policies, as Docker does: 'always' starts even when it was stopped by hand,\n"
        "'unless-stopped' not then, 'on-failure' when it had failed or was running when the machine went down,\n"
        "'no' never. With --dry-run it says what it would do.\n\n"
        "Exit status: 0, or 1 when something of a project could not start; the other projects do.");
    if (!options.parse(args)) return 0;
    Context context(globals);
    context.interrupts();
    BootOptions boot;
    boot.dry_run = context.dry_run();
    return finish(context, context.engine().boot(boot, context.stop()));
}

int run_system_shutdown(Globals& globals, const Args& args) {
    std::string unit;
    std::optional<int> timeout;
    Options options(globals, "system shutdown [OPTIONS]", "Stop all containers before the machine goes down");
    options.value("t,timeout", timeout, "Kill what has not ended after so many seconds")
        .value("unit", unit, "Called by this systemd unit: its TimeoutStopSec counts, and its restart stops nothing");
    options.epilog(
        "Dependents stop before what they need. It is no stop by the user: 'davit system boot' starts all of it\n"
        "again.");
    if (!options.parse(args)) return 0;
    ShutdownOptions shutdown;
    if (!unit.empty()) {
        const UnitStop wanted = unit_stop(unit);
        if (wanted.restarts) {
            std::printf("%s is restarted: everything goes on running\n", printable(unit).c_str());
            return 0;
        }
        if (wanted.limit) shutdown.limit = without_margin(*wanted.limit);
    }
    if (timeout) shutdown.limit = std::chrono::seconds(std::max(0, *timeout));
    Context context(globals);
    context.interrupts();
    shutdown.dry_run = context.dry_run();
    return finish(context, context.engine().shut_down(shutdown, context.stop()));
}

int run_system_install(Globals& globals, const Args& args) {
    bool print = false;
    Options options(globals, "system install [OPTIONS]", "Have systemd start what should run after a reboot");
    options.flag("print", print, "Only print the unit");
    options.epilog("Without systemd, have the init scripts call 'davit system boot' and 'davit system shutdown'.");
    if (!options.parse(args)) return 0;
    Context context(globals);
    if (print || context.dry_run()) {
        std::fputs(boot_unit(context.engine(), own_program()).c_str(), stdout);
        return 0;
    }
    for (const auto& line : install_boot_unit(context.engine(), own_program()))
        std::printf("%s\n", printable(line).c_str());
    return 0;
}

int run_system_uninstall(Globals& globals, const Args& args) {
    Options options(globals, "system uninstall", "Take the unit of 'system install' away again");
    if (!options.parse(args)) return 0;
    if (globals.dry_run) {
        std::fputs("The unit davit.service would be disabled and removed.\n", stdout);
        return 0;
    }
    for (const auto& line : uninstall_boot_unit()) std::printf("%s\n", printable(line).c_str());
    return 0;
}

} // namespace davit::cli
