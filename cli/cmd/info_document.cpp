#include "cli/cmd/info_document.hpp"

#include "base/date.hpp"
#include "base/file.hpp"
#include "base/hash.hpp"
#include "base/network_drivers.hpp"
#include "base/sys.hpp"
#include "cli/cmd/inspected.hpp"
#include "cli/docker_version.hpp"
#include "cli/endpoint.hpp"
#include "davit/images.hpp"
#include "davit/swarm_objects.hpp"
#include "davit/version.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <optional>
#include <sstream>
#include <sys/statfs.h>
#include <sys/utsname.h>
#include <unistd.h>

namespace davit::cli {

namespace {

using InfoJson = nlohmann::ordered_json;

// A value of /etc/os-release.
std::optional<std::string> os_release(const std::string& key) {
    std::istringstream lines(read_file_if_exists("/etc/os-release").value_or(""));
    for (std::string line; std::getline(lines, line);) {
        if (!line.starts_with(key + "=")) continue;
        std::string value = line.substr(key.size() + 1);
        if (value.size() >= 2 && value.front() == '"' && value.back() == '"') value = value.substr(1, value.size() - 2);
        return value;
    }
    return std::nullopt;
}

std::string distribution() { return os_release("PRETTY_NAME").value_or("Linux"); }

utsname kernel_names() {
    utsname out{};
    ::uname(&out);
    return out;
}

InfoJson swarm_info(Engine& engine) {
    const auto node = swarm::node(engine);
    if (!node)
        return {{"NodeID", ""}, {"NodeAddr", ""},           {"LocalNodeState", "inactive"}, {"ControlAvailable", false},
                {"Error", ""},  {"RemoteManagers", nullptr}};
    const InfoJson self = {{"NodeID", node->id}, {"Addr", "127.0.0.1:2377"}};
    const auto none = InfoJson::object();
    const InfoJson cluster = {{"ID", node->cluster_id},
                              {"Version", {{"Index", node->version}}},
                              {"CreatedAt", rfc3339_nano(node->created_at)},
                              {"UpdatedAt", rfc3339_nano(node->updated_at)},
                              {"Spec", {{"Name", "default"}, {"Labels", none}}},
                              {"TLSInfo", none},
                              {"RootRotationInProgress", false},
                              {"DefaultAddrPool", {"10.0.0.0/8"}},
                              {"SubnetSize", 24},
                              {"DataPathPort", 4789}};
    return {{"NodeID", node->id},
            {"NodeAddr", "127.0.0.1"},
            {"LocalNodeState", "active"},
            {"ControlAvailable", true},
            {"Error", ""},
            {"RemoteManagers", InfoJson::array({self})},
            {"Nodes", 1},
            {"Managers", 1},
            {"Cluster", cluster}};
}

// Which limits this kernel's control groups have.
bool has_controller(const std::string& name) {
    const auto unified = read_file_if_exists("/sys/fs/cgroup/cgroup.controllers");
    if (!unified) return exists("/sys/fs/cgroup/" + name);
    std::istringstream words(*unified);
    for (std::string word; words >> word;)
        if (word == name) return true;
    return false;
}

bool is_on(const char* file) { return read_file_if_exists(file).value_or("0").starts_with('1'); }

InfoJson limits_info(bool unified) {
    const bool memory = has_controller("memory"), cpu = has_controller("cpu");
    InfoJson out = {{"MemoryLimit", memory}, {"SwapLimit", memory && exists("/proc/swaps")}};
    if (!unified && exists("/sys/fs/cgroup/memory/memory.kmem.tcp.limit_in_bytes")) out["KernelMemoryTCP"] = true;
    out.update(InfoJson{{"CpuCfsPeriod", cpu},
                        {"CpuCfsQuota", cpu},
                        {"CPUShares", cpu},
                        {"CPUSet", has_controller("cpuset")},
                        {"PidsLimit", has_controller("pids")},
                        {"IPv4Forwarding", is_on("/proc/sys/net/ipv4/ip_forward")},
                        {"Debug", false},
                        {"NFd", 0},
                        {"OomKillDisable", !unified && exists("/sys/fs/cgroup/memory/memory.oom_control")},
                        {"NGoroutines", 0}});
    return out;
}

// A lasting name of this machine, of docker's form, that tells nobody its machine-id.
std::string machine_uuid() {
    std::string id = read_file_if_exists("/etc/machine-id").value_or("");
    id.erase(id.find_last_not_of(" \n") + 1);
    if (id.empty()) { // a machine that was never booted: its host name is what lasts
        utsname kernel{};
        ::uname(&kernel);
        id = std::string("named ") + kernel.nodename;
    }
    const std::string hex = sha256_hex("davit engine " + id);
    return fmt::format("{}-{}-4{}-8{}-{}", hex.substr(0, 8), hex.substr(8, 4), hex.substr(13, 3), hex.substr(17, 3),
                       hex.substr(20, 12));
}

std::string filesystem_of(std::string directory) {
    struct statfs fs {};
    while (::statfs(directory.c_str(), &fs) != 0) {
        if (directory.size() < 2) return "unknown";
        directory = directory.substr(0, std::max<std::size_t>(1, directory.rfind('/')));
    }
    const std::pair<long, const char*> known[] = {
        {0xef53, "extfs"},   {0x58465342, "xfs"},  {0x9123683e, "btrfs"}, {0x01021994, "tmpfs"},
        {0x2fc12fc1, "zfs"}, {0xf2f52010, "f2fs"}, {0x6969, "nfs"},       {0x794c7630, "overlayfs"}};
    for (const auto& [magic, name] : known)
        if (static_cast<long>(fs.f_type) == magic) return name;
    return "unknown";
}

InfoJson security_options() {
    InfoJson out = InfoJson::array();
    if (read_file_if_exists("/sys/module/apparmor/parameters/enabled").value_or("N").starts_with('Y'))
        out.push_back("name=apparmor");
    out.push_back("name=seccomp,profile=builtin");
    if (exists("/proc/self/ns/cgroup")) out.push_back("name=cgroupns");
    return out;
}

// Registries without TLS: those of this machine.
InfoJson registry_config() {
    const InfoJson hub = {{"Mirrors", InfoJson::array()}, {"Name", "docker.io"}, {"Official", true}, {"Secure", true}};
    return {{"IndexConfigs", {{"docker.io", hub}}},
            {"InsecureRegistryCIDRs", {"::1/128", "127.0.0.0/8"}},
            {"Mirrors", nullptr}};
}

// What docker has as programs of their own, and scripts look for here.
InfoJson client_info() {
    auto plugin = [](const char* name, const char* version, const char* what) {
        return InfoJson{{"SchemaVersion", "0.1.0"}, {"Vendor", "davit"}, {"Version", version},
                        {"ShortDescription", what}, {"Name", name},      {"Path", ""}};
    };
    return {{"Debug", false},
            {"Version", docker_version},
            {"GitCommit", ""},
            {"GoVersion", ""},
            {"Os", "linux"},
            {"Arch", go_architecture(kernel_names().machine)},
            {"BuildTime", ""},
            {"Context", current_context()},
            {"Plugins", InfoJson::array({plugin("buildx", buildx_version, "Docker Buildx (davit)"),
                                         plugin("compose", compose_plugin_version, "Docker Compose (davit)")})},
            {"Warnings", nullptr}};
}

std::string environment_text(const char* name) {
    const char* value = std::getenv(name);
    return value ? value : "";
}

} // namespace

const char* const info_zeros =
    R"({"ServerErrors":null,"ClientErrors":null,"UserName":"","ProductLicense":"","KernelMemory":false,)"
    R"("KernelMemoryTCP":false,"SystemStatus":null,"Containerd":null,"DiscoveredDevices":null,)"
    R"("Swarm":{"Nodes":0,"Managers":0,"Cluster":null,"Warnings":null}})";

InfoJson info_document(Engine& engine) {
    std::array<std::size_t, 3> containers{}; // running, paused, stopped
    for (const ContainerInfo& c : engine.all_containers())
        ++containers[c.state == ContainerState::paused ? 1 : c.pid ? 0 : 2];
    const utsname kernel = kernel_names();
    const bool unified = exists("/sys/fs/cgroup/cgroup.controllers");
    InfoJson status = InfoJson::array();
    status.push_back(InfoJson::array({"Backing Filesystem", filesystem_of(engine.state_dir())}));
    InfoJson out = {{"ID", machine_uuid()},
                    {"Containers", containers[0] + containers[1] + containers[2]},
                    {"ContainersRunning", containers[0]},
                    {"ContainersPaused", containers[1]},
                    {"ContainersStopped", containers[2]},
                    {"Images", list_images(engine).size()},
                    {"Driver", "overlayfs"},
                    {"DriverStatus", status},
                    {"Plugins",
                     {{"Volume", {"local"}},
                      {"Network", network_plugins()},
                      {"Authorization", nullptr},
                      {"Log", {"json-file", "local", "none"}}}}};
    out.update(limits_info(unified));
    out.update(InfoJson{{"SystemTime", rfc3339_nano(sys::realtime_ns())},
                        {"LoggingDriver", "json-file"},
                        {"CgroupDriver", "cgroupfs"},
                        {"CgroupVersion", unified ? "2" : "1"},
                        {"NEventsListener", 0},
                        {"KernelVersion", kernel.release},
                        {"OperatingSystem", distribution()},
                        {"OSVersion", os_release("VERSION_ID").value_or("")},
                        {"OSType", "linux"},
                        {"Architecture", kernel.machine},
                        {"IndexServerAddress", "https://index.docker.io/v1/"},
                        {"RegistryConfig", registry_config()},
                        {"NCPU", ::sysconf(_SC_NPROCESSORS_ONLN)},
                        {"MemTotal", ::sysconf(_SC_PHYS_PAGES) * ::sysconf(_SC_PAGESIZE)},
                        {"GenericResources", nullptr},
                        {"DockerRootDir", engine.state_dir()},
                        {"HttpProxy", environment_text("HTTP_PROXY")},
                        {"HttpsProxy", environment_text("HTTPS_PROXY")},
                        {"NoProxy", environment_text("NO_PROXY")},
                        {"Name", kernel.nodename},
                        {"Labels", InfoJson::array()},
                        {"ExperimentalBuild", false},
                        {"ServerVersion", docker_version},
                        {"Runtimes", {{"davit", {{"path", "davit"}}}}},
                        {"DefaultRuntime", "davit"},
                        {"Swarm", swarm_info(engine)},
                        {"LiveRestoreEnabled", true}, // nothing ends with a daemon
                        {"Isolation", ""},
                        {"InitBinary", "docker-init"},
                        {"ContainerdCommit", {{"ID", ""}}},
                        {"RuncCommit", {{"ID", ""}}},
                        {"InitCommit", {{"ID", ""}}},
                        {"SecurityOptions", security_options()},
                        {"FirewallBackend", {{"Driver", "nftables"}}},
                        {"CDISpecDirs", {"/etc/cdi", "/var/run/cdi"}},
                        {"Warnings", nullptr},
                        {"ClientInfo", client_info()}});
    return out;
}

} // namespace davit::cli
