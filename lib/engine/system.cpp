#include "davit/system.hpp"

#include "base/file.hpp"
#include "davit/swarm_objects.hpp"
#include "engine/roots.hpp"
#include "image/store.hpp"
#include "runtime/defaults.hpp"
#include "supervisor/doctor/doctor.hpp"
#include "swarm/store.hpp"

namespace davit {

Directories default_directories() {
    Roots roots = Roots::from_environment();
    return {std::move(roots.state), std::move(roots.run)};
}

std::vector<std::string> capability_names() {
    std::vector<std::string> out;
    for (int i = 0; const char* name = runtime::capability_name(i); ++i) out.emplace_back(name + 4); // without CAP_
    return out;
}

const char* to_string(Leak::Kind kind) {
    switch (kind) {
    case Leak::Kind::bridge: return "bridge";
    case Leak::Kind::interface: return "interface";
    case Leak::Kind::firewall_table: return "firewall table";
    case Leak::Kind::firewall_rule: return "firewall rule";
    case Leak::Kind::sysctl: return "sysctl";
    case Leak::Kind::network_state: return "network state";
    case Leak::Kind::endpoints_file: return "endpoints file";
    case Leak::Kind::addresses_file: return "addresses file";
    case Leak::Kind::cgroup: return "control group";
    case Leak::Kind::process: return "process";
    case Leak::Kind::unsupervised: return "unsupervised container";
    case Leak::Kind::run_directory: return "run directory";
    case Leak::Kind::supervisor_socket: return "supervisor socket";
    case Leak::Kind::staging: return "staging directory";
    case Leak::Kind::container_directory: return "container directory";
    case Leak::Kind::volume_directory: return "volume directory";
    case Leak::Kind::temporary_file: return "temporary file";
    case Leak::Kind::image_leftover: return "image leftover";
    case Leak::Kind::mount: return "mount";
    case Leak::Kind::container_name: return "container name";
    case Leak::Kind::service: return "service";
    }
    return "";
}

namespace {

// Under the lock nobody is about to record what has no record yet.
void add_services(const Roots& roots, std::vector<Leak>& leaks) {
    if (swarm::half_made(roots).empty()) return;
    const FileLock held = swarm::lock_swarm(roots);
    for (const auto& directory : swarm::half_made(roots))
        leaks.push_back({Leak::Kind::service, directory, "",
                         directory + " was prepared for a service that a command which is gone did not make",
                         "davit system doctor --fix"});
}

void add_images(const Roots& roots, std::vector<Leak>& leaks) {
    if (!exists(roots.images())) return;
    for (const auto& left : image::Store(roots.images()).leftovers())
        leaks.push_back({Leak::Kind::image_leftover, left.path, "", left.path + " " + left.text, "davit image prune"});
}

} // namespace

std::vector<Leak> find_leaks(Engine& engine) {
    const Roots roots = roots_of(engine);
    std::vector<Leak> leaks = find_leaks(roots);
    add_services(roots, leaks);
    add_images(roots, leaks);
    return leaks;
}

void remove_leak(Engine& engine, const Leak& leak) {
    const Roots roots = roots_of(engine);
    if (leak.kind == Leak::Kind::service) {
        swarm::remove_if_empty(roots, swarm::lock_swarm(roots));
        return swarm::release_swarm(engine);
    }
    if (leak.kind != Leak::Kind::image_leftover) return fix_leak(roots, leak);
    image::Store store(roots.images());
    store.collect_garbage();
    store.empty_trash();
}

} // namespace davit
