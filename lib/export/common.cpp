#include "export/common.hpp"

#include "base/hash.hpp"
#include "base/hmac.hpp"
#include "compose/sensitive.hpp"
#include "model/ecs_task.hpp"

#include <algorithm>
#include <cctype>
#include <fmt/format.h>

namespace davit::exports {

namespace {

bool others_wait_for_end(const Project& project, const std::string& name) {
    return std::any_of(project.services.begin(), project.services.end(), [&](const auto& s) {
        const auto it = s.second.depends_on.find(name);
        return it != s.second.depends_on.end() && wants_end(it->second.condition);
    });
}

bool others_need_it(const Project& project, const std::string& name) {
    return std::any_of(project.services.begin(), project.services.end(),
                       [&](const auto& s) { return s.second.depends_on.contains(name); });
}

// "postgres://user:password@db/shop", where it is no variable.
bool has_password_in_url(const std::string& text) {
    for (std::size_t at = 0; (at = text.find("://", at)) != std::string::npos; at += 3) {
        const std::string rest = text.substr(at + 3, text.find_first_of("/ \t\n\"'", at + 3) - at - 3);
        const std::size_t sign = rest.rfind('@'), colon = rest.find(':');
        if (sign != std::string::npos && colon < sign && compose::is_literal(rest.substr(colon + 1, sign - colon - 1)))
            return true;
    }
    return false;
}

bool looks_secret(const std::string& key, const std::string& value) {
    return !compose::sensitive_texts(key + "=" + value).empty() || has_password_in_url(value);
}

// --db-password=x, --db-password x: as a variable would be called.
std::string flag_name(const std::string& word) {
    if (!word.starts_with('-')) return {};
    std::string out = word.substr(word.find_first_not_of('-') == std::string::npos ? 0 : word.find_first_not_of('-'));
    out = out.substr(0, out.find('='));
    for (char& c : out) c = c == '-' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    return out == "REQUIREPASS" || out == "MASTERAUTH" ? "PASSWORD" : out; // redis
}

bool has_secret_word(const std::vector<std::string>& words) {
    for (std::size_t i = 0; i < words.size(); ++i) {
        if (has_password_in_url(words[i])) return true;
        const std::string name = flag_name(words[i]);
        if (name.empty() || !compose::names_a_secret(name)) continue;
        const std::size_t equals = words[i].find('=');
        const std::string value = equals != std::string::npos ? words[i].substr(equals + 1)
                                  : i + 1 < words.size()      ? words[i + 1]
                                                              : "";
        if (!value.starts_with('-') && !value.starts_with('/') && compose::is_literal(value)) return true;
    }
    return false;
}

void note_secret_variables(const Scope& scope, const Service& service) {
    constexpr const char* better =
        "make it a secret: `secrets:` with `environment:` or `file:`, and let the program read /run/secrets";
    for (const auto& [key, value] : service.environment)
        if (value && looks_secret(key, *value))
            scope.report.needs(key_path(service, "environment." + key),
                               fmt::format("{} looks like a secret and is exported in clear, as the file has it", key),
                               better);
    for (const auto& [key, words] : {std::pair("command", &service.command), {"entrypoint", &service.entrypoint}})
        if (*words && has_secret_word(**words))
            scope.report.needs(key_path(service, key),
                               "a word of it looks like a secret and is exported in clear, as the file has it", better);
}

} // namespace

std::string key_path(const Service& service, std::string_view key) {
    return fmt::format("services.{}.{}", service.name, key);
}

bool is_loopback(const Port& port) {
    return port.host_ip.starts_with("127.") || port.host_ip == "::1" || port.host_ip == "[::1]" ||
           port.host_ip == "localhost";
}

void note_inner_ports(const Scope& scope, const Service& service) {
    for (std::size_t i = 0; i < service.ports.size(); ++i) {
        const Port& p = service.ports[i];
        const std::string path = key_path(service, fmt::format("ports[{}]", i));
        if (is_loopback(p))
            scope.report.adjusted(path + (p.published.empty() ? ".host_ip" : ".published"),
                                  "open to the other services",
                                  "its address is the machine's own, and so it is not published",
                                  "publish it without an address, where it is meant to be reached from outside");
        if (is_loopback(p) && !p.published.empty())
            scope.report.adjusted(path + ".host_ip", std::string(left_out),
                                  "it is not published, and so it has no address");
        if (is_loopback(p)) continue;
        if (p.published.empty())
            scope.report.adjusted(path + ".target", "open to the other services",
                                  "a free port of one machine is none that somebody could know",
                                  "name the port to publish");
        else if (const std::size_t dash = p.published.find('-'); dash != std::string::npos)
            scope.report.adjusted(path + ".published", p.published.substr(0, dash),
                                  "a load balancer has one port for it: the first of the range",
                                  "name the port to publish");
    }
}

Executed executed(const Scope& scope, const Service& service) {
    if (!service.entrypoint || !service.entrypoint->empty()) return {service.entrypoint, service.command};
    const std::string path = key_path(service, "entrypoint");
    if (service.command && !service.command->empty()) {
        scope.report.adjusted(path, "the command", "an empty one is none there, and the image's would run");
        return {service.command, std::nullopt};
    }
    scope.report.needs(path, "an empty one is none there, and the image's runs", "entrypoint: what is to run");
    return {};
}

bool runs_once(const Project& project, const Service& service) {
    if (service.deploy && service.deploy->mode.ends_with("-job")) return true;
    if (others_wait_for_end(project, service.name)) return true;
    if (ecs_task_of(service)) return false; // the service of ECS begins the task again
    if (service.deploy && service.deploy->restart_policy) return service.deploy->restart_policy->condition == "none";
    return service.restart == "no" && service.ports.empty() && !others_need_it(project, service.name);
}

void note_no_order(const Scope& scope, const std::string& path, const Dependency& dependency, std::string why,
                   std::string hint) {
    if (dependency.condition == DependencyCondition::started)
        scope.report.adjusted(path, std::string(left_out), std::move(why), std::move(hint));
    else scope.report.dropped(path, std::move(why), std::move(hint));
}

void note_common(const Scope& scope) {
    for (const auto& [name, service] : scope.project.disabled_services)
        scope.report.adjusted("services." + name, std::string(left_out), "it is not enabled",
                              "name it, or its profile with --profile");
    for (const auto& [name, service] : scope.project.services) note_secret_variables(scope, service);
}

std::int64_t whole_seconds(std::chrono::nanoseconds time) {
    return std::chrono::ceil<std::chrono::seconds>(time).count();
}

std::string short_hash(std::string_view bytes) { return sha256_hex(bytes).substr(0, 8); }

std::string secret_version(std::string_view key, std::string_view name, std::string_view value) {
    return hmac_sha256_hex(hmac_sha256_hex(key, name), value).substr(0, 8);
}

std::string dns_label(std::string_view name, std::size_t most) {
    std::string out;
    for (char c : name) {
        const auto u = static_cast<unsigned char>(c);
        out += std::isalnum(u) ? static_cast<char>(std::tolower(u)) : '-';
    }
    out.erase(0, std::min(out.find_first_not_of('-'), out.size()));
    if (out.empty() || std::isdigit(static_cast<unsigned char>(out[0]))) out = "s-" + out;
    if (out.size() > most) out = out.substr(0, most - 9) + "-" + short_hash(name);
    while (out.ends_with('-')) out.pop_back();
    return out;
}

std::map<std::string, std::string> dns_labels(const std::vector<std::string>& names, std::size_t most) {
    std::map<std::string, std::string> out;
    std::set<std::string> taken;
    // Those that are legal already keep their names.
    for (const std::string& name : names)
        if (dns_label(name, most) == name && taken.insert(name).second) out[name] = name;
    for (const std::string& name : names) {
        if (out.contains(name)) continue;
        const std::string base = dns_label(name, most - 3);
        std::string label = base;
        for (int n = 2; !taken.insert(label).second; ++n) label = fmt::format("{}-{}", base, n);
        out[name] = label;
    }
    return out;
}

std::string shell_quoted(std::string_view text) {
    const bool plain = !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
        return std::isalnum(static_cast<unsigned char>(c)) ||
               std::string_view("-_./:,=@%+").find(c) != std::string_view::npos;
    });
    if (plain) return std::string(text);
    std::string out = "'";
    for (char c : text) c == '\'' ? out += "'\\''" : out += c;
    return out + "'";
}

std::string text_of(const Value& value) {
    if (const auto* s = std::get_if<std::string>(&value.data)) return *s;
    if (const auto* b = std::get_if<bool>(&value.data)) return *b ? "true" : "false";
    if (const auto* i = std::get_if<std::int64_t>(&value.data)) return std::to_string(*i);
    if (const auto* d = std::get_if<double>(&value.data)) return fmt::format("{}", *d);
    return {};
}

std::string text_of(const Extensions& from, const std::string& key, std::string otherwise) {
    const auto it = from.find(key);
    return it == from.end() ? std::move(otherwise) : text_of(it->second);
}

bool flag_of(const Extensions& from, const std::string& key, bool otherwise) {
    const auto it = from.find(key);
    return it == from.end() ? otherwise : text_of(it->second) == "true";
}

std::vector<std::string> list_of(const Extensions& from, const std::string& key) {
    std::vector<std::string> out;
    const auto it = from.find(key);
    if (it == from.end()) return out;
    if (const auto* list = std::get_if<Value::List>(&it->second.data)) {
        for (const Value& v : *list) out.push_back(text_of(v));
    } else if (std::string one = text_of(it->second); !one.empty()) {
        out.push_back(std::move(one));
    }
    return out;
}

const Value* find_member(const Value& map, std::string_view key) {
    if (const auto* members = std::get_if<Value::Map>(&map.data))
        for (const Value::Member& m : *members)
            if (m.first == key) return &m.second;
    return nullptr;
}

namespace {

// A config's content is in the export for all to read.
void note_private_key(const Scope& scope, const FileObject& config, const std::string& content) {
    if (content.find("-----BEGIN ") == std::string::npos || content.find("PRIVATE KEY-----") == std::string::npos)
        return;
    scope.report.needs("configs." + config.key, "it is a private key, and configs are in clear",
                       "`secrets:` in place of `configs:`");
}

std::optional<std::string> content_of(const Scope& scope, const FileObject& config) {
    if (config.content) return config.content;
    if (!config.file.empty() && scope.options.read_file) return scope.options.read_file(config.file);
    return std::nullopt;
}

} // namespace

std::optional<std::string> config_content(const Scope& scope, const FileObject& config) {
    if (auto content = content_of(scope, config)) {
        note_private_key(scope, config, *content);
        return content;
    }
    if (config.environment.empty())
        scope.report.needs("configs." + config.key + ".file", fmt::format("{} cannot be read", config.file),
                           "the file");
    else
        scope.report.needs("configs." + config.key + ".environment",
                           fmt::format("the variable {} is not set", config.environment),
                           fmt::format("the variable {}", config.environment));
    return std::nullopt;
}

} // namespace davit::exports
