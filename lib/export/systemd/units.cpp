// One unit a service, each through davit, which has the compose file and does all of it; systemd has the order, the
// start at boot and `systemctl status`.
#include "base/error.hpp"
#include "export/targets.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace davit::exports {

namespace {

constexpr std::string_view through_davit = "davit reads it from the compose file when the unit starts";

constexpr Rule systemd_table[] = {
    {"services.*.depends_on.*.condition services.*.depends_on.*.required", Kind::exact,
     "After= and Requires=, or Wants= where it is not required"},
    {"services.*.depends_on.*.restart",
     Kind::adjusted,
     "with Requires= systemd restarts dependents always",
     {},
     "Requires="},
    {"services.** networks.** volumes.** secrets.** configs.** models.** name version include.** jobs.**", Kind::exact,
     through_davit},
};

// A word of a unit's command line.
std::string unit_word(std::string_view text) {
    std::string out;
    for (char c : text) {
        if (c == '"' || c == '\\') out += '\\';
        out += c;
        if (c == '%' || c == '$') out += c;
    }
    const bool plain = out.find_first_of(" \t\"'\\;") == std::string::npos && !out.empty();
    return plain ? out : "\"" + out + "\"";
}

std::string unit_name(const std::string& project, const std::string& service) {
    std::string out = project + "-" + service;
    std::replace_if(
        out.begin(), out.end(), [](char c) { return c == '/' || c == ' ' || static_cast<unsigned char>(c) >= 0x80; },
        '_');
    return out + ".service";
}

std::string davit_command(const Scope& scope) {
    const Project& p = scope.project;
    std::string out = unit_word(scope.options.program);
    out += " --progress plain --project-directory " + unit_word(p.working_dir) + " -p " + unit_word(p.name);
    for (const std::string& file : p.compose_files) out += " -f " + unit_word(file);
    for (const std::string& file : p.env_files) out += " --env-file " + unit_word(file);
    for (const std::string& profile : p.profiles) out += " --profile " + unit_word(profile);
    return out;
}

bool waited_for_health(const Project& project, const std::string& name) {
    return std::any_of(project.services.begin(), project.services.end(), [&](const auto& s) {
        const auto it = s.second.depends_on.find(name);
        return it != s.second.depends_on.end() && it->second.condition == DependencyCondition::healthy;
    });
}

std::string unit_of(const Scope& scope, const Service& service) {
    const Project& project = scope.project;
    const std::string davit = davit_command(scope), name = unit_word(service.name);
    std::string out = fmt::format("[Unit]\nDescription={} of {} (davit)\nWants=network-online.target\n"
                                  "After=network-online.target\nPartOf={}.target\n",
                                  service.name, project.name, project.name);
    for (const auto& [other, dependency] : service.depends_on) {
        if (!project.services.contains(other)) continue;
        out += fmt::format("{}={}\nAfter={}\n", dependency.required ? "Requires" : "Wants",
                           unit_name(project.name, other), unit_name(project.name, other));
    }
    out += "\n[Service]\nType=oneshot\nRemainAfterExit=yes\n";
    if (runs_once(project, service)) {
        out += fmt::format("ExecStart={} up --no-deps --exit-code-from {} {}\n", davit, name, name);
    } else {
        const char* wait = waited_for_health(project, service.name) ? " --wait" : "";
        out += fmt::format("ExecStart={} up -d --no-deps{} {}\n", davit, wait, name);
        out += fmt::format("ExecReload={} up -d --no-deps{} {}\n", davit, wait, name);
    }
    out += fmt::format("ExecStop={} stop {}\n", davit, name);
    const std::int64_t grace = whole_seconds(service.stop_grace_period.value_or(std::chrono::seconds(10)));
    out += fmt::format("# davit kills what has not ended by then.\nTimeoutStopSec={}\n"
                       "# Images may have to be pulled, and healthchecks to pass.\nTimeoutStartSec=infinity\n"
                       "# The supervisor and containers are in control groups of their own, and davit stops them.\n"
                       "KillMode=process\n\n[Install]\nWantedBy={}.target\n",
                       grace + 20, project.name);
    return out;
}

} // namespace

const Rules& systemd_rules() {
    static const Rules rules(systemd_table);
    return rules;
}

std::vector<ExportedFile> to_systemd(const Scope& scope) {
    const Project& project = scope.project;
    for (const std::string& file : project.compose_files)
        if (file == "-")
            throw error(Errc::usage, "units need a compose file that stays, and this one came from standard input")
                .with_hint("write it to a file and name that with -f");
    std::vector<ExportedFile> out;
    std::string target =
        fmt::format("# systemctl enable --now {0}.target\n[Unit]\nDescription={0}, all its services\n", project.name);
    for (const auto& [name, service] : project.services) {
        target += "Wants=" + unit_name(project.name, name) + "\n";
        out.push_back({unit_name(project.name, name), unit_of(scope, service), false});
    }
    target += "\n[Install]\nWantedBy=multi-user.target\n";
    out.insert(out.begin(), {project.name + ".target", target, false});
    return out;
}

} // namespace davit::exports
