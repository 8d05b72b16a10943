#include "compose/transform.hpp"

#include "compose/attributes/rule_table.hpp"
#include "compose/paths.hpp"
#include "compose/short_forms.hpp"

namespace davit::compose {

namespace {

class Transformer {
public:
    Transformer(Tree& tree, bool lenient, Diagnostics& diag) : tree_(tree), lenient_(lenient), diag_(diag) {}

    Node* walk(Node* n, RuleTable<ShortForm>::Cursor at) {
        if (!at) return n;
        if (const ShortForm* form = at.rule()) n = write_out(*form, n);
        for (Entry& e : n->map()) {
            auto below = at.key(e.key);
            if (!below) continue;
            auto step = path_.key(e.key);
            e.value = walk(e.value, below);
        }
        auto items = n->list();
        if (auto below = at.item())
            for (std::size_t i = 0; i < items.size(); ++i) {
                auto step = path_.item(i);
                items[i] = walk(items[i], below);
            }
        return n;
    }

private:
    Node* write_out(ShortForm form, Node* n) {
        switch (form) {
        case ShortForm::none: return n;
        case ShortForm::build: return build(n);
        case ShortForm::depends_on: return depends_on(n);
        case ShortForm::device: return device(n);
        case ShortForm::env_file: return env_file(n);
        case ShortForm::extends: return extends(n);
        case ShortForm::external: return external(n);
        case ShortForm::file_reference: return file_reference(n);
        case ShortForm::gpus: return gpus(n);
        case ShortForm::key_values: return key_values(n);
        case ShortForm::names: return names(n);
        case ShortForm::ports: return ports(n);
        case ShortForm::ssh: return ssh(n);
        case ShortForm::text_of_bool: return text_of_bool(n);
        case ShortForm::text_or_list: return text_or_list(n);
        case ShortForm::volume: return volume(n);
        }
        return n;
    }

    Node* build(Node* n) { return n->is_string() ? wrap(n, "context") : n; }
    Node* extends(Node* n) { return n->is_string() ? wrap(n, "service") : n; }
    Node* file_reference(Node* n) { return n->is_string() ? wrap(n, "source") : n; }

    Node* depends_on(Node* n) {
        Node* out = names(n);
        for (Entry& e : out->map()) {
            if (e.value->is_null() && n->is_list()) e.value = tree_.map(e.value->pos);
            if (!e.value->is_map()) continue;
            fill(*e.value, "condition", tree_.string("service_started", e.value->pos));
            fill(*e.value, "required", tree_.boolean(true, e.value->pos));
        }
        return out;
    }

    Node* env_file(Node* n) {
        Node* out = text_or_list(n);
        for (Node*& item : out->list()) {
            if (item->is_string()) item = wrap(item, "path");
            if (item->is_map()) fill(*item, "required", tree_.boolean(true, item->pos));
        }
        return out;
    }

    Node* text_or_list(Node* n) {
        if (n->is_list() || n->is_map() || n->is_null()) return n;
        Node* out = tree_.list(n->pos);
        tree_.push(*out, n);
        return out;
    }

    Node* gpus(Node* n) {
        if (!n->is_string()) return n;
        Node* out = tree_.list(n->pos);
        tree_.push(*out, wrap(n, "count"));
        return out;
    }

    // [a, b] → {a: null, b: null}
    Node* names(Node* n) {
        if (!n->is_list()) return n;
        Node* out = tree_.map(n->pos);
        for (const Node* item : n->list())
            if (item->is_string()) tree_.set(*out, item->str(), tree_.null(item->pos), item->pos);
        return out;
    }

    Node* volume(Node* n) {
        if (!n->is_string()) return n;
        ShortVolume v = parse_volume(n->str());
        if (!v.error.empty())
            return fail(n, v.error, "write it as SOURCE:TARGET[:options], for example ./data:/data:ro");
        if (!lenient_)
            for (const auto& option : v.unknown_options)
                if (option != "cached" && option != "delegated" && option != "consistent")
                    diag_.warning(n->pos, path_, fmt::format("the volume option '{}' is not known and ignored", option),
                                  "known are ro, rw, nocopy, z, Z and private, shared, slave with or without r before");
        if (v.drive && !lenient_)
            diag_.warning(n->pos, path_, fmt::format("'{}' is read as a path of Windows", n->str().substr(0, 60)),
                          "if a volume of that name is meant write  {type: volume, source: …, target: …}");
        Node* out = tree_.map(n->pos);
        put(*out, n, "type", v.bind ? "bind" : "volume");
        if (!v.source.empty()) put(*out, n, "source", v.source);
        put(*out, n, "target", clean_path(v.target)); // so that /data and /data/ are one place
        if (v.read_only) tree_.add(*out, "read_only", tree_.boolean(true, n->pos), n->pos);
        if (v.bind || !v.propagation.empty() || !v.selinux.empty()) {
            Node* bind = tree_.map(n->pos);
            if (!v.propagation.empty()) put(*bind, n, "propagation", v.propagation);
            if (!v.selinux.empty()) put(*bind, n, "selinux", v.selinux);
            if (v.bind) tree_.add(*bind, "create_host_path", tree_.boolean(true, n->pos), n->pos);
            tree_.add(*out, "bind", bind, n->pos);
        }
        if ((!v.bind && !v.bare) || v.nocopy) {
            Node* volume = tree_.map(n->pos);
            if (v.nocopy) tree_.add(*volume, "nocopy", tree_.boolean(true, n->pos), n->pos);
            tree_.add(*out, "volume", volume, n->pos);
        }
        return out;
    }

    Node* device(Node* n) {
        if (!n->is_text()) return n;
        ShortDevice d = parse_device(n->str());
        if (!d.error.empty()) return fail(n, d.error, "write it as SOURCE[:TARGET[:rwm]]");
        Node* out = tree_.map(n->pos);
        put(*out, n, "source", d.source);
        put(*out, n, "target", d.target);
        put(*out, n, "permissions", d.permissions);
        return out;
    }

    Node* ports(Node* n) {
        if (!n->is_list()) return n;
        Node* out = tree_.list(n->pos);
        for (std::size_t i = 0; i < n->list().size(); ++i) {
            Node* item = n->list()[i];
            auto step = path_.item(i);
            if (item->is_map()) {
                tree_.push(*out, item);
            } else if (!expand_ports(*item, *out)) {
                if (lenient_) return n;
            }
        }
        return out;
    }

    Node* ssh(Node* n) {
        if (n->is_string()) n = text_or_list(n);
        if (!n->is_list()) return n;
        Node* out = tree_.map(n->pos);
        for (Node* item : n->list()) {
            if (!item->is_string()) continue;
            std::string_view text = item->str();
            // "ID: PATH" is how `config` prints it.
            std::size_t equals = text.find('='), colon = text.find(": ");
            if (equals == std::string_view::npos && colon != std::string_view::npos) {
                tree_.set(*out, text.substr(0, colon), tree_.string(text.substr(colon + 2), item->pos), item->pos);
                continue;
            }
            if (equals == std::string_view::npos && text != "default") {
                fail(item, fmt::format("the ssh key '{}' has no path", text),
                     "write it as ID=PATH; only 'default' may stand alone");
                continue;
            }
            Node* value = equals == std::string_view::npos ? tree_.null(item->pos)
                                                           : tree_.string(text.substr(equals + 1), item->pos);
            tree_.set(*out, text.substr(0, equals), value, item->pos);
        }
        return out;
    }

    Node* key_values(Node* n) {
        if (!n->is_list()) return n;
        Node* out = tree_.map(n->pos);
        for (Node* item : n->list()) {
            std::string_view text = item->str();
            std::size_t equals = text.find('=');
            if (equals == std::string_view::npos) {
                fail(item, fmt::format("'{}' has no value", text), "write it as NAME=VALUE");
                continue;
            }
            tree_.set(*out, text.substr(0, equals), tree_.string(text.substr(equals + 1), item->pos), item->pos);
        }
        return out;
    }

    // external: {name: x} is the old spelling of external: true, name: x.
    Node* external(Node* n) {
        Node* external = n->find("external");
        if (!external || !external->is_map()) return n;
        Node* old_name = external->find("name");
        Node* name = n->find("name");
        if (old_name) {
            diag_.warning(external->pos, path_, "external.name is an old spelling",
                          "write  name: … and external: true");
            if (name && !equal(*name, *old_name)) {
                diag_.error(old_name->pos, path_, "name and external.name differ", "keep only name");
                return n;
            }
            if (!name) tree_.add(*n, "name", old_name, old_name->pos);
        }
        tree_.set(*n, "external", tree_.boolean(true, external->pos));
        return n;
    }

    Node* text_of_bool(Node* n) { return n->is_bool() ? tree_.string(to_text(*n), n->pos) : n; }

    Node* wrap(Node* n, std::string_view key) {
        Node* out = tree_.map(n->pos);
        tree_.add(*out, key, n, n->pos);
        return out;
    }

    void put(Node& map, const Node* from, std::string_view key, std::string_view text) {
        tree_.add(map, key, tree_.string(text, from->pos), from->pos);
    }

    void fill(Node& map, std::string_view key, Node* value) {
        if (!map.has(key)) tree_.add(map, key, value, value->pos);
    }

    Node* fail(Node* n, std::string message, std::string hint) {
        if (!lenient_) diag_.error(n->pos, path_, std::move(message), std::move(hint));
        return n;
    }

    bool expand_ports(const Node& item, Node& out) {
        if (item.kind != Kind::integer && !item.is_string()) {
            diag_.error(item.pos, path_, "a port must be a whole number, a text or a mapping",
                        "write it as 80 or \"8080:80\"");
            return false;
        }
        ShortPorts parsed = parse_ports(to_text(item));
        if (!parsed.error.empty()) {
            if (!lenient_)
                diag_.error(item.pos, path_, parsed.error,
                            "write it as [[IP:]HOST:]CONTAINER[/PROTOCOL], for example 127.0.0.1:8080:80");
            return false;
        }
        for (const ShortPort& p : parsed.ports) {
            Node* port = tree_.map(item.pos);
            put(*port, &item, "mode", "ingress");
            if (!p.host_ip.empty()) put(*port, &item, "host_ip", p.host_ip);
            if (p.target) tree_.add(*port, "target", tree_.integer(p.target, item.pos), item.pos);
            if (!p.published.empty()) put(*port, &item, "published", p.published);
            put(*port, &item, "protocol", p.protocol);
            tree_.push(out, port);
        }
        return true;
    }

    Tree& tree_;
    bool lenient_;
    Diagnostics& diag_;
    Path path_;
};

} // namespace

void to_canonical(Tree& tree, Node& document, bool lenient, Diagnostics& diag) {
    Transformer(tree, lenient, diag).walk(&document, rule_table<&Rules::written>().root());
}

void omit_empty(Node& document) {
    Node* services = document.find("services");
    if (!services) return;
    for (Entry& service : services->map()) {
        Node* dns = service.value->find("dns");
        if (!dns) continue;
        for (std::size_t i = dns->list().size(); i-- > 0;) {
            const Node& item = *dns->list()[i];
            if (item.is_null() || (item.is_string() && item.str().empty())) dns->erase_item(i);
        }
    }
}

} // namespace davit::compose
