// Names that Swarm's managers refuse: no client looks at them before, and half of the stack is made by then.
#include "export/swarm/stack_file.hpp"

#include <algorithm>
#include <cctype>
#include <fmt/format.h>

namespace davit::exports {

namespace {

constexpr std::size_t longest_name = 63, longest_file_name = 64; // of services and networks; of configs and secrets

bool is_alphanumeric(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0; }

bool has_form(const std::string& name, std::string_view inside) {
    return !name.empty() && is_alphanumeric(name.front()) && is_alphanumeric(name.back()) &&
           std::all_of(name.begin(), name.end(),
                       [&](char c) { return is_alphanumeric(c) || inside.find(c) != std::string_view::npos; });
}

void check_swarm_name(const StackFile& file, const std::string& path, const char* what, const std::string& name) {
    const std::string hint = fmt::format("another name for the {}", what);
    if (!has_form(name, "-_"))
        file.scope.report.needs(path,
                                fmt::format("Swarm refuses the name {}: letters, digits, '-' and '_', with a letter or "
                                            "a digit at both ends",
                                            name),
                                hint);
    else if (name.size() > longest_name)
        file.scope.report.needs(path,
                                fmt::format("Swarm refuses the name {}: {} characters, and {} are allowed", name,
                                            name.size(), longest_name),
                                hint + ", or a shorter one for the stack");
}

} // namespace

void note_swarm_names(const StackFile& file) {
    const Project& project = file.scope.project;
    for (const auto& [key, service] : project.services)
        check_swarm_name(file, "services." + key, "service", project.name + "_" + key);
    for (const auto& [key, network] : project.networks)
        if (!network.external) check_swarm_name(file, "networks." + key + ".name", "network", network.name);
}

std::string versioned(const StackFile& file, const std::string& path, const std::string& name,
                      const std::string& version) {
    std::string out = name + "-" + version;
    if (out.size() > longest_file_name) {
        const std::string end = "-" + short_hash(name) + "-" + version;
        out = name.substr(0, longest_file_name - end.size()) + end;
    }
    if (!has_form(out, "-_."))
        file.scope.report.needs(path,
                                fmt::format("Swarm refuses the name {}: letters, digits, '-', '_' and '.', with a "
                                            "letter or a digit at both ends",
                                            out),
                                "name:");
    return out;
}

} // namespace davit::exports
