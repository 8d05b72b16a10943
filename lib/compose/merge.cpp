#include "compose/merge.hpp"

#include "compose/attributes/rule_table.hpp"

#include <algorithm>
#include <unordered_map>

namespace davit::compose {

namespace {

const RuleTable<Merging>& merge_rules() { return rule_table<&Rules::merging>(); }

using Cursor = RuleTable<Merging>::Cursor;

class Merger {
public:
    Merger(Tree& tree, Diagnostics& diag, std::string_view path) : tree_(tree), diag_(diag), path_(path) {}

    Node* merge(Node* base, Node* over, Cursor at) {
        if (const Merging* rule = at.rule()) return special(*rule, base, over, at);
        if (over->is_null()) return base;
        if (base->is_map()) return over->is_map() ? merge_maps(base, over, at) : mismatch(base, over);
        if (base->is_list()) return over->is_list() ? append(base, over) : mismatch(base, over);
        return over;
    }

private:
    Node* mismatch(Node* base, Node* over) {
        auto name = [](const Node& n) { return n.is_map() ? "a mapping" : n.is_list() ? "a list" : "a single value"; };
        diag_.error(over->pos, path_,
                    fmt::format("{} cannot be merged into the {} of an earlier file", name(*over), name(*base) + 2),
                    "tag it !override to replace the earlier value");
        return base;
    }

    Node* append(Node* base, Node* over) {
        for (Node* item : over->list()) tree_.push(*base, item);
        return base;
    }

    Node* merge_maps(Node* base, Node* over, Cursor at) {
        constexpr std::size_t many = 24;
        std::unordered_map<std::string_view, std::size_t> index;
        if (base->map().size() > many && over->map().size() > many)
            for (std::size_t i = 0; i < base->map().size(); ++i) index.emplace(base->map()[i].key, i);
        for (const Entry& e : over->map()) {
            Entry* mine = nullptr;
            if (index.empty()) mine = base->find_entry(e.key);
            else if (auto it = index.find(e.key); it != index.end()) mine = &base->map()[it->second];
            if (!mine) {
                tree_.add(*base, e.key, e.value, e.key_pos);
                continue;
            }
            auto step = path_.key(e.key);
            mine->value = merge(mine->value, e.value, at.key(e.key));
            mine->key_pos = e.key_pos;
        }
        return base;
    }

    Node* special(Merging rule, Node* base, Node* over, Cursor at) {
        switch (rule) {
        case Merging::plain: break;
        case Merging::replace: return over;
        case Merging::to_sequence: return append(sequence(base), sequence(over));
        case Merging::extra_hosts: return merge_hosts(sequence(base), sequence(over));
        case Merging::build: return merge_maps(build_map(base), build_map(over), at);
        case Merging::depends_on: return merge_maps(names_map(base, true), names_map(over, true), at);
        case Merging::names: return merge_maps(names_map(base, false), names_map(over, false), at);
        case Merging::logging: return merge_logging(base, over, at);
        case Merging::ipam_config: return merge_ipam(base, over, at);
        // Upstream takes both halves from the later file: a mapping replaces, it does not merge.
        case Merging::ulimit: return over;
        }
        return over;
    }

    // {k: v} → [k=v] in the order of the keys, a string → [string].
    Node* sequence(Node* n) {
        if (n->is_list()) return n;
        Node* out = tree_.list(n->pos);
        if (n->is_string()) tree_.push(*out, n);
        if (!n->is_map()) return out;
        std::vector<const Entry*> entries;
        for (const Entry& e : n->map()) entries.push_back(&e);
        std::sort(entries.begin(), entries.end(), [](auto* a, auto* b) { return a->key < b->key; });
        for (const Entry* e : entries) {
            if (e->value->is_null()) tree_.push(*out, tree_.string(e->key, e->key_pos));
            else if (e->value->is_list())
                for (const Node* item : e->value->list()) tree_.push(*out, pair(e->key, *item));
            else tree_.push(*out, pair(e->key, *e->value));
        }
        return out;
    }

    Node* pair(std::string_view key, const Node& value) {
        return tree_.string(fmt::format("{}={}", key, to_text(value)), value.pos);
    }

    Node* merge_hosts(Node* base, Node* over) {
        std::size_t before = base->list().size();
        for (Node* item : over->list()) {
            auto known = base->list().first(before);
            if (std::none_of(known.begin(), known.end(), [&](const Node* n) { return equal(*n, *item); }))
                tree_.push(*base, item);
        }
        return base;
    }

    Node* build_map(Node* n) {
        if (n->is_map()) return n;
        Node* out = tree_.map(n->pos);
        if (n->is_string()) tree_.add(*out, "context", n, n->pos);
        return out;
    }

    // [a, b] → {a: null, b: null} or, for depends_on, their defaults.
    Node* names_map(Node* n, bool depends_on) {
        if (n->is_map()) return n;
        Node* out = tree_.map(n->pos);
        for (const Node* item : n->list()) {
            Node* value = depends_on ? tree_.map(item->pos) : tree_.null(item->pos);
            if (depends_on) {
                tree_.add(*value, "condition", tree_.string("service_started", item->pos), item->pos);
                tree_.add(*value, "required", tree_.boolean(true, item->pos), item->pos);
            }
            if (item->is_string()) tree_.set(*out, item->str(), value, item->pos);
            else diag_.error(item->pos, path_, "a list of names needs text items");
        }
        return out;
    }

    // Options are the driver's: they merge only if the driver stays.
    Node* merge_logging(Node* base, Node* over, Cursor at) {
        if (!over->is_map()) return over->is_null() ? base : mismatch(base, over);
        if (!base->is_map()) return over;
        const Node* mine = base->find("driver");
        const Node* theirs = over->find("driver");
        if (!mine || !theirs || equal(*mine, *theirs)) return merge_maps(base, over, at);
        return over;
    }

    // By subnet. What only the earlier file has is dropped if the later one names other subnets.
    Node* merge_ipam(Node* base, Node* over, Cursor at) {
        if (over->is_null()) return base;
        if (!base->is_list() || !over->is_list()) return mismatch(base, over);
        Node* out = tree_.list(base->pos);
        auto subnet = [](const Node& n) {
            const Node* s = n.find("subnet");
            return s ? to_text(*s) : std::string();
        };
        auto position = [&](const std::string& wanted) {
            auto items = out->list();
            auto it = std::find_if(items.begin(), items.end(), [&](const Node* n) { return subnet(*n) == wanted; });
            return it == items.end() ? nullptr : &*it;
        };
        for (Node* mine : base->list()) {
            for (Node* theirs : over->list()) {
                std::string wanted = subnet(*theirs);
                Node** there = position(wanted);
                if (wanted != subnet(*mine)) {
                    if (!there) tree_.push(*out, theirs);
                    continue;
                }
                if (!mine->is_map() || !theirs->is_map()) continue;
                Node* merged = merge_maps(mine, theirs, at.item());
                if (there) *there = merged;
                else tree_.push(*out, merged);
            }
            if (!subnet(*mine).empty() && !position(subnet(*mine)))
                diag_.warning(mine->pos, path_,
                              fmt::format("the subnet {} is dropped, as a later file names others only", subnet(*mine)),
                              "repeat it there if both are meant");
        }
        return out;
    }

    Tree& tree_;
    Diagnostics& diag_;
    Path path_;
};

} // namespace

Node* merge(Tree& tree, Node* base, Node* over, Diagnostics& diag) {
    return Merger(tree, diag, {}).merge(base, over, merge_rules().root());
}

Node* merge_at(Tree& tree, Node* base, Node* over, std::string_view path, Diagnostics& diag) {
    Cursor at = merge_rules().root();
    std::string_view top = path.substr(0, path.find('.'));
    at = at.key(top);
    if (top.size() < path.size()) at = at.key(path.substr(top.size() + 1));
    return Merger(tree, diag, path).merge(base, over, at);
}

// ------------------------------------------------------------------ !reset and !override

Resets Resets::take_from(Node& document, Diagnostics& diag) {
    Resets out;
    std::vector<std::string_view> path;
    out.collect(document, path, diag);
    return out;
}

void Resets::collect(Node& n, std::vector<std::string_view>& path, Diagnostics& diag) {
    if (n.is_map()) {
        for (std::size_t i = 0; i < n.map().size();) {
            Entry& e = n.map()[i];
            path.push_back(e.key);
            if (e.value->tag != Tag::none && e.value->tag != Tag::merge) paths_.push_back(path);
            bool gone = e.value->tag == Tag::reset;
            if (gone) n.erase(e.key);
            else collect(*e.value, path, diag);
            path.pop_back();
            if (!gone) ++i;
        }
    } else if (n.is_list()) {
        for (std::size_t i = 0; i < n.list().size();) {
            Node* item = n.list()[i];
            if (item->tag == Tag::reset) {
                diag.warning(item->pos, {}, "!reset on an item of a list removes nothing from earlier files",
                             "tag the whole list !override and repeat what stays");
                n.erase_item(i);
                continue;
            }
            path.push_back("[]"); // an index is no place one can reset
            collect(*item, path, diag);
            path.pop_back();
            ++i;
        }
    }
}

void Resets::apply(Node& base, std::string_view at) const {
    if (paths_.empty()) return;
    std::vector<std::string_view> path;
    if (!at.empty()) {
        std::size_t dot = at.find('.');
        path.push_back(at.substr(0, dot));
        if (dot != std::string_view::npos) path.push_back(at.substr(dot + 1)); // names may have dots
    }
    apply(base, path);
}

void Resets::apply(Node& n, std::vector<std::string_view>& path) const {
    for (std::size_t i = 0; i < n.map().size();) {
        Entry& e = n.map()[i];
        path.push_back(e.key);
        bool gone = std::find(paths_.begin(), paths_.end(), path) != paths_.end();
        if (gone) {
            n.erase(e.key);
        } else {
            bool below = std::any_of(paths_.begin(), paths_.end(), [&](const auto& p) {
                return p.size() > path.size() && std::equal(path.begin(), path.end(), p.begin());
            });
            if (below) apply(*e.value, path);
            ++i;
        }
        path.pop_back();
    }
}

} // namespace davit::compose
