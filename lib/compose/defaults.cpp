#include "compose/path_table.hpp"
#include "compose/transform.hpp"

namespace davit::compose {

namespace {

void fill(Tree& tree, Node& map, std::string_view key, Node* value) {
    if (map.is_map() && !map.has(key)) tree.add(map, key, value, value->pos);
}

void build(Tree& tree, Node& n) { fill(tree, n, "context", tree.string(".", n.pos)); }

void secret_target(Tree& tree, Node& n) {
    const Node* source = n.find("source");
    if (source) fill(tree, n, "target", tree.string(fmt::format("/run/secrets/{}", to_text(*source)), n.pos));
}

void port(Tree& tree, Node& n) {
    fill(tree, n, "protocol", tree.string("tcp", n.pos));
    fill(tree, n, "mode", tree.string("ingress", n.pos));
}

void device_request(Tree& tree, Node& n) {
    if (!n.has("device_ids")) fill(tree, n, "count", tree.string("all", n.pos));
}

void bind(Tree& tree, Node& n) { fill(tree, n, "create_host_path", tree.boolean(true, n.pos)); }

struct Default {
    void (*apply)(Tree&, Node&);
};

const PathTable<Default>& default_rules() {
    static const PathTable<Default> table{
        {"services.*.build", {build}},
        {"services.*.secrets.[]", {secret_target}},
        {"services.*.ports.[]", {port}},
        {"services.*.deploy.resources.reservations.devices.[]", {device_request}},
        {"services.*.gpus.[]", {device_request}},
        {"services.*.volumes.[].bind", {bind}},
    };
    return table;
}

void walk(Tree& tree, Node& n, PathTable<Default>::Cursor at) {
    if (!at) return;
    if (at.rule()) at.rule()->apply(tree, n);
    for (Entry& e : n.map()) walk(tree, *e.value, at.key(e.key));
    for (Node* item : n.list()) walk(tree, *item, at.item());
}

} // namespace

void set_defaults(Tree& tree, Node& document) { walk(tree, document, default_rules().root()); }

} // namespace davit::compose
