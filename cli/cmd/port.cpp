#include "base/error.hpp"
#include "cli/cmd/verbs.hpp"
#include "cli/context.hpp"
#include "cli/options.hpp"

#include <algorithm>
#include <charconv>
#include <cstdio>

namespace davit::cli {

int run_port(Globals& globals, const Args& args) {
    int index = 0;
    std::string protocol = "tcp";
    std::vector<std::string> words;
    Options options(globals, "port [OPTIONS] SERVICE PRIVATE_PORT", "Print the public port for a port binding");
    options.value("index", index, "Index of the container if service has multiple replicas")
        .value("protocol", protocol, "tcp or udp (default \"tcp\")")
        .arguments(words, 2, 2);
    if (!options.parse(args)) return 0;
    std::string number = words[1];
    if (const std::size_t slash = number.find('/'); slash != std::string::npos) {
        protocol = number.substr(slash + 1);
        number.resize(slash);
    }
    std::uint16_t target = 0;
    const char* end = number.data() + number.size();
    if (auto [stop, problem] = std::from_chars(number.data(), end, target);
        problem != std::errc{} || stop != end || !target)
        throw error(Errc::usage, "invalid port number \"{}\"", number);
    Context context(globals);
    const ContainerInfo container = running_container(context, words[0], index);
    for (const PublishedPort& port : container.ports) {
        if (port.target != target || port.protocol != protocol) continue;
        const std::string ip = port.host_ip.empty() ? "0.0.0.0" : port.host_ip;
        std::printf("%s:%u\n", ip.c_str(), static_cast<unsigned>(port.host_port));
        return 0;
    }
    // Only exposed: docker compose shows the empty address that the engine reports for it, and is content.
    if (std::find(container.expose.begin(), container.expose.end(), fmt::format("{}/{}", target, protocol)) !=
        container.expose.end()) {
        std::puts("invalid IP:0");
        return 0;
    }
    throw error(Errc::not_found, "no port {}/{} for container {}", target, protocol, container.name);
}

} // namespace davit::cli
