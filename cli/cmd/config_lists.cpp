#include "cli/cmd/config_lists.hpp"

#include "base/error.hpp"
#include "davit/merged.hpp"

#include <algorithm>
#include <array>
#include <set>
#include <vector>

namespace davit::cli {

namespace {

template <typename Names>
std::string lines(const Names& names) {
    std::string out;
    for (const auto& name : names) out += fmt::format("{}\n", name);
    return out;
}

template <typename Map>
std::string keys(const Map& map) {
    std::set<std::string> names;
    for (const auto& [key, unused] : map) names.insert(key);
    return lines(names);
}

std::vector<std::string_view> split(std::string_view text, char separator) {
    std::vector<std::string_view> out;
    for (std::size_t at = 0; at <= text.size();) {
        const std::size_t end = std::min(text.find(separator, at), text.size());
        out.push_back(text.substr(at, end - at));
        at = end + 1;
    }
    return out;
}

// Docker Compose indents this list by four and ends it with an empty line.
std::string four_spaces(std::string_view json) {
    std::string out;
    for (std::string_view line : split(json, '\n')) {
        out.append(std::min(line.size(), line.find_first_not_of(' ')), ' ').append(line);
        out += '\n';
    }
    return out;
}

// Columns of at least 20 characters, three of them blank.
std::string table(const std::vector<std::array<std::string, 4>>& rows) {
    std::array<std::size_t, 3> widths{20, 20, 20};
    for (const auto& row : rows)
        for (std::size_t i = 0; i < widths.size(); ++i) widths[i] = std::max(widths[i], row[i].size() + 3);
    std::string out;
    for (const auto& row : rows) {
        for (std::size_t i = 0; i < widths.size(); ++i) out += fmt::format("{:<{}}", row[i], widths[i]);
        out += row.back() + "\n";
    }
    return out;
}

} // namespace

std::string list_services(const Project& p) {
    std::string out;
    std::set<std::string> seen;
    // What others wait for comes before them, as Docker Compose has it.
    auto visit = [&](auto& self, const std::string& name) -> void {
        auto service = p.services.find(name);
        if (service == p.services.end() || !seen.insert(name).second) return;
        for (const auto& [other, unused] : service->second.depends_on) self(self, other);
        out += name + "\n";
    };
    for (const auto& [name, unused] : p.services) visit(visit, name);
    return out;
}
std::string list_volumes(const Project& p) { return keys(p.volumes); }
std::string list_networks(const Project& p) { return keys(p.networks); }

std::string list_models(const Project& p) {
    std::set<std::string> models;
    for (const auto& [key, model] : p.models)
        if (!model.model.empty()) models.insert(model.model);
    return lines(models);
}

std::string list_profiles(const Project& p) {
    std::set<std::string> profiles;
    for (const auto* services : {&p.services, &p.disabled_services})
        for (const auto& [name, service] : *services) profiles.insert(service.profiles.begin(), service.profiles.end());
    return lines(profiles);
}

std::string image_of(const Project& p, const Service& service) {
    if (!service.image.empty()) return service.image;
    const auto compatible = p.environment.find("COMPOSE_COMPATIBILITY"); // what --compatibility is to a project
    return p.name + (compatible != p.environment.end() && compatible->second == "true" ? "_" : "-") + service.name;
}

std::string list_images(const Project& p) {
    std::vector<std::string> images;
    for (const auto& [name, service] : p.services) {
        if (!service.image.empty()) images.push_back(service.image);
        else if (!service.provider) images.push_back(image_of(p, service));
        for (const ServiceHook& hook : service.pre_start)
            if (!hook.image.empty() && hook.image != service.image) images.push_back(hook.image);
    }
    return lines(images);
}

std::string list_hashes(const Project& p, std::string_view which) {
    std::string out;
    if (which == "*") {
        for (const auto& [name, service] : p.services) out += fmt::format("{} {}\n", name, config_hash(service));
        return out;
    }
    const auto given = split(which, ',');
    for (std::string_view name : std::set<std::string_view>(given.begin(), given.end())) {
        auto service = p.services.find(std::string(name));
        if (service == p.services.end()) throw error(Errc::not_found, "no such service: {}", name);
        out += fmt::format("{} {}\n", name, config_hash(service->second));
    }
    return out;
}

std::string list_environment(const Project& p) {
    std::string out;
    for (const auto& [key, value] : p.environment) out += fmt::format("{}={}\n", key, value);
    return out;
}

std::string list_variables(LoadOptions options, std::optional<RenderFormat> format) {
    options.interpolate = false;
    options.validate = false;
    options.normalize = false;
    options.resolve_paths = false;
    MergedFiles files(options);
    files.check();
    const auto variables = files.variables();
    if (format == RenderFormat::json) return four_spaces(render_variables(variables, *format));
    if (format) return render_variables(variables, *format);
    std::vector<std::array<std::string, 4>> rows{{"NAME", "REQUIRED", "DEFAULT VALUE", "ALTERNATE VALUE"}};
    for (const auto& [name, v] : variables)
        rows.push_back({name, v.required ? "true" : "false", v.default_value, v.alternate_value});
    return table(rows);
}

} // namespace davit::cli
