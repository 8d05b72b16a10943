#include "stack/canonical.hpp"

#include "base/units.hpp"
#include "compose/paths.hpp"
#include "stack/short_forms.hpp"

#include <algorithm>

namespace davit::stack {

namespace {

class Canonical {
public:
    Canonical(Tree& tree, const Surroundings& around, Diagnostics& diag) : tree_(tree), around_(around), diag_(diag) {}

    void record(Node& n, const Table& table) {
        for (std::size_t i = n.map().size(); i-- > 0;) {
            Entry& e = n.map()[i];
            const Key* key = table.find(e.key);
            if (!key && (table.open || e.value->is_null())) {
                n.erase(e.key); // what version 3 lets through and does not know
                continue;
            }
            if (!key) continue;
            auto step = path_.key(e.key);
            value(e.value, *key);
            if (!e.value || (e.value->is_null() && key->is != Is::named_records)) n.erase(key->name);
        }
    }

private:
    void value(Node*& n, const Key& key) {
        switch (key.is) {
        case Is::words: return words(*n);
        case Is::test:
            if (n->is_string()) n = list({"CMD-SHELL", std::string(n->str())}, n->pos);
            return;
        case Is::text_or_set:
            if (n->is_string()) n = list({std::string(n->str())}, n->pos);
            return;
        case Is::scalars:
            for (Node* item : n->list()) *item = *tree_.string(to_text(*item), item->pos);
            return;
        case Is::pairs: return pairs(*n, false);
        case Is::variables: return pairs(*n, true);
        case Is::hosts: return hosts(*n);
        case Is::options:
        case Is::log_options: return texts_of(*n);
        case Is::duration: n = tree_.string(format_duration(go_duration(n->str()).value_or(0)), n->pos); return;
        case Is::size: n = tree_.string(std::to_string(parse_bytes(n->str()).value_or(0)), n->pos); return;
        case Is::number_or_text: n = tree_.string(to_text(*n), n->pos); return;
        case Is::record:
        case Is::record_or_null:
            if (n->is_map()) record(*n, *key.table);
            return;
        default: return composite(n, key);
        }
    }

    void composite(Node*& n, const Key& key) {
        switch (key.is) {
        case Is::build:
            if (n->is_string()) n = record_of("context", *n);
            return record(*n, *key.table);
        case Is::records:
            for (Node* item : n->list()) record(*item, *key.table);
            return;
        case Is::files: return files(*n, *key.table);
        case Is::ports: return ports(n);
        case Is::volumes: return volumes(*n, *key.table);
        case Is::networks: return networks(n, *key.table);
        case Is::ulimits: return ulimits(*n);
        case Is::named_records:
            for (Entry& e : n->map()) {
                auto step = path_.key(e.key);
                if (e.value->is_null()) e.value = tree_.map(e.key_pos);
                record(*e.value, *key.table);
            }
            return;
        default: return;
        }
    }

    Node* list(const std::vector<std::string>& texts, Pos at) {
        Node* out = tree_.list(at);
        for (const std::string& text : texts) tree_.push(*out, tree_.string(text, at));
        return out;
    }
    Node* record_of(std::string_view key, const Node& text) {
        Node* out = tree_.map(text.pos);
        tree_.add(*out, key, tree_.string(text.str(), text.pos), text.pos);
        return out;
    }

    void words(Node& n) {
        if (!n.is_string()) return;
        const auto split = shell_words(n.str());
        if (!split) return diag_.error(n.pos, path_, "EOF found when expecting closing quote", "write it as a list");
        n = *list(*split, n.pos);
    }

    void texts_of(Node& n) {
        for (Entry& e : n.map()) e.value = tree_.string(to_text(*e.value), e.value->pos);
    }

    void pairs(Node& n, bool may_lack) {
        if (n.is_map()) {
            for (Entry& e : n.map())
                if (!may_lack || !e.value->is_null()) e.value = tree_.string(to_text(*e.value), e.value->pos);
            return;
        }
        Node* out = tree_.map(n.pos);
        for (Node* item : n.list()) {
            const KeyValue pair = split_pair(item->str());
            Node* value =
                pair.value || !may_lack ? tree_.string(pair.value.value_or(""), item->pos) : tree_.null(item->pos);
            tree_.set(*out, tree_.copy(pair.key), value, item->pos);
        }
        n = *out;
    }

    void hosts(Node& n) {
        if (!n.is_map()) return;
        std::vector<std::string> lines;
        for (const Entry& e : n.map())
            if (!e.value->is_null()) lines.push_back(fmt::format("{}:{}", e.key, to_text(*e.value)));
        std::sort(lines.begin(), lines.end());
        n = *list(lines, n.pos);
    }

    void files(Node& n, const Table& table) {
        for (Node* item : n.list()) {
            if (item->is_string()) *item = *record_of("source", *item);
            else record(*item, table);
        }
    }

    void ports(Node*& n) {
        Node* out = tree_.list(n->pos);
        auto items = n->list();
        for (std::size_t i = 0; i < items.size(); ++i) {
            auto step = path_.item(i);
            if (items[i]->is_map()) {
                tree_.push(*out, items[i]);
                continue;
            }
            const std::string text = to_text(*items[i]);
            const SwarmPorts ports = parse_swarm_ports(text);
            if (!ports.error.empty()) return diag_.error(items[i]->pos, path_, ports.error);
            if (!ports.address.empty())
                around_.warnings.push_back(
                    fmt::format("ignoring IP-address ({}) service will listen on '0.0.0.0'", text));
            for (const swarm::PortConfig& port : ports.ports) tree_.push(*out, port_record(port, items[i]->pos));
        }
        n = out;
    }

    Node* port_record(const swarm::PortConfig& port, Pos at) {
        Node* out = tree_.map(at);
        tree_.add(*out, "mode", tree_.string(port.mode, at), at);
        tree_.add(*out, "target", tree_.integer(port.target, at), at);
        tree_.add(*out, "published", tree_.integer(port.published, at), at);
        tree_.add(*out, "protocol", tree_.string(port.protocol, at), at);
        return out;
    }

    void volumes(Node& n, const Table& table) {
        auto items = n.list();
        for (std::size_t i = 0; i < items.size(); ++i) {
            auto step = path_.item(i);
            Node& item = *items[i];
            if (item.is_string()) item = *volume_record(item);
            else record(item, table);
            resolve_bind(item);
        }
    }

    Node* volume_record(const Node& n) {
        const compose::ShortVolume v = compose::parse_volume(n.str());
        Node* out = tree_.map(n.pos);
        if (!v.error.empty()) {
            diag_.error(n.pos, path_, v.error);
            return out;
        }
        auto text = [&](std::string_view key, std::string_view value) {
            if (!value.empty()) tree_.add(*out, key, tree_.string(value, n.pos), n.pos);
        };
        text("type", v.bind ? "bind" : "volume");
        text("source", v.source);
        text("target", v.target);
        if (v.read_only) tree_.add(*out, "read_only", tree_.boolean(true, n.pos), n.pos);
        if (!v.propagation.empty()) {
            Node* bind = tree_.map(n.pos);
            tree_.add(*bind, "propagation", tree_.string(v.propagation, n.pos), n.pos);
            tree_.add(*out, "bind", bind, n.pos);
        }
        if (v.nocopy) {
            Node* volume = tree_.map(n.pos);
            tree_.add(*volume, "nocopy", tree_.boolean(true, n.pos), n.pos);
            tree_.add(*out, "volume", volume, n.pos);
        }
        return out;
    }

    void resolve_bind(Node& item) {
        const Node* type = item.find("type");
        if (!type || type->str() != "bind") return;
        Node* source = item.find("source");
        if (!source || source->str().empty())
            return diag_.error(item.pos, path_,
                               "invalid mount config for type \"bind\": field Source must not be empty");
        std::string path(source->str());
        const std::string* home = around_.lookup("HOME");
        if (path.front() == '~' && home) path.replace(0, 1, *home);
        const bool drive = path.size() > 1 && path[1] == ':';
        if (path.front() != '/' && path.front() != '\\' && !drive)
            path = compose::clean_path(compose::join_path(around_.directory, path));
        tree_.set(item, "source", tree_.string(path, source->pos));
    }

    void networks(Node*& n, const Table& table) {
        if (n->is_list()) {
            Node* out = tree_.map(n->pos);
            for (const Node* item : n->list()) tree_.set(*out, item->str(), tree_.null(item->pos), item->pos);
            n = out;
            return;
        }
        for (Entry& e : n->map())
            if (e.value->is_map()) record(*e.value, table);
    }

    void ulimits(Node& n) {
        for (Entry& e : n.map())
            if (e.value->kind == Kind::integer && e.value->integer == 0) e.value = tree_.map(e.value->pos);
    }

    Tree& tree_;
    const Surroundings& around_;
    Diagnostics& diag_;
    Path path_;
};

// What the process's environment has counts where the file gives nothing or an empty text.
void put_variable(Tree& tree, Node& out, std::string_view key, Node* value, const Surroundings& around) {
    const std::string* given = around.lookup(key);
    const bool empty = value->is_null() || value->str().empty();
    tree.set(out, key, empty && given ? tree.string(*given, value->pos) : value, value->pos);
}

void resolve_environment(Tree& tree, Node& service, const Surroundings& around) {
    Node* out = tree.map(service.pos);
    if (const Node* files = service.find("env_file"))
        for (const Node* file : files->list()) {
            const std::string path = compose::is_absolute(file->str())
                                         ? std::string(file->str())
                                         : compose::clean_path(compose::join_path(around.directory, file->str()));
            for (const std::string& line : read_env_lines(read_named_file(path), path, around.lookup)) {
                const KeyValue pair = split_pair(line);
                put_variable(tree, *out, tree.copy(pair.key), tree.string(pair.value.value_or(""), file->pos), around);
            }
        }
    if (const Node* own = service.find("environment"))
        for (const Entry& e : own->map()) put_variable(tree, *out, e.key, e.value, around);
    if (!out->map().empty()) tree.set(service, "environment", out);
}

class External {
public:
    External(Tree& tree, int minor, const Surroundings& around, Diagnostics& diag)
        : tree_(tree), minor_(minor), around_(around), diag_(diag) {}

    // external: {name: x} is name: x; what is external without a name has its own.
    void resolve(std::string_view section, std::string_view kind, int named_since, Node& root) {
        Node* all = root.find(section);
        if (!all) return;
        Path path(section);
        for (Entry& e : all->map()) {
            auto step = path.key(e.key);
            Node* external = e.value->find("external");
            if (!external) continue;
            if (external->is_map()) rename(path, kind, named_since, e, *external);
            else if (!external->boolean) {
                e.value->erase("external");
                continue;
            }
            tree_.set(*e.value, "external", tree_.boolean(true, e.key_pos));
            if (!e.value->has("name")) tree_.set(*e.value, "name", tree_.string(e.key, e.key_pos));
            if (kind == "volume") refuse_settings(path, e);
        }
    }

private:
    void rename(const Path& path, std::string_view kind, int named_since, Entry& e, const Node& external) {
        const Node* name = external.find("name");
        if (!name) return;
        if (e.value->has("name"))
            return diag_.error(
                e.key_pos, path,
                fmt::format("{0} {1}: {0}.external.name and {0}.name conflict; only use {0}.name", kind, e.key));
        if (minor_ >= named_since)
            around_.warnings.push_back(
                fmt::format("{0} {1}: {0}.external.name is deprecated in favor of {0}.name", kind, e.key));
        tree_.set(*e.value, "name", tree_.string(name->str(), name->pos));
    }

    void refuse_settings(const Path& path, const Entry& e) {
        for (std::string_view key : {"driver", "driver_opts", "labels"})
            if (const Node* n = e.value->find(key); n && !n->empty())
                diag_.error(n->pos, path,
                            fmt::format("conflicting parameters \"external\" and \"{}\" specified for volume \"{}\"",
                                        key, e.key));
    }

    Tree& tree_;
    int minor_;
    const Surroundings& around_;
    Diagnostics& diag_;
};

void resolve_files(Tree& tree, Node& root, std::string_view section, std::string_view kind, const Surroundings& around,
                   Diagnostics& diag) {
    Node* all = root.find(section);
    if (!all) return;
    Path path(section);
    for (Entry& e : all->map()) {
        auto step = path.key(e.key);
        if (e.value->has("external")) continue;
        const Node* file = e.value->find("file");
        if (e.value->has("driver")) {
            if (file)
                diag.error(file->pos, path,
                           fmt::format("{0} {1}: {0}.driver and {0}.file conflict; only use {0}.driver", kind, e.key));
            continue;
        }
        // Without a file it is the directory itself, which cannot be read when it comes to that.
        const std::string_view name = file ? file->str() : std::string_view();
        const std::string whole = compose::is_absolute(name)
                                      ? std::string(name)
                                      : compose::clean_path(compose::join_path(around.directory, name));
        tree.set(*e.value, "file", tree.string(whole, e.key_pos));
    }
}

} // namespace

void make_canonical(Tree& tree, Node& root, int minor, const Surroundings& around, Diagnostics& diag) {
    Canonical(tree, around, diag).record(root, file_table);
    if (Node* services = root.find("services"))
        for (Entry& e : services->map()) resolve_environment(tree, *e.value, around);
    External external(tree, minor, around, diag);
    external.resolve("networks", "network", 5, root);
    external.resolve("volumes", "volume", 4, root);
    external.resolve("secrets", "secret", 5, root);
    external.resolve("configs", "config", 5, root);
    resolve_files(tree, root, "secrets", "secret", around, diag);
    resolve_files(tree, root, "configs", "config", around, diag);
}

} // namespace davit::stack
