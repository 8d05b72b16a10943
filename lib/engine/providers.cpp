#include "engine/providers.hpp"

#include "base/error.hpp"
#include "base/process.hpp"
#include "base/sys.hpp"

#include <algorithm>
#include <cctype>
#include <csignal>
#include <cstdlib>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <poll.h>
#include <set>
#include <unistd.h>

namespace davit {

namespace {

using Json = nlohmann::json;

// As Docker finds its plugins (docker-TYPE in their directories), then TYPE itself in PATH.
std::string program_of(const Service& service) {
    const std::string& type = service.provider->type;
    auto missing = [&](const char* why) {
        return error(Errc::not_found, "service \"{}\": {} '{}'", service.name, why, type)
            .with_at(service.origin.pos)
            .with_hint(fmt::format("a provider is a program: docker-{0} among Docker's plugins, or {0} in PATH", type));
    };
    if (type == "compose") throw missing("no provider may be called");
    auto runs = [](const std::string& path) { return ::access(path.c_str(), X_OK) == 0; };
    if (type.find('/') == std::string::npos) {
        std::vector<std::string> places;
        if (const char* own = std::getenv("DOCKER_CONFIG")) places.push_back(std::string(own) + "/cli-plugins");
        else if (const char* home = std::getenv("HOME")) places.push_back(std::string(home) + "/.docker/cli-plugins");
        for (const char* place : {"/usr/local/lib/docker/cli-plugins", "/usr/local/libexec/docker/cli-plugins",
                                  "/usr/lib/docker/cli-plugins", "/usr/libexec/docker/cli-plugins"})
            places.emplace_back(place);
        for (const auto& place : places)
            if (const std::string path = place + "/docker-" + type; runs(path)) return path;
        const char* search = std::getenv("PATH");
        std::string_view rest = search ? search : "";
        while (!rest.empty()) {
            const std::size_t colon = std::min(rest.find(':'), rest.size());
            if (const std::string path = std::string(rest.substr(0, colon)) + "/" + type; colon > 0 && runs(path))
                return path;
            rest.remove_prefix(std::min(colon + 1, rest.size()));
        }
    } else if (runs(type)) {
        return type;
    }
    throw missing("there is no provider");
}

std::vector<std::string> environment_of(const Project& project) {
    std::vector<std::string> out;
    for (const auto& [name, value] : project.environment) out.push_back(name + "=" + value);
    return out;
}

// NAME of SERVICE_NAME=…: what an environment allows.
std::string prefix_of(const std::string& service) {
    std::string out;
    for (const char c : service)
        out += std::isalnum(static_cast<unsigned char>(c))
                   ? static_cast<char>(std::toupper(static_cast<unsigned char>(c)))
                   : '_';
    return out + "_";
}

// The parameters that the metadata name for a command, with whether each is required; nothing: it names none at all.
std::optional<std::map<std::string, bool>> parameters_of(std::string_view metadata, const std::string& command) {
    const Json all = Json::parse(metadata, nullptr, false);
    if (!all.is_object() || (!all.contains("up") && !all.contains("down"))) return std::nullopt;
    std::map<std::string, bool> out;
    const auto own = all.find(command);
    if (own == all.end() || !own->is_object()) return out;
    for (const auto& p : own->value("parameters", Json::array()))
        if (p.is_object() && p.contains("name") && p["name"].is_string()) {
            const auto required = p.find("required");
            out[p["name"].get<std::string>()] = required != p.end() && (*required == true || *required == "true");
        }
    return out;
}

class Conversation {
public:
    Conversation(const Service& service, const std::function<void(const std::string&)>& said)
        : service_(service), said_(said) {}

    void hear(std::string_view text) {
        pending_ += text;
        for (std::size_t end; (end = pending_.find('\n')) != std::string::npos; pending_.erase(0, end + 1))
            line(std::string_view(pending_).substr(0, end));
    }
    void finish() {
        if (!pending_.empty()) line(pending_);
        pending_.clear();
    }
    const std::string& failure() const { return failure_; }
    std::map<std::string, std::string> variables;

private:
    void line(std::string_view text) {
        if (text.empty()) return;
        ProviderMessage m = parse_provider_message(text);
        switch (m.kind) {
        case ProviderMessage::Kind::info: said_(m.text); break;
        case ProviderMessage::Kind::debug: break;
        case ProviderMessage::Kind::error: failure_ = m.text; break;
        case ProviderMessage::Kind::setenv:
        case ProviderMessage::Kind::rawsetenv: {
            const std::size_t equals = m.text.find('=');
            if (equals == std::string::npos || equals == 0)
                throw error(Errc::failed, "the provider of service \"{}\" sets '{}', which is no NAME=VALUE",
                            service_.name, m.text);
            const std::string prefix = m.kind == ProviderMessage::Kind::setenv ? prefix_of(service_.name) : "";
            variables[prefix + m.text.substr(0, equals)] = m.text.substr(equals + 1);
        }
        }
    }

    const Service& service_;
    const std::function<void(const std::string&)>& said_;
    std::string pending_, failure_;
};

} // namespace

ProviderMessage parse_provider_message(std::string_view line) {
    const Json json = Json::parse(line, nullptr, false);
    if (!json.is_object() || !json.contains("type") || !json["type"].is_string())
        return {ProviderMessage::Kind::info, std::string(line)};
    ProviderMessage out;
    const auto text = json.find("message");
    if (text != json.end()) out.text = text->is_string() ? text->get<std::string>() : text->dump();
    const std::string type = json["type"];
    if (type == "error") out.kind = ProviderMessage::Kind::error;
    else if (type == "debug") out.kind = ProviderMessage::Kind::debug;
    else if (type == "setenv") out.kind = ProviderMessage::Kind::setenv;
    else if (type == "rawsetenv") out.kind = ProviderMessage::Kind::rawsetenv;
    return out;
}

std::vector<std::string> provider_arguments(const std::string& project, const Service& service,
                                            const std::string& command, std::string_view metadata) {
    const auto known = parameters_of(metadata, command);
    if (known)
        for (const auto& [name, required] : *known)
            if (required && !service.provider->options.count(name))
                throw error(Errc::invalid_project, "service \"{}\": the provider '{}' needs the option '{}'",
                            service.name, service.provider->type, name)
                    .with_at(service.origin.pos)
                    .with_hint(fmt::format("write it under services.{}.provider.options", service.name));
    std::vector<std::string> out{"compose", "--project-name=" + project, command};
    for (const auto& [name, values] : service.provider->options)
        if (!known || known->count(name))
            for (const auto& value : values) out.push_back(fmt::format("--{}={}", name, value));
    out.push_back(service.name);
    return out;
}

std::vector<Provided> take_providers(Project& project) {
    std::vector<Provided> out;
    std::set<std::string> taken;
    std::function<void(const std::string&)> take = [&](const std::string& name) {
        auto it = project.services.find(name);
        if (it == project.services.end() || !it->second.provider || !taken.insert(name).second) return;
        for (const auto& [other, unused] : it->second.depends_on) take(other);
        out.push_back({it->second, {}});
    };
    for (const auto& [name, unused] : project.services) take(name);
    for (const auto& name : taken) project.services.erase(name);
    for (auto& provided : out)
        for (auto& [name, service] : project.services)
            if (service.depends_on.erase(provided.service.name)) provided.dependents.push_back(name);
    return out;
}

std::map<std::string, std::string> run_provider(const Project& project, const Service& service,
                                                const std::string& command,
                                                const std::function<void(const std::string&)>& said,
                                                std::stop_token stop) {
    const std::string program = program_of(service);
    SpawnOptions spawn;
    spawn.env = environment_of(project);
    spawn.cwd = project.working_dir;
    spawn.argv = {program, "compose", "metadata"};
    const Output metadata = run(spawn);
    spawn.argv = provider_arguments(project.name, service, command, metadata.status.code == 0 ? metadata.out : "");
    spawn.argv.insert(spawn.argv.begin(), program);

    FdPair out = sys::pipe();
    spawn.fds.push_back({out.second.get(), 1});
    Child child = Child::spawn(spawn);
    out.second.reset();
    const std::stop_callback ended(stop, [&] { child.kill(SIGTERM); });
    Conversation conversation(service, said);
    char buffer[4096];
    for (ssize_t n; (n = ::read(out.first.get(), buffer, sizeof buffer)) != 0;) {
        if (n > 0) conversation.hear({buffer, static_cast<std::size_t>(n)});
        else if (errno != EINTR) throw sys_error(errno, "reading from {}", program);
    }
    conversation.finish();
    const ExitStatus status = child.wait();
    if (stop.stop_requested())
        throw error(Errc::interrupted, "interrupted while the provider of service {} ran", service.name);
    if (!conversation.failure().empty())
        throw error(Errc::failed, "the provider of service \"{}\" says: {}", service.name, conversation.failure());
    if (!status.known)
        throw error(Errc::failed, "how the provider of service \"{}\" ({} compose {}) ended is not known", service.name,
                    program, command)
            .with_hint("this program ignores SIGCHLD, or waits for children that are not its own");
    if (status.code != 0)
        throw error(Errc::failed, "the provider of service \"{}\" ({} compose {}) exited with status {}", service.name,
                    program, command, status.code);
    return conversation.variables;
}

} // namespace davit
