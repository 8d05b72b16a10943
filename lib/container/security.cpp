#include "container/builder.hpp"

#include "base/error.hpp"
#include "runtime/defaults.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>

namespace davit {

namespace {

// strconv.ParseBool's words, which the engine takes.
std::optional<bool> truth(std::string_view word) {
    for (std::string_view yes : {"1", "t", "T", "TRUE", "true", "True"})
        if (word == yes) return true;
    for (std::string_view no : {"0", "f", "F", "FALSE", "false", "False"})
        if (word == no) return false;
    return std::nullopt;
}

} // namespace

void ContainerBuilder::security() {
    runtime::Spec& spec = out_.spec;
    engine_features();
    about_each("cap_add", service_.cap_add, [](const auto& name) { runtime::resolve_capabilities({name}, {}); });
    about_each("cap_drop", service_.cap_drop, [](const auto& name) { runtime::resolve_capabilities({}, {name}); });
    runtime::set_capabilities(spec.process, runtime::resolve_capabilities(service_.cap_add, service_.cap_drop));
    if (service_.privileged) runtime::make_privileged(spec, around_.devices("/dev"));
    about_each("security_opt", service_.security_opt, [&](const auto& option) { security_option(option); });
    devices();
}

void ContainerBuilder::security_option(const std::string& option) {
    const auto end = option.find_first_of("=:");
    const std::string key = option.substr(0, end);
    const std::string value = end == std::string::npos ? std::string() : option.substr(end + 1);
    runtime::Spec& spec = out_.spec;
    if (key == "no-new-privileges" || key == "writable-cgroups") {
        const auto on = value.empty() && key == "no-new-privileges" ? true : truth(value);
        if (!on) throw error(Errc::invalid_project, "invalid --security-opt 2: \"{}\"", option);
        if (key == "no-new-privileges") spec.process.no_new_privileges = *on;
        else
            for (auto& m : spec.mounts)
                if (m.kind == runtime::Mount::Kind::cgroup) m.readonly = !*on && !service_.privileged;
    } else if (key == "seccomp" && !value.empty()) {
        seccomp(value);
    } else if (key == "systempaths" && value == "unconfined") {
        spec.masked_paths.clear();
        spec.readonly_paths.clear();
    } else if (key == "apparmor" && !value.empty()) {
        spec.process.apparmor_profile = value;
    } else if (key == "label") { // SELinux: Docker takes it where SELinux is off
        if (value != "disable")
            out_.warnings.push_back(
                fmt::format("service \"{}\": security_opt {} has no effect: davit sets no labels of SELinux",
                            service_.name, option));
    } else {
        throw error(Errc::invalid_project, "invalid --security-opt 2: \"{}\"", option)
            .with_hint("known: no-new-privileges, seccomp=…, systempaths=unconfined, apparmor=…, label=…");
    }
}

void ContainerBuilder::seccomp(const std::string& value) {
    runtime::Seccomp& seccomp = out_.spec.seccomp;
    seccomp = {};
    if (value == "unconfined") {
        seccomp.kind = runtime::Seccomp::Kind::unconfined;
        return;
    }
    if (value == "builtin") return;
    seccomp.kind = runtime::Seccomp::Kind::profile;
    seccomp.source_name = value;
    const bool absolute = value.front() == '/';
    seccomp.json = value.front() == '{' ? value : in_context(fmt::format("opening seccomp profile ({})", value), [&] {
        return around_.read_file(absolute ? value : in_.project.working_dir + "/" + value);
    });
    if (!nlohmann::json::accept(seccomp.json))
        throw error(Errc::invalid_project, "the seccomp profile {} is not valid JSON", value);
}

// What the engine would hand to a part of it that is not there.
void ContainerBuilder::engine_features() {
    const std::string& name = service_.runtime;
    about("runtime", [&] {
        if (!name.empty() && name != "runc" && name != "io.containerd.runc.v2" && name != "davit")
            throw error(Errc::invalid_project, "unknown or invalid runtime name: {}", name);
    });
    about("isolation", [&] {
        if (!service_.isolation.empty() && service_.isolation != "default")
            throw error(Errc::invalid_project, "invalid isolation ({}): linux only supports 'default'",
                        service_.isolation);
    });
}

} // namespace davit
