// `davit info`: the machine in docker's words, for scripts that ask before they act.
#include "base/printable.hpp"
#include "cli/cmd/info_document.hpp"
#include "cli/cmd/inspected.hpp"
#include "cli/cmd/system.hpp"
#include "cli/cmd/verbs.hpp"
#include "cli/context.hpp"
#include "cli/format/size.hpp"
#include "cli/options.hpp"

#include <cstdio>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace davit::cli {

namespace {

using Info = nlohmann::ordered_json;

std::string info_line(int indent, std::string_view title, const Info& value) {
    return fmt::format("{:{}}{}: {}\n", "", indent, title, value.is_string() ? value.get<std::string>() : value.dump());
}

std::string words_of(const Info& list) {
    std::string out;
    for (const Info& word : list) out += (out.empty() ? "" : " ") + word.get<std::string>();
    return out;
}

std::string client_text(const Info& client) {
    std::string out = "Client: davit\n" + info_line(1, "Version", client.at("Version")) +
                      info_line(1, "Context", client.at("Context")) + info_line(1, "Debug Mode", client.at("Debug")) +
                      " Plugins:\n";
    for (const Info& plugin : client.at("Plugins"))
        out += info_line(2, plugin.at("Name").get<std::string>(), plugin.at("ShortDescription")) +
               info_line(4, "Version", plugin.at("Version"));
    return out;
}

// "name=seccomp,profile=builtin"
std::string security_text(const Info& options) {
    std::string out = " Security Options:\n";
    for (const Info& option : options) {
        const std::string text = option.get<std::string>();
        const std::size_t comma = text.find(',');
        constexpr std::size_t name = std::string_view("name=").size(), profile = std::string_view(",profile=").size();
        out += "  " + text.substr(name, comma == std::string::npos ? comma : comma - name) + "\n";
        if (comma != std::string::npos) out += "   Profile: " + text.substr(comma + profile) + "\n";
    }
    return out;
}

std::string swarm_text(const Info& swarm) {
    std::string out = info_line(1, "Swarm", swarm.at("LocalNodeState"));
    if (!swarm.contains("Nodes")) return out;
    return out + info_line(2, "NodeID", swarm.at("NodeID")) + info_line(2, "Is Manager", swarm.at("ControlAvailable")) +
           info_line(2, "ClusterID", swarm.at("/Cluster/ID"_json_pointer)) +
           info_line(2, "Managers", swarm.at("Managers")) + info_line(2, "Nodes", swarm.at("Nodes"));
}

std::string text_for_people(const Info& info) {
    const auto line = [&](std::string_view title, const char* key, int indent = 1) {
        return info_line(indent, title, info.at(key));
    };
    std::string out = client_text(info.at("ClientInfo")) + "\nServer:\n";
    out += line("Containers", "Containers") + line("Running", "ContainersRunning", 2) +
           line("Paused", "ContainersPaused", 2) + line("Stopped", "ContainersStopped", 2);
    out += line("Images", "Images") + line("Server Version", "ServerVersion") + line("Storage Driver", "Driver");
    for (const Info& pair : info.at("DriverStatus")) out += info_line(2, pair[0].get<std::string>(), pair[1]);
    out += line("Logging Driver", "LoggingDriver") + line("Cgroup Driver", "CgroupDriver") +
           line("Cgroup Version", "CgroupVersion") + " Plugins:\n";
    for (const char* kind : {"Volume", "Network", "Log"})
        out += fmt::format("  {}: {}\n", kind, words_of(info.at("Plugins").at(kind)));
    out += " CDI spec directories:\n";
    for (const Info& directory : info.at("CDISpecDirs")) out += "  " + directory.get<std::string>() + "\n";
    out += swarm_text(info.at("Swarm"));
    for (const auto& [name, runtime] : info.at("Runtimes").items()) out += " Runtimes: " + name + "\n";
    out += line("Default Runtime", "DefaultRuntime") + line("Init Binary", "InitBinary") +
           security_text(info.at("SecurityOptions"));
    out += line("Kernel Version", "KernelVersion") + line("Operating System", "OperatingSystem");
    out += line("OSType", "OSType") + line("Architecture", "Architecture") + line("CPUs", "NCPU");
    out += fmt::format(" Total Memory: {}\n", human_size_binary(info.at("MemTotal").get<double>()));
    out += line("Name", "Name") + line("ID", "ID") + line("Docker Root Dir", "DockerRootDir");
    for (const auto& [title, key] : {std::pair("HTTP Proxy", "HttpProxy"), std::pair("HTTPS Proxy", "HttpsProxy"),
                                     std::pair("No Proxy", "NoProxy")})
        if (info.at(key) != "") out += line(title, key);
    out += line("Debug Mode", "Debug") + line("Experimental", "ExperimentalBuild") + " Insecure Registries:\n";
    for (const Info& range : info.at("/RegistryConfig/InsecureRegistryCIDRs"_json_pointer))
        out += "  " + range.get<std::string>() + "\n";
    out += line("Live Restore Enabled", "LiveRestoreEnabled");
    return printable(out + info_line(1, "Firewall Backend", info.at("/FirewallBackend/Driver"_json_pointer)), "\n");
}

int show_info(Globals& globals, const Args& args, const char* synopsis) {
    std::string format;
    std::vector<std::string> none;
    Options options(globals, synopsis, "Display information about this machine");
    options.value("f,format", format, "Format output using a custom template: 'json' or a Go template")
        .arguments(none, 0, 0);
    if (!options.parse(args)) return 0;
    Context context(globals);
    const Info info = info_document(context.engine());
    if (format.empty()) std::fputs(text_for_people(info).c_str(), stdout);
    else print_document(info, format, info_zeros, "system.dockerInfo");
    return 0;
}

} // namespace

int run_info(Globals& globals, const Args& args) { return show_info(globals, args, "info [OPTIONS]"); }
int run_system_info(Globals& globals, const Args& args) { return show_info(globals, args, "system info [OPTIONS]"); }

} // namespace davit::cli
