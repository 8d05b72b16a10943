#include "engine/systemd_unit.hpp"

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/process.hpp"
#include "engine/roots.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <sstream>
#include <unistd.h>

namespace davit {

namespace {

using namespace std::chrono_literals;

// What stands in a quoted word of a unit file, with systemd's specifiers made plain; in commands its variables too.
std::string escaped(const std::string& text, bool command = false) {
    std::string out;
    for (const char c : text) {
        if (c == '"' || c == '\\') out += '\\';
        out += c;
        if (c == '%' || (command && c == '$')) out += c;
    }
    return out;
}

} // namespace

std::string unit_text(const BootUnit& unit) {
    std::string out = unit.packaged ? "# What should run after a reboot does: 'systemctl enable davit.service'.\n"
                                    : "# Written by 'davit system install'; 'davit system uninstall' removes it.\n";
    out += "[Unit]\n"
           "Description=davit: projects that run after a reboot\n"
           "Documentation=man:davit-system(1)\n"
           "Wants=network-online.target\n"
           "After=network-online.target nss-lookup.target time-set.target local-fs.target remote-fs.target\n"
           "After=nftables.service firewalld.service ufw.service\n";
    out += "RequiresMountsFor=\"" + escaped(unit.state_dir) + "\"\n";
    out += "\n[Service]\n"
           "Type=oneshot\n"
           "RemainAfterExit=yes\n";
    if (unit.own_dirs) {
        out += "Environment=\"DAVIT_STATE_DIR=" + escaped(unit.state_dir) + "\"\n";
        out += "Environment=\"DAVIT_RUN_DIR=" + escaped(unit.run_dir) + "\"\n";
    }
    const std::string program = "\"" + escaped(unit.program, true) + "\"";
    out += "ExecStart=" + program + " --progress plain system boot\n";
    out += "ExecStop=" + program + " --progress plain system shutdown --unit %n\n";
    out += "# 1: a project could not start; the journal names it. The unit is active all the same, so that what does "
           "run is\n"
           "# stopped in order before the machine goes down.\n"
           "SuccessExitStatus=1\n"
           "# Projects start when what they depend on is healthy, however long that takes.\n"
           "TimeoutStartSec=infinity\n"
           "# Whatever has not ended shortly before is killed.\n"
           "TimeoutStopSec=120\n"
           "# Supervisors and containers are in control groups of their own, and outlive a restart of this unit.\n"
           "KillMode=process\n"
           "\n[Install]\n"
           "WantedBy=multi-user.target\n";
    return out;
}

std::optional<std::chrono::nanoseconds> time_span(std::string_view text) {
    static constexpr std::array<std::pair<std::string_view, std::chrono::nanoseconds>, 9> units{{
        {"us", 1us},
        {"ms", 1ms},
        {"s", 1s},
        {"min", 1min},
        {"h", 1h},
        {"d", 24h},
        {"w", 168h},
        {"month", 730h},
        {"y", 8766h},
    }};
    std::istringstream words{std::string(text)};
    std::chrono::nanoseconds sum{};
    bool any = false;
    for (std::string word; words >> word; any = true) {
        double number = 0;
        const auto [end, failed] = std::from_chars(word.data(), word.data() + word.size(), number);
        if (failed != std::errc()) return std::nullopt; // "infinity"
        const std::string_view name(end, static_cast<std::size_t>(word.data() + word.size() - end));
        auto unit = std::find_if(units.begin(), units.end(), [&](const auto& u) { return u.first == name; });
        if (unit == units.end()) return std::nullopt;
        sum += std::chrono::nanoseconds(std::llround(number * static_cast<double>(unit->second.count())));
    }
    if (!any) return std::nullopt;
    return sum;
}

UnitStop unit_stop_from(std::string_view shown, std::string_view jobs, std::string_view unit) {
    UnitStop out;
    std::istringstream lines{std::string(shown)};
    constexpr std::string_view limit = "TimeoutStopUSec=";
    for (std::string line; std::getline(lines, line);)
        if (line.starts_with(limit)) out.limit = time_span(std::string_view(line).substr(limit.size()));
    std::istringstream rows{std::string(jobs)};
    for (std::string row; std::getline(rows, row);) {
        std::istringstream columns(row);
        std::string number, of, type;
        if (columns >> number >> of >> type && of == unit && type == "restart") out.restarts = true;
    }
    return out;
}

// ---- acting

namespace {

const std::string unit_file = std::string("/etc/systemd/system/") + boot_unit_name;

Output ask_systemctl(std::vector<std::string> words) {
    SpawnOptions o;
    o.argv = std::move(words);
    o.argv.insert(o.argv.begin(), "systemctl");
    return run(std::move(o));
}

void systemctl(std::vector<std::string> words) {
    std::string command = "systemctl";
    for (const auto& word : words) command += " " + word;
    const Output output = ask_systemctl(std::move(words));
    if (output.status.code == 0) return;
    std::string said = output.err.empty() ? output.out : output.err;
    while (!said.empty() && said.back() == '\n') said.pop_back();
    throw error(Errc::failed, "{} ended with {}: {}", command, output.status.code, said);
}

void require_systemd(const char* instead) {
    if (::geteuid() != 0) throw error(Errc::denied, "only root may change the machine's units").with_hint("use sudo");
    if (!exists("/run/systemd/system")) // sd_booted(3)
        throw error(Errc::unsupported, "systemd is not the init of this machine").with_hint(instead);
}

BootUnit unit_of(const Engine& engine, const std::string& program) {
    const Roots roots = roots_of(engine);
    return {program, roots.state, roots.run, roots.state != "/var/lib/davit" || roots.run != "/run/davit"};
}

} // namespace

std::string boot_unit(const std::string& program) {
    return unit_text({program, "/var/lib/davit", "/run/davit", false, true});
}

std::string boot_unit(const Engine& engine, const std::string& program) { return unit_text(unit_of(engine, program)); }

std::vector<std::string> install_boot_unit(const Engine& engine, const std::string& program) {
    require_systemd("have its init scripts call 'davit system boot' at the start, and 'davit system shutdown' before "
                    "file systems are unmounted");
    std::vector<std::string> done;
    const std::string text = boot_unit(engine, program);
    if (read_file_if_exists(unit_file) == text) done.push_back(unit_file + " is there already");
    else {
        write_file_atomic(unit_file, text, 0644);
        done.push_back("wrote " + unit_file);
    }
    systemctl({"daemon-reload"});
    systemctl({"enable", "--quiet", boot_unit_name});
    done.push_back(std::string("enabled ") + boot_unit_name + ": it starts with the machine");
    systemctl({"start", boot_unit_name}); // else nothing would be stopped in order before the first reboot
    done.push_back(std::string("started ") + boot_unit_name + ": what should run does");
    return done;
}

std::vector<std::string> uninstall_boot_unit() {
    require_systemd("take the two calls out of its init scripts");
    std::vector<std::string> done;
    if (!exists(unit_file)) return {std::string(boot_unit_name) + " is not installed"};
    systemctl({"disable", "--quiet", boot_unit_name});
    done.push_back(std::string("disabled ") + boot_unit_name);
    if (::unlink(unit_file.c_str()) < 0) throw sys_error(errno, "removing {}", unit_file);
    done.push_back("removed " + unit_file);
    systemctl({"daemon-reload"});
    done.push_back("what runs goes on running, until the machine goes down");
    return done;
}

UnitStop unit_stop(const std::string& unit) {
    const Output shown = ask_systemctl({"show", "-p", "TimeoutStopUSec", unit});
    const Output jobs = ask_systemctl({"list-jobs", "--no-legend", "--no-pager", "--plain"});
    return unit_stop_from(shown.out, jobs.out, unit);
}

} // namespace davit
