// `davit info`: the machine in docker's words, for scripts that ask before they act.
#include "base/date.hpp"
#include "base/file.hpp"
#include "base/printable.hpp"
#include "base/sys.hpp"
#include "cli/cmd/inspected.hpp"
#include "cli/cmd/system.hpp"
#include "cli/cmd/verbs.hpp"
#include "cli/context.hpp"
#include "cli/docker_version.hpp"
#include "cli/endpoint.hpp"
#include "cli/format/size.hpp"
#include "cli/options.hpp"
#include "davit/images.hpp"
#include "davit/swarm_objects.hpp"
#include "davit/version.hpp"

#include <array>
#include <cstdio>
#include <cstdlib>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <optional>
#include <sstream>
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
    return {{"NodeID", node->id},
            {"NodeAddr", "127.0.0.1"},
            {"LocalNodeState", "active"},
            {"ControlAvailable", true},
            {"Error", ""},
            {"RemoteManagers", InfoJson::array({self})},
            {"Nodes", 1},
            {"Managers", 1},
            {"Cluster", {{"ID", node->cluster_id}}}};
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

InfoJson limits_info() {
    const bool memory = has_controller("memory"), cpu = has_controller("cpu");
    return {{"MemoryLimit", memory},
            {"SwapLimit", memory && exists("/proc/swaps")},
            {"CpuCfsPeriod", cpu},
            {"CpuCfsQuota", cpu},
            {"CPUShares", cpu},
            {"CPUSet", has_controller("cpuset")},
            {"PidsLimit", has_controller("pids")},
            {"IPv4Forwarding", read_file_if_exists("/proc/sys/net/ipv4/ip_forward").value_or("0").starts_with('1')},
            {"Debug", false},
            {"OomKillDisable", false}};
}

// What docker has as programs of their own, and scripts look for here.
InfoJson client_info() {
    auto plugin = [](const char* name, const char* what) {
        return InfoJson{{"SchemaVersion", "0.1.0"}, {"Vendor", "davit"}, {"Version", "v" DAVIT_VERSION},
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
            {"Plugins",
             InfoJson::array({plugin("buildx", "Docker Buildx (davit)"), plugin("compose", "Docker Compose (davit)")})},
            {"Warnings", nullptr}};
}

std::string environment_text(const char* name) {
    const char* value = std::getenv(name);
    return value ? value : "";
}

InfoJson machine_info(Engine& engine) {
    std::array<std::size_t, 3> containers{}; // running, paused, stopped
    for (const ContainerInfo& c : engine.all_containers())
        ++containers[c.state == ContainerState::paused ? 1 : c.pid ? 0 : 2];
    const utsname kernel = kernel_names();
    const bool unified = exists("/sys/fs/cgroup/cgroup.controllers");
    InfoJson security = InfoJson::array({"name=seccomp,profile=builtin"});
    if (unified) security.push_back("name=cgroupns");
    InfoJson out = {{"ID", ""},
                    {"Containers", containers[0] + containers[1] + containers[2]},
                    {"ContainersRunning", containers[0]},
                    {"ContainersPaused", containers[1]},
                    {"ContainersStopped", containers[2]},
                    {"Images", list_images(engine).size()},
                    {"Driver", "overlayfs"},
                    {"DriverStatus", InfoJson::array()},
                    {"Plugins",
                     {{"Volume", {"local"}},
                      {"Network", {"bridge", "host", "null", "overlay"}},
                      {"Authorization", nullptr},
                      {"Log", {"json-file", "local", "none"}}}}};
    out.update(limits_info());
    out.update(InfoJson{{"LoggingDriver", "json-file"},
                        {"CgroupDriver", "cgroupfs"},
                        {"CgroupVersion", unified ? "2" : "1"},
                        {"SystemTime", rfc3339_nano(sys::realtime_ns())},
                        {"KernelVersion", kernel.release},
                        {"OperatingSystem", distribution()},
                        {"OSVersion", os_release("VERSION_ID").value_or("")},
                        {"OSType", "linux"},
                        {"Architecture", kernel.machine},
                        {"IndexServerAddress", "https://index.docker.io/v1/"},
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
                        {"InitBinary", ""},
                        {"SecurityOptions", security},
                        {"Warnings", nullptr},
                        {"ClientInfo", client_info()}});
    return out;
}

std::string text_for_people(const InfoJson& info) {
    auto line = [&](const char* title, const char* key) {
        const InfoJson& value = info.at(key);
        return fmt::format(" {}: {}\n", title, value.is_string() ? value.get<std::string>() : value.dump());
    };
    std::string out = fmt::format("Client: davit {}\n Version:    {}\n Context:    {}\n\nServer:\n", DAVIT_VERSION,
                                  docker_version, current_context());
    out += line("Containers", "Containers") + " " + line(" Running", "ContainersRunning").substr(1) + " " +
           line(" Paused", "ContainersPaused").substr(1) + " " + line(" Stopped", "ContainersStopped").substr(1);
    out += line("Images", "Images") + line("Server Version", "ServerVersion") + line("Storage Driver", "Driver");
    out += line("Logging Driver", "LoggingDriver") + line("Cgroup Driver", "CgroupDriver") +
           line("Cgroup Version", "CgroupVersion");
    out += fmt::format(" Swarm: {}\n", info.at("Swarm").at("LocalNodeState").get<std::string>());
    out += line("Kernel Version", "KernelVersion") + line("Operating System", "OperatingSystem");
    out += line("OSType", "OSType") + line("Architecture", "Architecture") + line("CPUs", "NCPU");
    out += fmt::format(" Total Memory: {}\n", human_size_binary(info.at("MemTotal").get<double>()));
    return printable(out + line("Name", "Name") + line("davit Root Dir", "DockerRootDir"), "\n");
}

int show_info(Globals& globals, const Args& args, const char* synopsis) {
    std::string format;
    std::vector<std::string> none;
    Options options(globals, synopsis, "Display information about this machine");
    options.value("f,format", format, "Format output using a custom template: 'json' or a Go template")
        .arguments(none, 0, 0);
    if (!options.parse(args)) return 0;
    Context context(globals);
    const InfoJson info = machine_info(context.engine());
    if (format.empty()) std::fputs(text_for_people(info).c_str(), stdout);
    else print_document(info, format);
    return 0;
}

} // namespace

int run_info(Globals& globals, const Args& args) { return show_info(globals, args, "info [OPTIONS]"); }
int run_system_info(Globals& globals, const Args& args) { return show_info(globals, args, "system info [OPTIONS]"); }

} // namespace davit::cli
