#include "cli/cmd/inspected.hpp"

#include "base/error.hpp"
#include "base/text_code.hpp"
#include "cli/app.hpp"
#include "cli/docker_errors.hpp"
#include "cli/format/json_text.hpp"
#include "cli/format/template.hpp"
#include "cli/format/template_escapes.hpp"

#include <cstdio>
#include <nlohmann/json.hpp>
#include <optional>
#include <sys/utsname.h>

namespace davit::cli {

using Json = nlohmann::ordered_json;

namespace {

constexpr int bad_template = 64; // docker's exit code for one that cannot be parsed

// The fields of `zeros` that the template names and the document leaves out.
void add_zeros(Json& document, const Json& zeros, const std::string& text) {
    for (const auto& [key, value] : zeros.items()) {
        const auto found = document.find(key);
        if (found == document.end()) {
            if (text.find("." + key) != std::string::npos) document[key] = value;
        } else if (found->is_object() && value.is_object()) {
            add_zeros(*found, value, text);
        }
    }
}

// What Go keeps as bytes: texts for printf, base64 for json.
void restore_bytes(Json& document) {
    const auto spec = document.find("Spec");
    if (spec == document.end() || !spec->is_object() || !spec->contains("Data")) return;
    Json& data = (*spec)["Data"];
    if (!data.is_string()) return;
    const auto bytes = base64_decode(data.get<std::string>());
    if (bytes) data = Json::binary(std::vector<std::uint8_t>(bytes->begin(), bytes->end()));
}

std::string by_template(const std::string& format, const std::vector<Json>& documents, const char* zeros,
                        ErrorList& errors) {
    const Template shape(format);
    std::string out;
    for (const Json& plain : documents)
        errors.run([&] {
            Json document = plain;
            add_zeros(document, Json::parse(zeros), format);
            restore_bytes(document);
            out += shape.execute_inspected(document, plain) + "\n";
        });
    return out.empty() ? "\n" : out;
}

} // namespace

int inspect_each(const std::vector<std::string>& names, const std::string& format,
                 const std::function<std::string(const std::string&)>& document, const char* zeros, bool escapes) {
    const bool by_shape = !format.empty() && format != "json";
    try {
        if (by_shape) Template{format};
    } catch (const Error&) {
        report_exception();
        return bad_template;
    }
    std::vector<Json> found;
    ErrorList errors;
    for (const std::string& name : names) errors.run([&] { found.push_back(Json::parse(document(name))); });
    std::string out =
        by_shape ? by_template(format, found, zeros, errors) : json_text(Json(found), format.empty() ? 4 : -1) + "\n";
    if (escapes && !by_shape) out = html_safe(out);
    std::fputs(out.c_str(), stdout);
    throw_each(errors);
    return 0;
}

void print_document(const Json& document, const std::string& format, const char* zeros, const char* type) {
    if (format == "json") {
        std::fputs((json_text(document) + "\n").c_str(), stdout);
        return;
    }
    std::optional<Template> shape;
    try {
        shape.emplace(format);
    } catch (Error& e) {
        throw e.with_exit_code(bad_template);
    }
    Json whole = document;
    add_zeros(whole, Json::parse(zeros), format);
    try {
        std::fputs((shape->execute(whole, "\n\t") + "\n").c_str(), stdout);
    } catch (const Error& e) {
        std::fputs("\n", stdout);
        constexpr std::string_view known = "template parsing error: ";
        std::string text = e.what();
        if (!*type || text.find("can't evaluate field ") == std::string::npos) throw;
        if (text.find(" in type ") != std::string::npos) throw;
        if (text.starts_with(known)) text.erase(0, known.size());
        throw error(Errc::usage, "{} in type {}", text, type);
    }
}

const char* const image_zeros =
    R"({"Comment":"","Author":"","Variant":"","OsVersion":"","RepoTags":null,"RepoDigests":null,"Config":{"User":"",)"
    R"("Env":null,"Cmd":null,"Entrypoint":null,"WorkingDir":"","Labels":null,"OnBuild":null,"Volumes":null,)"
    R"("ExposedPorts":null,"StopSignal":"","Shell":null,"Healthcheck":null,"ArgsEscaped":false}})";

const char* const any_zeros =
    R"({"Comment":"","Author":"","Variant":"","OsVersion":"","SizeRw":null,"SizeRootFs":null,"State":{"Health":null},)"
    R"("HostConfig":{"Init":null,)"
    R"("Tmpfs":null,"Mounts":null,"Sysctls":null,"StorageOpt":null,"Annotations":null},"Config":{"User":"","Env":null,)"
    R"("Cmd":null,"Entrypoint":null,"WorkingDir":"","Labels":null,"OnBuild":null,"Volumes":null,"ExposedPorts":null,)"
    R"("StopSignal":"","StopTimeout":null,"Shell":null,"Healthcheck":null,"ArgsEscaped":false}})";

std::string go_architecture(const std::string& machine) {
    if (machine == "x86_64") return "amd64";
    if (machine == "aarch64") return "arm64";
    return machine.starts_with("armv") ? "arm" : machine;
}

std::string own_platform() {
    utsname kernel{};
    ::uname(&kernel);
    return "linux/" + go_architecture(kernel.machine);
}

} // namespace davit::cli
