#include "cli/endpoint.hpp"
#include "cli/docker_errors.hpp"
#include "cli/endpoint_client.hpp"

#include "base/error.hpp"
#include "base/file.hpp"
#include "cli/format/json_text.hpp"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string_view>

namespace davit::cli {

namespace {

using Document = nlohmann::ordered_json;

constexpr const char* default_host = "unix:///var/run/docker.sock";

std::string environment_text(const char* name) {
    const char* value = std::getenv(name);
    return value ? value : "";
}

DockerContext read_context(const std::string& file) {
    DockerContext out;
    out.name.clear();
    try {
        out.metadata = read_file(file);
        const Document document = Document::parse(out.metadata);
        out.name = document.at("Name").get<std::string>();
        out.host = document.at("Endpoints").at("docker").value("Host", "");
        if (const auto about = document.find("Metadata"); about != document.end() && about->is_object())
            out.description = about->value("Description", "");
    } catch (const std::exception& e) {
        out.problem = e.what();
    }
    return out;
}

std::string config_file() {
    const std::string directory = docker_config_directory();
    return directory.empty() ? "" : directory + "/config.json";
}

Document configuration() {
    const std::string file = config_file();
    const auto text = file.empty() ? std::nullopt : read_file_if_exists(file);
    if (!text || text->find_first_not_of(" \n\t\r") == std::string::npos) return Document::object();
    try {
        return Document::parse(*text);
    } catch (const std::exception& e) {
        throw error(Errc::failed, "{} is no JSON: {}", file, e.what());
    }
}

Error elsewhere(const std::string& host, const std::string& said_by) {
    return error(Errc::unsupported, "davit has no engine elsewhere: {} asks for {}", said_by, host)
        .with_hint("davit starts containers on this machine, without a daemon: run it there, by ssh for one, or unset "
                   "what asks for another (docs/docker.md)");
}

} // namespace

std::string docker_config_directory() {
    if (const std::string own = environment_text("DOCKER_CONFIG"); !own.empty()) return own;
    const std::string home = environment_text("HOME");
    return home.empty() ? "" : home + "/.docker";
}

std::vector<DockerContext> docker_contexts() {
    std::vector<DockerContext> out(1);
    out[0].description = "Current DOCKER_HOST based configuration";
    const std::string host = environment_text("DOCKER_HOST");
    out[0].host = host.empty() ? default_host : host;
    std::error_code none;
    for (const auto& entry : std::filesystem::directory_iterator(docker_config_directory() + "/contexts/meta", none)) {
        const std::string file = entry.path().string() + "/meta.json";
        if (exists(file)) out.push_back(read_context(file));
    }
    std::sort(out.begin() + 1, out.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
    return out;
}

std::string client_setting(const std::string& key) {
    const Document document = configuration();
    const auto found = document.find(key);
    return found != document.end() && found->is_string() ? found->get<std::string>() : "";
}

std::string configured_context() { return client_setting("currentContext"); }

std::map<std::string, std::string> client_proxies() {
    std::map<std::string, std::string> out;
    const Document document = configuration();
    const auto proxies = document.find("proxies");
    if (proxies == document.end() || !proxies->is_object()) return out;
    auto mine = proxies->find(default_host);
    if (mine == proxies->end()) mine = proxies->find("default");
    if (mine == proxies->end() || !mine->is_object()) return out;
    for (const auto& [key, value] : mine->items())
        if (value.is_string()) out[key] = value.get<std::string>();
    return out;
}

void configure_context(const std::string& name) {
    const std::vector<DockerContext> all = docker_contexts();
    if (std::none_of(all.begin(), all.end(), [&](const DockerContext& c) { return c.name == name; }))
        throw no_such_context(name).with_hint("see 'docker context ls'");
    Document document = configuration();
    if (name == "default") document.erase("currentContext");
    else document["currentContext"] = name;
    const std::string file = config_file();
    if (file.empty()) throw error(Errc::usage, "neither DOCKER_CONFIG nor HOME is set: there is no config.json");
    std::filesystem::create_directories(docker_config_directory());
    write_file_atomic(file, json_text(document, 8) + "\n");
}

EndpointChoice endpoint_choice() {
    EndpointChoice out;
    out.host = environment_text("DOCKER_HOST");
    if (!out.host.empty()) {
        out.said_by = "DOCKER_HOST";
        return out;
    }
    out.context = environment_text("DOCKER_CONTEXT");
    if (!out.context.empty()) out.said_by = "DOCKER_CONTEXT";
    return out;
}

std::string current_context() {
    const EndpointChoice choice = endpoint_choice();
    return choice.context.empty() ? "default" : choice.context;
}

bool is_here(const std::string& host) {
    for (const std::string_view here : {"", "unix://", "unix:///var/run/docker.sock", "unix:///run/docker.sock"})
        if (host == here) return true;
    return false;
}

void take_endpoint_flags(const std::optional<std::string>& host, const std::optional<std::string>& context) {
    if (host && context) throw error(Errc::usage, "conflicting options: cannot specify both --host and --context");
    if (!host && !context) return;
    ::unsetenv("DOCKER_HOST");
    ::unsetenv("DOCKER_CONTEXT");
    if (host) ::setenv("DOCKER_HOST", host->c_str(), 1);
    else ::setenv("DOCKER_CONTEXT", context->empty() ? "default" : context->c_str(), 1);
}

void take_configured_context() {
    if (!endpoint_choice().said_by.empty()) return;
    if (const std::string name = configured_context(); !name.empty()) ::setenv("DOCKER_CONTEXT", name.c_str(), 1);
}

void require_here() {
    const EndpointChoice choice = endpoint_choice();
    if (!is_here(choice.host)) throw elsewhere(choice.host, choice.said_by);
    if (docker_is_spoken()) check_api_version();
    if (choice.context.empty() || choice.context == "default") {
        if (docker_is_spoken()) check_tls_files();
        return;
    }
    for (const DockerContext& context : docker_contexts()) {
        if (context.name != choice.context) continue;
        if (is_here(context.host)) return;
        throw elsewhere(context.host, "the context \"" + context.name + "\"");
    }
    throw told_after("Failed to initialize: unable to resolve docker endpoint: ", no_such_context(choice.context))
        .with_hint("see 'docker context ls'; DOCKER_CONTEXT, --context or 'docker context use' names it");
}

} // namespace davit::cli
