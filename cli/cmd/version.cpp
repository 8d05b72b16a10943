// `version`: docker compose's at davit's own top, docker's among docker's words.
#include "cli/cmd/inspected.hpp"
#include "cli/cmd/verbs.hpp"
#include "cli/docker_version.hpp"
#include "cli/endpoint.hpp"
#include "cli/endpoint_client.hpp"
#include "cli/options.hpp"

#include "base/error.hpp"
#include "davit/version.hpp"

#include <cstdio>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <sys/utsname.h>

namespace davit::cli {

namespace {

using VersionJson = nlohmann::ordered_json;

// There is no second program: both sides are this one.
VersionJson docker_versions() {
    utsname kernel{};
    ::uname(&kernel);
    const std::string arch = go_architecture(kernel.machine);
    const VersionJson client = {{"Version", docker_version},
                                {"ApiVersion", client_api_version()},
                                {"DefaultAPIVersion", docker_api_version},
                                {"GitCommit", ""},
                                {"GoVersion", ""},
                                {"Os", "linux"},
                                {"Arch", arch},
                                {"BuildTime", ""},
                                {"Context", current_context()}};
    const VersionJson engine = {{"Name", "Engine"},
                                {"Version", docker_version},
                                {"Details",
                                 {{"ApiVersion", docker_api_version},
                                  {"Arch", arch},
                                  {"KernelVersion", kernel.release},
                                  {"MinAPIVersion", docker_api_oldest},
                                  {"Os", "linux"}}}};
    const VersionJson own = {{"Name", "davit"}, {"Version", DAVIT_VERSION}, {"Details", {{"GitCommit", ""}}}};
    const VersionJson server = {{"Platform", {{"Name", "davit"}}},
                                {"Version", docker_version},
                                {"ApiVersion", docker_api_version},
                                {"MinAPIVersion", docker_api_oldest},
                                {"Os", "linux"},
                                {"Arch", arch},
                                {"Components", VersionJson::array({engine, own})},
                                {"GitCommit", ""},
                                {"GoVersion", ""},
                                {"KernelVersion", kernel.release},
                                {"BuildTime", ""}};
    return {{"Client", client}, {"Server", server}};
}

std::string for_people(const VersionJson& v) {
    const auto text = [](const VersionJson& of, const char* key) { return of.at(key).get<std::string>(); };
    const VersionJson &client = v.at("Client"), &server = v.at("Server");
    const auto line = [](const char* title, const std::string& value, int indent) {
        return fmt::format("{:{}}{:<{}}{}\n", "", indent, title, 20 - indent, value);
    };
    const std::string platform = text(client, "Os") + "/" + text(client, "Arch");
    std::string out = "Client: davit\n";
    const std::string api = text(client, "ApiVersion"), own_api = text(client, "DefaultAPIVersion");
    out += line("Version:", text(client, "Version"), 1);
    out += line("API version:", api == own_api ? api : fmt::format("{} (downgraded from {})", api, own_api), 1);
    out += line("OS/Arch:", platform, 1) + line("Context:", text(client, "Context"), 1);
    out += "\nServer: davit, in the same program\n Engine:\n";
    out += line("Version:", text(server, "Version"), 2);
    out += line("API version:", text(server, "ApiVersion") + " (minimum version " + text(server, "MinAPIVersion") + ")",
                2);
    out += line("OS/Arch:", platform, 2) + line("Kernel Version:", text(server, "KernelVersion"), 2);
    return out + " davit:\n" + line("Version:", DAVIT_VERSION, 2);
}

// docker gives this template a name, which its errors have.
void print_versions(const VersionJson& versions, const std::string& format) {
    try {
        print_document(versions, format, R"({"Client":{"Platform":{"Name":"davit"}}})", "system.versionInfo");
    } catch (const Error& e) {
        std::string text = e.what();
        const auto replace = [&](std::string_view from, std::string_view to) {
            if (const std::size_t at = text.find(from); at != std::string::npos) text.replace(at, from.size(), to);
        };
        replace("template: :", "template: version:");
        replace("executing \"\"", "executing \"version\"");
        const bool of_client = text.find("at <.Client.") != std::string::npos;
        if (of_client) replace("system.versionInfo", "system.clientVersion");
        throw Error(e.kind(), text).with_exit_code(e.exit_code());
    }
}

int run_docker_version(Globals& globals, const Args& args) {
    std::string format;
    Options options(globals, "version [OPTIONS]", "Show the version information");
    options.value("f,format", format, "Format output using a custom template: 'json' or a Go template");
    if (!options.parse(args)) return 0;
    require_here();
    const VersionJson versions = docker_versions();
    if (format.empty()) std::fputs(for_people(versions).c_str(), stdout);
    else print_versions(versions, format);
    return 0;
}

} // namespace

int run_version(Globals& globals, const Args& args) {
    if (globals.docker_words) return run_docker_version(globals, args);
    std::string format;
    bool short_form = false;
    Options options(globals, "version [OPTIONS]", "Show the version of davit");
    options.value("f,format", format, "Format the output. Values: [pretty | json]. (Default: pretty)")
        .flag("short", short_form, "Shows only the version number");
    if (!options.parse(args)) return 0;
    // By docker's names the version of Docker Compose whose words these are: scripts ask for a least one.
    const bool own = globals.program == "davit";
    const std::string version = own ? DAVIT_VERSION : compose_version;
    if (short_form) std::puts(version.c_str());
    else if (format == "json") std::printf("{\"version\":\"%s%s\"}\n", own ? "" : "v", version.c_str());
    else std::printf("%s version %s%s\n", own ? "davit" : "Docker Compose", own ? "" : "v", version.c_str());
    return 0;
}

} // namespace davit::cli
