#include "stack/merge.hpp"

#include "stack/fields.hpp"

#include <algorithm>
#include <map>
#include <set>

namespace davit::stack {

namespace {

std::string_view word_of(const Node& item, std::string_view key) {
    const Node* n = item.find(key);
    return n ? n->str() : std::string_view();
}
std::int64_t count_of(const Node& item, std::string_view key) {
    const Node* n = item.find(key);
    return n && n->kind == Kind::integer ? n->integer : 0;
}

class Merger {
public:
    explicit Merger(Tree& tree) : tree_(tree) {}

    void record(Node& base, const Node& over, const Table& table) {
        for (const Entry& e : over.map()) {
            const Key* key = table.find(e.key);
            Entry* have = base.find_entry(e.key);
            if (!have) {
                tree_.add(base, e.key, e.value, e.key_pos);
            } else if (!key) {
                have->value = e.value;
            } else {
                value(have->value, *e.value, *key);
            }
        }
    }

    // By what tells the entries apart: the last of the same stays. Sorted also when the other file adds nothing, but
    // not what the first file has not.
    void keyed_lists(Node& service, const std::set<std::string_view>& had) {
        for (const Key& key : service_table().keys) {
            Node* list = service.find(key.name);
            if (!list || !list->is_list() || !had.contains(key.name)) continue;
            if (key.merge == Merge::by_source) keep_last(*list, [](const Node& n) { return word_of(n, "source"); });
            if (key.merge == Merge::by_target) keep_last(*list, [](const Node& n) { return word_of(n, "target"); });
            if (key.merge == Merge::by_published)
                keep_last(*list, [](const Node& n) { return count_of(n, "published"); });
        }
    }

    static std::set<std::string_view> lists_of(const Node& service) {
        std::set<std::string_view> out;
        for (const Entry& e : service.map())
            if (e.value->is_list() && !e.value->empty()) out.insert(e.key);
        return out;
    }

    static const Table& service_table() { return *file_table.find("services")->table; }

private:
    template <typename Of>
    void keep_last(Node& list, Of of) {
        std::map<decltype(of(list)), Node*> last;
        for (Node* item : list.list()) last.insert_or_assign(of(*item), item);
        Node* fresh = tree_.list(list.pos);
        for (const auto& [key, item] : last) tree_.push(*fresh, item);
        list = *fresh;
    }

    void value(Node*& base, const Node& over, const Key& key) {
        Node* fresh = tree_.clone(over);
        switch (key.merge) {
        case Merge::replace:
            if (!over.empty()) base = fresh;
            return;
        case Merge::by_source:
        case Merge::by_target:
        case Merge::by_published: // of the same the last stays, see keyed_lists()
            for (Node* item : fresh->list()) tree_.push(*base, item);
            return;
        case Merge::logging: return logging(base, *fresh, key);
        case Merge::attachment: return attachments(*base, *fresh);
        case Merge::plain: break;
        }
        if (base->is_map() && over.is_map()) {
            if (key.table && key.is != Is::ulimits) return record(*base, over, *key.table);
            for (const Entry& e : fresh->map()) tree_.set(*base, e.key, e.value, e.key_pos);
        } else if (base->is_list() && over.is_list()) {
            for (Node* item : fresh->list()) tree_.push(*base, item);
        } else if (key.keep || !is_zero(over)) {
            base = fresh;
        }
    }

    void logging(Node*& base, Node& over, const Key& key) {
        const std::string_view was = word_of(*base, "driver"), is = word_of(over, "driver");
        if (was.empty() || is.empty() || was == is) record(*base, over, *key.table);
        else base = &over;
    }

    void attachments(Node& base, const Node& over) {
        for (const Entry& e : over.map()) {
            Entry* have = base.find_entry(e.key);
            if (!have || have->value->is_null()) {
                tree_.set(base, e.key, e.value, e.key_pos);
            } else if (e.value->is_map()) {
                have->value->erase("aliases");
                for (const Entry& member : e.value->map()) tree_.set(*have->value, member.key, member.value);
            }
        }
    }

    Tree& tree_;
};

} // namespace

void merge_files(Tree& tree, Node& base, const Node& over) {
    Merger merger(tree);
    for (const Entry& section : over.map()) {
        if (section.key == "version" || section.key.substr(0, 2) == "x-") continue; // the first file's
        Entry* have = base.find_entry(section.key);
        if (!have) {
            tree.add(base, section.key, section.value, section.key_pos);
            continue;
        }
        for (const Entry& e : section.value->map()) {
            Entry* known = have->value->find_entry(e.key);
            if (known && section.key == "services") {
                const std::set<std::string_view> had = Merger::lists_of(*known->value);
                merger.record(*known->value, *e.value, Merger::service_table());
                merger.keyed_lists(*known->value, had);
            } else {
                tree.set(*have->value, e.key, e.value, e.key_pos);
            }
        }
    }
}

} // namespace davit::stack
