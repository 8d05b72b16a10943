#include "compose/declared.hpp"

#include "compose/diagnostics.hpp"
#include "compose/sensitive.hpp"
#include "yaml/reader.hpp"

#include <algorithm>

namespace davit::compose {

namespace {

void add(std::vector<std::string>& list, std::string_view text) {
    if (std::find(list.begin(), list.end(), text) == list.end()) list.emplace_back(text);
}

void look_at(std::string_view key, std::string_view value, DeclaredEnvironment& out) {
    if (names_a_secret(key) && is_literal(value)) add(out.keys, key);
}

void env_files_of(const Node& service, DeclaredEnvironment& out) {
    const Node* files = service.find("env_file");
    if (!files || files->empty()) return;
    out.env_file = true;
    out.needs_env_file |= files->is_string();
    for (const Node* item : files->list()) {
        const Node* required = item->find("required");
        out.needs_env_file |= !required || !required->is_bool() || required->boolean;
    }
}

void environment_of(const Node& service, DeclaredEnvironment& out) {
    const Node* environment = service.find("environment");
    if (!environment) return;
    for (const Entry& entry : environment->map()) look_at(entry.key, yaml::to_text(*entry.value), out);
    for (const Node* item : environment->list()) {
        const std::string_view text = item->str();
        if (const auto equals = text.find('='); equals != std::string_view::npos)
            look_at(text.substr(0, equals), text.substr(equals + 1), out);
    }
}

bool has_literal_line(std::string_view text) {
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t end = std::min(text.find('\n', at), text.size());
        if (is_literal(text.substr(at, end - at))) return true;
        at = end + 1;
    }
    return false;
}

} // namespace

Declared declared_in(const std::string& text, const std::string& shown) {
    yaml::Tree tree;
    Diagnostics problems(tree);
    const auto documents = yaml::parse_yaml(tree, tree.add_file(shown, text), problems);
    problems.throw_if_errors();
    Declared out;
    for (const Node* document : documents) {
        const Node* services = document->find("services");
        for (const Entry& entry : services ? services->map() : std::span<Entry>()) {
            DeclaredEnvironment& found = out.services[std::string(entry.key)];
            env_files_of(*entry.value, found);
            environment_of(*entry.value, found);
        }
        const Node* configs = document->find("configs");
        for (const Entry& entry : configs ? configs->map() : std::span<Entry>())
            if (const Node* content = entry.value->find("content"); content && has_literal_line(content->str()))
                add(out.contents, entry.key);
    }
    std::erase_if(out.services, [](const auto& one) { return !one.second.env_file && one.second.keys.empty(); });
    return out;
}

} // namespace davit::compose
