// What services ask of each other by name, in their variables and commands: "rabbit:5672".
#include "base/units.hpp"
#include "export/common.hpp"

#include <algorithm>
#include <cctype>
#include <fmt/format.h>
#include <fmt/ranges.h>

namespace davit::exports {

namespace {

bool is_in_name(char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '-' || c == '.'; }

// As a host's name stands in a text: "db:5432", "//db/x", "db,cache"; not in "mydb" or "db_name".
bool mentions(std::string_view text, std::string_view name) {
    for (std::size_t at = 0; (at = text.find(name, at)) != std::string_view::npos; ++at) {
        const std::size_t end = at + name.size();
        if ((at == 0 || !is_in_name(text[at - 1])) && (end == text.size() || !is_in_name(text[end]))) return true;
    }
    return false;
}

// Of each "NAME:PORT" in a text. An image is called so, too, but nothing stands before its name.
void add_ports(std::string_view text, std::string_view name, std::set<std::uint32_t>& out) {
    for (std::size_t at = 0; (at = text.find(name, at)) != std::string_view::npos; at += name.size()) {
        std::size_t end = at + name.size();
        if ((at > 0 && is_in_name(text[at - 1])) || end >= text.size() || text[end] != ':') continue;
        const std::size_t first = ++end;
        while (end < text.size() && std::isdigit(static_cast<unsigned char>(text[end]))) ++end;
        if (end < text.size() && is_in_name(text[end])) continue;
        const auto port = parse_int(text.substr(first, end - first));
        if (port && *port > 0 && *port <= 65535) out.insert(static_cast<std::uint32_t>(*port));
    }
}

std::set<std::uint32_t> ports_in(const Service& client, const std::string& name) {
    std::set<std::uint32_t> out;
    for (const auto& [key, value] : client.environment)
        if (value) add_ports(*value, name, out);
    for (const auto* words : {&client.command, &client.entrypoint})
        if (*words)
            for (const std::string& word : **words) add_ports(word, name, out);
    return out;
}

} // namespace

bool meet(const Service& a, const Service& b) {
    return std::any_of(a.networks.begin(), a.networks.end(),
                       [&](const auto& network) { return b.networks.contains(network.first); });
}

bool speaks_of(const Service& service, const std::string& name) {
    const auto in = [&](const std::vector<std::string>& words) {
        return std::any_of(words.begin(), words.end(), [&](const std::string& w) { return mentions(w, name); });
    };
    if ((service.command && in(*service.command)) || (service.entrypoint && in(*service.entrypoint))) return true;
    return std::any_of(service.environment.begin(), service.environment.end(),
                       [&](const auto& variable) { return variable.second && mentions(*variable.second, name); });
}

std::vector<std::string> clients_of(const Project& project, const Service& service, const std::string& name) {
    std::vector<std::string> out;
    for (const auto& [key, client] : project.services)
        if (key != service.name && meet(client, service) && speaks_of(client, name)) out.push_back(key);
    return out;
}

void note_asked_ports(const Scope& scope, const Service& service, const std::set<std::uint32_t>& named,
                      const std::string& way) {
    std::map<std::uint32_t, std::vector<std::string>> missing;
    for (const auto& [name, client] : scope.project.services) {
        if (name == service.name || !meet(client, service)) continue;
        for (const std::uint32_t port : ports_in(client, service.name))
            if (!named.contains(port)) missing[port].push_back(name);
    }
    for (const auto& [port, clients] : missing)
        scope.report.needs(key_path(service, "expose"),
                           fmt::format("{} asks for {}:{}, and {} has the ports that the file names alone: {}",
                                       fmt::join(clients, ", "), service.name, port, way, fmt::join(named, ", ")),
                           fmt::format("expose: [\"{}\"] at {}", port, service.name));
}

} // namespace davit::exports
