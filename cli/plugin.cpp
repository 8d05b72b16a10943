#include "cli/plugin.hpp"

#include "cli/docker_version.hpp"
#include "cli/endpoint.hpp"
#include "cli/format/json_text.hpp"

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <sys/socket.h>
#include <sys/un.h>

namespace davit::cli {

namespace {

// docker's global flags; those with a value.
struct Flag {
    const char* short_name;
    const char* long_name;
    bool value;
};
constexpr Flag global_flags[] = {{"", "--config", true},    {"-c", "--context", true},   {"-D", "--debug", false},
                                 {"-H", "--host", true},    {"-l", "--log-level", true}, {"", "--tls", false},
                                 {"", "--tlscacert", true}, {"", "--tlscert", true},     {"", "--tlskey", true},
                                 {"", "--tlsverify", false}};

const Flag* find_flag(const std::string& word) {
    const std::string name = word.substr(0, word.find('='));
    const auto* found = std::find_if(std::begin(global_flags), std::end(global_flags), [&](const Flag& f) {
        return name == f.long_name || (f.short_name[0] && word.compare(0, 2, f.short_name) == 0 && word[1] != '-');
    });
    return found == std::end(global_flags) ? nullptr : found;
}

// The value of the flag at args[i]; i moves to its last word.
std::string value_of(const Flag& flag, const Args& args, std::size_t& i) {
    const std::string& word = args[i];
    if (!flag.value) return {};
    if (word.starts_with("--")) {
        if (const std::size_t equals = word.find('='); equals != std::string::npos) return word.substr(equals + 1);
    } else if (word.size() > 2) {
        return word.substr(word[2] == '=' ? 3 : 2);
    }
    return i + 1 < args.size() ? args[++i] : "";
}

} // namespace

std::string plugin_metadata() {
    return json_text(nlohmann::ordered_json{{"SchemaVersion", "0.1.0"},
                                            {"Vendor", "davit"},
                                            {"Version", compose_plugin_version},
                                            {"ShortDescription", "Docker Compose (davit)"}},
                     4) +
           "\n";
}

void take_plugin_call(Args& args) {
    std::size_t at = 0;
    std::vector<std::pair<const Flag*, std::string>> found;
    while (at < args.size() && args[at] != "compose") {
        const bool help =
            args[at] == "help" && at + 1 < args.size() && args[at + 1] == "compose"; // docker help compose …
        const Flag* flag = find_flag(args[at]);
        if (!flag && !help) return;
        if (flag) found.emplace_back(flag, value_of(*flag, args, at));
        ++at;
    }
    if (at >= args.size()) return;
    const bool help = at > 0 && args[at - 1] == "help";
    args.erase(args.begin(), args.begin() + static_cast<std::ptrdiff_t>(at) + 1);
    if (help) args.insert(args.begin(), "help");
    std::optional<std::string> host, context;
    for (const auto& [flag, value] : found) {
        const std::string_view name = flag->long_name;
        if (name == "--config") ::setenv("DOCKER_CONFIG", value.c_str(), 1);
        if (name == "--host") host = value;
        if (name == "--context") context = value;
    }
    take_endpoint_flags(host, context);
    require_here();
}

bool called_as_plugin() {
    return std::string_view(program_invocation_short_name) == "docker-compose" &&
           std::getenv("DOCKER_CLI_PLUGIN_ORIGINAL_CLI_COMMAND");
}

UniqueFd plugin_socket() {
    const char* name = std::getenv("DOCKER_CLI_PLUGIN_SOCKET");
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (!name || !*name || std::strlen(name) >= sizeof address.sun_path) return {};
    UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    std::memcpy(address.sun_path, name, std::strlen(name));
    if (address.sun_path[0] == '@') address.sun_path[0] = '\0'; // no file: a name of the kernel's
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + std::strlen(name));
    if (!fd || ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), size) < 0) return {};
    return fd;
}

} // namespace davit::cli
