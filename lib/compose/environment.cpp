#include "compose/environment.hpp"

#include "compose/env_files.hpp"

namespace davit::compose {

void resolve_environment(Tree& tree, Node& document, const Environment& environment) {
    if (Node* services = document.find("services"))
        for (Entry& service : services->map()) {
            Node* list = service.value->find("environment");
            if (!list) continue;
            for (Node*& item : list->list()) {
                if (!item->is_string() || item->str().find('=') != std::string_view::npos) continue;
                auto value = environment.find(item->str());
                if (value != environment.end())
                    item = tree.string(fmt::format("{}={}", item->str(), value->second), item->pos);
            }
        }
    for (std::string_view section : {"configs", "secrets"}) {
        Node* resources = document.find(section);
        if (!resources) continue;
        for (Entry& e : resources->map()) {
            const Node* name = e.value->find("environment");
            if (!name || !name->is_string()) continue;
            auto value = environment.find(name->str());
            if (value == environment.end()) continue;
            tree.set(*e.value, section == "configs" ? "content" : "x-#value", tree.string(value->second, name->pos),
                     name->pos);
        }
    }
}

namespace {

void missing(Diagnostics& diag, const Service& s, std::string_view attribute, std::size_t index,
             const std::string& path) {
    diag.error({}, fmt::format("services.{}.{}[{}]", s.name, attribute, index),
               fmt::format("{} file {} not found: no such file", attribute == "env_file" ? "env" : "label", path),
               attribute == "env_file" ? "create it, or write  {path: …, required: false}" : "create it");
}

void read_env_files(Tree& tree, Service& s, const Environment& environment, Diagnostics& diag) {
    for (auto& [key, value] : s.environment)
        if (!value)
            if (auto it = environment.find(key); it != environment.end()) value = it->second;
    Lookup outside = [&](std::string_view name) -> const std::string* {
        if (auto it = environment.find(name); it != environment.end()) return &it->second;
        auto it = s.environment.find(std::string(name));
        return it == s.environment.end() || !it->second ? nullptr : &*it->second;
    };
    std::map<std::string, std::optional<std::string>> from_files;
    Lookup earlier = [&](std::string_view name) -> const std::string* {
        auto it = from_files.find(std::string(name));
        return it == from_files.end() || !it->second ? nullptr : &*it->second;
    };
    for (std::size_t i = 0; i < s.env_file.size(); ++i) {
        const EnvFile& file = s.env_file[i];
        if (!file.format.empty() && file.format != "raw") {
            diag.error({}, fmt::format("services.{}.env_file[{}]", s.name, i),
                       fmt::format("'{}' is no format of an env_file", file.format), "the only one is raw");
            continue;
        }
        auto values = read_env_file(tree, file.path, file.format == "raw", outside, earlier, diag);
        if (!values && file.required) missing(diag, s, "env_file", i, file.path);
        if (!values) continue;
        for (auto& [key, value] : *values) from_files[key] = std::move(value);
    }
    s.environment.merge(from_files); // the service's own values win
    s.env_file.clear();
}

// A label's variables are those of the label files alone, as Docker Compose has it.
void read_label_files(Tree& tree, Service& s, Diagnostics& diag) {
    const Lookup outside = [](std::string_view) -> const std::string* { return nullptr; };
    std::map<std::string, std::string> from_files;
    Lookup earlier = [&](std::string_view name) -> const std::string* {
        auto it = from_files.find(std::string(name));
        return it == from_files.end() ? nullptr : &it->second;
    };
    for (std::size_t i = 0; i < s.label_file.size(); ++i) {
        const std::string& path = s.label_file[i];
        auto values = read_env_file(tree, path, false, outside, earlier, diag);
        if (!values) missing(diag, s, "label_file", i, path);
        if (!values) continue;
        for (auto& [key, value] : *values) from_files[key] = std::move(value);
    }
    s.labels.merge(from_files);
}

} // namespace

void read_service_files(Tree& tree, Project& project, const std::set<std::string>& needed, const LoadOptions& o,
                        const Environment& environment, Diagnostics& diag) {
    Diagnostics unsaid(tree);
    for (auto& [name, service] : project.services) {
        Diagnostics& to = needed.empty() || needed.count(name) ? diag : unsaid;
        if (o.resolve_environment) read_env_files(tree, service, environment, to);
        if (o.resolve_labels) read_label_files(tree, service, to);
    }
}

} // namespace davit::compose
