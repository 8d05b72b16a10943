#include "build/image_config.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace davit::build {

namespace {

using Json = nlohmann::json;

void set(Json& to, const char* key, Json value) {
    if (value.empty()) to.erase(key);
    else to[key] = std::move(value);
}

void set_text(Json& to, const char* key, const std::string& value) {
    if (value.empty()) to.erase(key);
    else to[key] = value;
}

Json names_as_keys(const std::vector<std::string>& names) {
    Json out = Json::object();
    for (const std::string& name : names) out[name] = Json::object();
    return out;
}

Json healthcheck_json(const image::Healthcheck& check) {
    Json out = Json::object();
    if (!check.test.empty()) out["Test"] = check.test;
    const auto duration = [&](const char* key, std::chrono::nanoseconds value) {
        if (value.count() != 0) out[key] = value.count();
    };
    duration("Interval", check.interval);
    duration("Timeout", check.timeout);
    duration("StartPeriod", check.start_period);
    duration("StartInterval", check.start_interval);
    if (check.retries != 0) out["Retries"] = check.retries;
    return out;
}

Json config_json(Json config, const image::Config& c) {
    set_text(config, "User", c.user);
    set(config, "ExposedPorts", names_as_keys(c.exposed_ports));
    set(config, "Env", c.env);
    set(config, "Entrypoint", c.entrypoint);
    set(config, "Cmd", c.cmd);
    set(config, "Volumes", names_as_keys(c.volumes));
    set_text(config, "WorkingDir", c.working_dir);
    set(config, "Labels", c.labels);
    set_text(config, "StopSignal", c.stop_signal);
    set(config, "Healthcheck", c.healthcheck ? healthcheck_json(*c.healthcheck) : Json::object());
    set(config, "Shell", c.shell);
    set(config, "OnBuild", c.onbuild);
    for (const char* of_a_container : {"Hostname", "Domainname", "AttachStdin", "AttachStdout", "AttachStderr", "Tty",
                                       "OpenStdin", "StdinOnce", "Image"})
        config.erase(of_a_container);
    return config;
}

Json history_json(const image::HistoryEntry& entry) {
    Json out = Json::object();
    set_text(out, "created", entry.created);
    set_text(out, "created_by", entry.created_by);
    set_text(out, "author", entry.author);
    set_text(out, "comment", entry.comment);
    if (entry.empty_layer) out["empty_layer"] = true;
    return out;
}

// BuildKit says of the arguments of each CMD that they need no more quotes; nothing acts on it, but inspect shows it.
bool sets_command(const std::vector<image::HistoryEntry>& history) {
    return std::any_of(history.begin(), history.end(), [](const image::HistoryEntry& entry) {
        return entry.comment == "buildkit.dockerfile.v0" && entry.created_by.starts_with("CMD ");
    });
}

} // namespace

std::string configuration_json(const ImageDescription& d, const std::string& base_json) {
    Json whole = base_json.empty() ? Json::object() : Json::parse(base_json, nullptr, false);
    if (!whole.is_object()) whole = Json::object();
    for (const char* of_the_base : {"container", "container_config", "id", "parent", "docker_version"})
        whole.erase(of_the_base);
    const Json base_config = whole.contains("config") && whole["config"].is_object() ? whole["config"] : Json::object();
    whole["architecture"] = d.platform.architecture;
    whole["os"] = d.platform.os;
    set_text(whole, "variant", d.platform.variant);
    set_text(whole, "created", d.created);
    set_text(whole, "author", d.author);
    whole["config"] = config_json(base_config, d.config);
    if (sets_command(d.history)) whole["config"]["ArgsEscaped"] = true;
    Json history = Json::array();
    for (const auto& entry : d.history) history.push_back(history_json(entry));
    whole["history"] = history;
    whole["rootfs"] = {{"type", "layers"}, {"diff_ids", d.diff_ids}};
    return whole.dump(-1, ' ', false, Json::error_handler_t::replace);
}

} // namespace davit::build
