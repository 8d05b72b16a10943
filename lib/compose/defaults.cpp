#include "compose/attributes/rule_table.hpp"
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

void fill_in(Default what, Tree& tree, Node& n) {
    switch (what) {
    case Default::none: return;
    case Default::build: return build(tree, n);
    case Default::secret_target: return secret_target(tree, n);
    case Default::port: return port(tree, n);
    case Default::device_request: return device_request(tree, n);
    case Default::bind: return bind(tree, n);
    }
}

void walk(Tree& tree, Node& n, RuleTable<Default>::Cursor at) {
    if (!at) return;
    if (at.rule()) fill_in(*at.rule(), tree, n);
    for (Entry& e : n.map()) walk(tree, *e.value, at.key(e.key));
    for (Node* item : n.list()) walk(tree, *item, at.item());
}

} // namespace

void set_defaults(Tree& tree, Node& document) { walk(tree, document, rule_table<&Rules::filled>().root()); }

} // namespace davit::compose
