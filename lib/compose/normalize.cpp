#include "compose/normalize.hpp"

#include "base/shared_with.hpp"
#include "compose/paths.hpp"
#include "compose/short_forms.hpp"

#include <fmt/format.h>

namespace davit::compose {

namespace {

class Normalizer {
public:
    Normalizer(Tree& tree, Node& document, const std::string& project, const Environment* environment)
        : tree_(tree), document_(document), project_(project), environment_(environment) {}

    void run() {
        default_network();
        if (Node* services = document_.find("services"))
            for (Entry& e : services->map())
                if (e.value->is_map()) service(*e.value);
        for (std::string_view section : {"networks", "volumes", "configs", "secrets"}) names(section);
    }

private:
    void put(Node& map, std::string_view key, Node* value) { tree_.set(map, key, value); }

    // It exists only if some service uses it.
    void default_network() {
        Node* services = document_.find("services");
        if (!services) return;
        bool used = false;
        for (Entry& e : services->map()) {
            Node& s = *e.value;
            if (!s.is_map() || s.has("provider") || s.has("network_mode")) continue;
            const Node* networks = s.find("networks");
            if (!networks || networks->empty()) {
                Node* map = tree_.map(s.pos);
                tree_.add(*map, "default", tree_.null(s.pos), s.pos);
                tree_.set(s, "networks", map);
                used = true;
            } else if (networks->has("default")) {
                used = true;
            }
        }
        if (!used) return;
        Node* networks = document_.find("networks");
        if (!networks || !networks->is_map()) {
            networks = tree_.map();
            put(document_, "networks", networks);
        }
        if (!networks->has("default")) tree_.add(*networks, "default", tree_.null());
    }

    void service(Node& s) {
        if (Node* policy = s.find("pull_policy"); policy && policy->str() == "if_not_present")
            put(s, "pull_policy", tree_.string("missing", policy->pos));
        if (Node* build = s.find("build"); build && build->is_map()) normalize_build(*build);
        if (Node* variables = s.find("environment")) resolve(*variables, true);
        dependencies(s);
        if (Node* volumes = s.find("volumes"))
            for (Node* v : volumes->list())
                if (Node* target = v->find("target"); target && target->is_string())
                    put(*v, "target", tree_.string(clean_path(target->str()), target->pos));
        pre_start(s);
    }

    void normalize_build(Node& build) {
        if (!build.has("context")) put(build, "context", tree_.string(".", build.pos));
        if (!build.has("dockerfile") && !build.has("dockerfile_inline"))
            put(build, "dockerfile", tree_.string("Dockerfile", build.pos));
        if (Node* args = build.find("args")) resolve(*args, false);
    }

    const std::string* variable(std::string_view name) const {
        auto it = environment_->find(name);
        return it == environment_->end() ? nullptr : &it->second;
    }

    // KEY without value takes it from the environment; without one there it is kept or dropped.
    void resolve(Node& n, bool keep) {
        if (!environment_) return;
        if (n.is_map()) {
            for (std::size_t i = n.map().size(); i-- > 0;) {
                Entry& e = n.map()[i];
                if (!e.value->is_null()) continue;
                if (const std::string* v = variable(e.key)) e.value = tree_.string(*v, e.key_pos);
                else if (!keep) n.erase(e.key);
            }
        } else if (n.is_list()) {
            for (std::size_t i = n.list().size(); i-- > 0;) {
                Node*& item = n.list()[i];
                if (!item->is_string() || item->str().find('=') != std::string_view::npos) continue;
                if (const std::string* v = variable(item->str()))
                    item = tree_.string(fmt::format("{}={}", item->str(), *v), item->pos);
                else if (!keep) n.erase_item(i);
            }
        }
    }

    void depend(Node& s, std::string_view on, bool restart, Pos at) {
        Node* all = s.find("depends_on");
        if (!all || !all->is_map()) {
            all = tree_.map(at);
            put(s, "depends_on", all);
        }
        if (all->has(on)) return;
        Node* d = tree_.map(at);
        tree_.add(*d, "condition", tree_.string("service_started", at), at);
        tree_.add(*d, "restart", tree_.boolean(restart, at), at);
        tree_.add(*d, "required", tree_.boolean(true, at), at);
        tree_.add(*d, "x-#inferred", tree_.boolean(true, at), at);
        tree_.add(*all, tree_.copy(on), d, at);
    }

    void dependencies(Node& s) {
        if (const Node* links = s.find("links"))
            for (const Node* link : links->list()) {
                auto parts = split(link->str(), ':');
                depend(s, parts.size() == 2 ? parts[0] : link->str(), true, link->pos);
            }
        for (std::string_view key : {"network_mode", "ipc", "pid", "uts", "cgroup"}) {
            const Node* n = s.find(key);
            const SharedWith other = n ? SharedWith::parse(n->str()) : SharedWith();
            if (other.is_service()) depend(s, other.name, true, n->pos);
        }
        if (const Node* from = s.find("volumes_from"))
            for (const Node* n : from->list())
                if (n->is_string())
                    if (const SharedWith other = VolumesFrom::parse(n->str()).of; other.is_service())
                        depend(s, other.name, false, n->pos);
    }

    void pre_start(Node& s) {
        Node* hooks = s.find("pre_start");
        const Node* image = s.find("image");
        if (!hooks || !image) return;
        for (Node* hook : hooks->list())
            if (hook->is_map() && !hook->has("image")) tree_.add(*hook, "image", tree_.clone(*image), hook->pos);
    }

    void names(std::string_view section) {
        Node* resources = document_.find(section);
        if (!resources) return;
        for (Entry& e : resources->map()) {
            if (e.value->is_null()) e.value = tree_.map(e.key_pos.line ? e.key_pos : e.value->pos);
            if (!e.value->is_map()) continue;
            const Node* name = e.value->find("name");
            if (name && !name->is_null()) continue;
            const Node* external = e.value->find("external");
            bool ours = !external || !external->is_bool() || !external->boolean;
            put(*e.value, "name",
                tree_.string(ours ? fmt::format("{}_{}", project_, e.key) : std::string(e.key), e.key_pos));
        }
    }

    Tree& tree_;
    Node& document_;
    const std::string& project_;
    const Environment* environment_;
};

} // namespace

void normalize(Tree& tree, Node& document, const std::string& project_name, const Environment* environment) {
    tree.set(document, "name", tree.string(project_name));
    Normalizer(tree, document, project_name, environment).run();
}

std::string normalize_project_name(std::string_view name) {
    std::string out;
    for (char c : name) {
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
        bool allowed = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
        if (allowed && !(out.empty() && (c == '_' || c == '-'))) out += c;
    }
    return out;
}

} // namespace davit::compose
