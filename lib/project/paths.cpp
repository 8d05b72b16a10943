#include "project/paths.hpp"

#include "base/error.hpp"
#include "davit/container.hpp"

#include <cstdlib>
#include <unistd.h>

namespace davit {

namespace {

std::string variable(const char* name) {
    const char* value = std::getenv(name);
    return value ? value : "";
}

std::string root(const char* own, const char* xdg, const std::string& fallback, const char* system) {
    if (auto dir = variable(own); !dir.empty()) return dir;
    if (::geteuid() == 0) return system;
    if (auto dir = variable(xdg); !dir.empty()) return dir + "/davit";
    return fallback;
}

} // namespace

Roots Roots::from_environment() {
    Roots roots;
    roots.state = root("DAVIT_STATE_DIR", "XDG_DATA_HOME", variable("HOME") + "/.local/share/davit", "/var/lib/davit");
    roots.run = root("DAVIT_RUN_DIR", "XDG_RUNTIME_DIR", "/tmp/davit-" + std::to_string(::getuid()), "/run/davit");
    return roots;
}

ProjectPaths::ProjectPaths(const Roots& roots, const std::string& project)
    : state(roots.projects() + "/" + project), run(roots.run_projects() + "/" + project) {
    if (project != machine_project) check_name("project", project);
}

std::string Roots::volume_data(const std::string& name) const {
    check_name("volume", name);
    return volumes() + "/" + name + "/_data";
}

void check_name(const char* what, const std::string& name) {
    auto plain = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); };
    bool ok = !name.empty() && name.size() <= 255 && (plain(name[0]) || name[0] == '_');
    for (char c : name) ok = ok && (plain(c) || c == '_' || c == '-' || c == '.');
    if (!ok)
        throw error(Errc::invalid_project,
                    "'{}' cannot be the name of a {}: only letters, digits, '_', '.' and '-' are allowed", name, what);
}

} // namespace davit
