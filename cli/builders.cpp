#include "cli/builders.hpp"

#include "base/error.hpp"
#include "base/file.hpp"
#include "cli/endpoint.hpp"
#include "cli/format/json_text.hpp"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>

namespace davit::cli {

namespace {

using Instance = nlohmann::ordered_json;

std::string buildx_directory() {
    if (const char* own = std::getenv("BUILDX_CONFIG"); own && *own) return own;
    const std::string directory = docker_config_directory();
    return directory.empty() ? "" : directory + "/buildx";
}

std::string instances_directory() { return buildx_directory() + "/instances"; }

bool is_builder_name(const std::string& name) {
    const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
    return !name.empty() && letter(name[0]) && std::all_of(name.begin(), name.end(), [&](char c) {
        return letter(c) || (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_';
    });
}

// Of whatever stands in a file: others write there too.
std::string text_in(const Instance& json, const char* key, const std::string& otherwise) {
    const auto it = json.is_object() ? json.find(key) : json.end();
    return it != json.end() && it->is_string() ? it->get<std::string>() : otherwise;
}

BuilderName from_file(const std::string& name) {
    const Instance document =
        Instance::parse(read_file_if_exists(instances_directory() + "/" + name).value_or(""), nullptr, false);
    BuilderName out{name, "docker-container", name + "0", "unix:///var/run/docker.sock"};
    if (!document.is_object()) return out;
    out.driver = text_in(document, "Driver", out.driver);
    if (const auto nodes = document.find("Nodes"); nodes != document.end() && nodes->is_array() && !nodes->empty()) {
        out.node = text_in(nodes->front(), "Name", out.node);
        out.endpoint = text_in(nodes->front(), "Endpoint", out.endpoint);
    }
    return out;
}

} // namespace

std::vector<BuilderName> builder_names() {
    std::vector<BuilderName> out{{"default", "docker", "default", "default"}};
    std::error_code none;
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(instances_directory(), none))
        if (const std::string name = entry.path().filename().string(); is_builder_name(name)) names.push_back(name);
    std::sort(names.begin(), names.end());
    for (const std::string& name : names) out.push_back(from_file(name));
    return out;
}

BuilderName builder_named(const std::string& wanted) {
    const std::string name = wanted.empty() ? chosen_builder() : wanted;
    for (BuilderName& one : builder_names())
        if (one.name == name) return std::move(one);
    throw error(Errc::not_found, "no builder \"{}\" found", name).with_hint("'docker buildx ls' lists them");
}

void check_builder(const std::string& name) { builder_named(name); }

std::string chosen_builder() {
    if (const char* name = std::getenv("BUILDX_BUILDER"); name && *name) return name;
    const Instance current =
        Instance::parse(read_file_if_exists(buildx_directory() + "/current").value_or(""), nullptr, false);
    const std::string name = text_in(current, "Name", "");
    return name.empty() || (name != "default" && !exists(instances_directory() + "/" + name)) ? "default" : name;
}

void choose_builder(const std::string& name) {
    const BuilderName found = builder_named(name);
    const Instance current = {
        {"Key", "unix:///var/run/docker.sock"}, {"Name", found.name == "default" ? "" : found.name}, {"Global", false}};
    write_file_making(buildx_directory() + "/current", json_text(current));
}

void keep_builder(const BuilderName& builder) {
    if (!is_builder_name(builder.name))
        throw error(Errc::usage,
                    "invalid instance name {}, name needs to start with a letter and may not contain symbols, except "
                    "._-",
                    builder.name);
    if (builder.name == "default")
        throw error(Errc::usage, "default is a reserved name and cannot be used to identify builder instance");
    if (buildx_directory().empty())
        throw error(Errc::usage, "neither DOCKER_CONFIG nor HOME is set: there is no place for names of builders");
    const Instance node = {{"Name", builder.node}, {"Endpoint", builder.endpoint}, {"Platforms", nullptr},
                           {"Flags", nullptr},     {"DriverOpts", nullptr},        {"Files", nullptr}};
    const Instance document = {
        {"Name", builder.name}, {"Driver", builder.driver}, {"Nodes", Instance::array({node})}, {"Dynamic", false}};
    write_file_making(instances_directory() + "/" + builder.name, json_text(document));
}

void forget_builder(const std::string& name) {
    const BuilderName found = builder_named(name);
    if (found.name == "default")
        throw error(Errc::usage, "context builder cannot be removed, run `docker context rm` "
                                 "to remove docker context")
            .with_hint("it is the builder of this machine");
    const bool chosen = chosen_builder() == found.name;
    std::filesystem::remove(instances_directory() + "/" + found.name);
    if (chosen && !std::getenv("BUILDX_BUILDER")) choose_builder("default");
}

} // namespace davit::cli
