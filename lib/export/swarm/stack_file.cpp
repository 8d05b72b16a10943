#include "export/swarm/stack_file.hpp"

#include "compose/attributes/shapes.hpp"
#include "compose/codec.hpp"
#include "yaml/print.hpp"

#include <fmt/format.h>

namespace davit::exports {

namespace {

using compose::Shape;
using yaml::Node;

bool is_gone(const Rule& rule) { return rule.kind == Kind::dropped || rule.to == left_out || rule.why == settled; }

// Takes away what the table drops, and extensions, which version 3 has not everywhere.
void prune(Node& node, const Shape& shape, const std::string& schema) {
    for (std::size_t i = node.map().size(); i-- > 0;) {
        yaml::Entry& e = node.map()[i];
        const compose::Attribute* row = shape.fields.find(e.key);
        const bool extension = shape.fields.begin() != shape.fields.end() && e.key.starts_with("x-");
        const std::string path = (schema.empty() ? "" : schema + ".") + (row ? std::string(e.key) : "*");
        const Rule* rule = row ? swarm_rules().find(path) : nullptr;
        if (extension || (rule && is_gone(*rule))) node.erase(e.key);
        else if (row) prune(*e.value, *row->shape, path);
        else if (shape.values) prune(*e.value, *shape.values, path);
    }
    for (Node* item : node.list())
        if (shape.items) prune(*item, *shape.items, schema + ".[]");
}

// Swarm puts the stack's name before it, as compose does the project's.
void own_names(StackFile& file, Node* section) {
    for (yaml::Entry& e : section ? section->map() : std::span<yaml::Entry>()) {
        const Node* name = e.value->find("name");
        if (name && name->str() == file.scope.project.name + "_" + std::string(e.key)) e.value->erase("name");
    }
}

void rewrite_networks(StackFile& file) {
    Node* section = file.root->find("networks");
    if (file.host_network || file.none_network) section = &file.map_in(*file.root, "networks");
    for (const auto& [key, network] : file.scope.project.networks) {
        Node* node = section->find(key);
        if (!node || network.driver != "bridge") continue;
        node->erase("driver");
        node->erase("driver_opts");
        file.scope.report.adjusted("networks." + key + ".driver", "overlay",
                                   "tasks of a network stand on several nodes");
        if (!network.driver_opts.empty())
            file.scope.report.dropped("networks." + key + ".driver_opts", "they are those of a bridge");
    }
    own_names(file, section);
    for (const auto& [name, used] : {std::pair{"host", file.host_network}, {"none", file.none_network}}) {
        if (!used) continue;
        Node* node = file.tree.map();
        file.tree.add(*node, "external", file.tree.boolean(true));
        file.tree.add(*node, "name", file.text(name));
        file.tree.set(*section, name, node);
    }
}

void rewrite_volumes(StackFile& file) {
    own_names(file, file.root->find("volumes"));
    for (const auto& [key, volume] : file.scope.project.volumes)
        if (!volume.external && (volume.driver.empty() || volume.driver == "local") && volume.driver_opts.empty())
            file.scope.report.adjusted(
                "volumes." + key, "a volume of each node", "a task that moves to another node finds an empty one",
                "pin the service by a placement constraint, or use a driver that all nodes reach");
}

constexpr const char* theirs = "it is in the swarm already, by that name";

void rewrite_configs(StackFile& file, std::vector<ExportedFile>& files) {
    Node* section = file.root->find("configs");
    for (const auto& [key, config] : file.scope.project.configs) {
        Node* node = section ? section->find(key) : nullptr;
        if (config.external) file.scope.report.exact("configs." + key + ".name", theirs);
        if (!node || config.external) continue;
        const auto content = config_content(file.scope, config);
        if (!config.file.empty()) {
            file.tree.set(*node, "file", file.text(config.file));
        } else {
            const std::string path = "configs/" + key;
            node->erase("content");
            node->erase("environment");
            file.tree.set(*node, "file", file.text("./" + path));
            files.push_back({path, content.value_or(""), false});
        }
        file.tree.set(
            *node, "name",
            file.text(versioned(file, "configs." + key + ".name", config.name, short_hash(content.value_or("")))));
    }
}

constexpr std::string_view script_head =
    "#!/bin/sh\n"
    "# Makes the secrets whose values stand in variables, on a manager of the swarm. "
    "One that is there is left as it is.\n"
    "set -eu\n\n"
    "make_secret() {\n"
    "    docker secret inspect \"$1\" >/dev/null 2>&1 && return\n"
    "    docker secret create \"$1\" -\n"
    "}\n\n";

// The name is for all to see: by a hash without a key whoever has the file could try what the value is.
std::string version_of(const StackFile& file, const FileObject& secret) {
    const ExportOptions& options = file.scope.options;
    const std::string path = "secrets." + secret.key;
    std::optional<std::string> value = secret.content;
    if (!secret.file.empty() && options.read_file) value = options.read_file(secret.file);
    const std::string key = value && options.version_key ? options.version_key() : "";
    if (!value)
        file.scope.report.needs(path, "its value is not known here, so its name has no version",
                                secret.file.empty() ? "the variable " + secret.environment : secret.file);
    else if (key.empty())
        file.scope.report.needs(path, "there is no key to hash its value with, so its name has no version",
                                "the variable DAVIT_EXPORT_KEY, or a state directory that can be written");
    return key.empty() ? "1" : secret_version(key, secret.name, *value);
}

void rewrite_secrets(StackFile& file, std::vector<ExportedFile>& files) {
    Node* section = file.root->find("secrets");
    std::string script;
    for (const auto& [key, secret] : file.scope.project.secrets) {
        Node* node = section ? section->find(key) : nullptr;
        if (secret.external) file.scope.report.exact("secrets." + key + ".name", theirs);
        if (!node || secret.external) continue;
        if (!secret.driver.empty()) {
            node->erase("environment");
            if (node->erase("file") || !secret.environment.empty())
                file.scope.report.adjusted("secrets." + key, std::string(left_out) + ": its source",
                                           "its driver gives the value");
            continue;
        }
        const std::string name = versioned(file, "secrets." + key + ".name", secret.name, version_of(file, secret));
        file.tree.set(*node, "name", file.text(name));
        if (secret.environment.empty()) continue;
        node->erase("environment");
        file.tree.set(*node, "external", file.tree.boolean(true));
        script += fmt::format("printf %s \"${{{0}?the secret {1} is the value of this variable}}\" | make_secret {2}\n",
                              secret.environment, key, shell_quoted(name));
    }
    if (!script.empty()) files.push_back({"secrets.sh", std::string(script_head) + script, true});
}

void require_images(const StackFile& file) {
    for (const auto& [name, service] : file.scope.project.services)
        if (service.image.empty() && !service.build)
            file.scope.report.needs("services." + name, "it has no image, and `stack deploy` refuses it", "image:");
}

} // namespace

Node& StackFile::map_in(Node& parent, std::string_view key) {
    if (Node* there = parent.find(key); there && there->is_map()) return *there;
    return *tree.set(parent, key, tree.map()).value;
}

std::vector<ExportedFile> to_swarm(const Scope& scope) {
    yaml::Tree tree;
    StackFile file{scope, tree, compose::encode_project(tree, scope.project, false)};
    std::vector<ExportedFile> out(1);
    require_images(file);
    note_swarm_names(file);
    note_ports_of_others(file);
    for (const auto& [name, service] : scope.project.services)
        rewrite_service(file, service, *file.root->find("services")->find(name));
    rewrite_networks(file);
    rewrite_volumes(file);
    rewrite_configs(file, out);
    rewrite_secrets(file, out);
    file.root->erase("name");
    prune(*file.root, compose::shapes::project, "");
    for (yaml::Entry& e : file.root->find("services")->map()) {
        Node* networks = e.value->find("networks");
        for (yaml::Entry& n : networks ? networks->map() : std::span<yaml::Entry>())
            if (n.value->is_map() && n.value->empty()) n.value = tree.null();
    }
    Node* whole = tree.map();
    tree.add(*whole, "version", tree.string(fmt::format("3.{}", file.version)));
    for (yaml::Entry& e : file.root->map()) tree.add(*whole, e.key, e.value);
    out.front() = {"stack.yaml", yaml::print_yaml(*whole, true), false};
    return out;
}

} // namespace davit::exports
