#include "stack/print.hpp"

#include "base/units.hpp"
#include "stack/fields.hpp"

#include <algorithm>
#include <vector>

namespace davit::stack {

namespace {

std::vector<const Entry*> sorted(const Node& n) {
    std::vector<const Entry*> out;
    for (const Entry& e : n.map()) out.push_back(&e);
    std::sort(out.begin(), out.end(), [](const Entry* a, const Entry* b) { return natural_less(a->key, b->key); });
    return out;
}

class Printer {
public:
    std::string take() { return std::move(out_); }

    void record(const Node& n, const Table& table, int depth, bool indent_first = true) {
        first_ = !indent_first;
        for (const Key& key : table.keys)
            if (const Node* value = n.find(key.name); value && printed(*value, key)) {
                begin(key.name, depth);
                below(*value, key, depth + 1);
            }
        for (const Entry* e : sorted(n))
            if (!table.find(e->key) && e->key.substr(0, 2) == "x-") {
                begin(e->key, depth);
                below(*e->value, {e->key, Is::extension}, depth + 1);
            }
    }

private:
    // Structures that are no pointers are left out when all that they have is empty.
    static bool printed(const Node& n, const Key& key) {
        if (key.keep) return true;
        if (key.table && (key.is == Is::record || key.is == Is::record_or_null || key.is == Is::build))
            return any_printed(n, *key.table);
        return !is_zero(n);
    }
    static bool any_printed(const Node& n, const Table& table) {
        return std::any_of(table.keys.begin(), table.keys.end(), [&](const Key& key) {
            const Node* value = n.find(key.name);
            return value && printed(*value, key);
        });
    }

    void begin(std::string_view key, int depth) {
        if (first_) first_ = false;
        else out_.append(static_cast<std::size_t>(depth) * 2, ' ');
        out_ += yaml_text(key, depth + 1) + ":";
    }

    void below(const Node& n, const Key& key, int depth) {
        if (n.is_list() && !n.list().empty()) return list(n, key, depth);
        if (n.is_map()) return map(n, key, depth);
        out_ += ' ';
        scalar(n, key, depth);
    }

    void scalar(const Node& n, const Key& key, int depth) {
        if (n.is_null()) out_ += "null";
        else if (n.is_list()) out_ += "[]";
        else if (n.is_string()) out_ += yaml_text(n.str(), depth);
        else if (n.kind == Kind::real && key.is == Is::number) out_ += format_float32(static_cast<float>(n.real));
        else out_ += to_text(n);
        out_ += '\n';
    }

    void list(const Node& n, const Key& key, int depth) {
        out_ += '\n';
        for (const Node* item : n.list()) {
            out_.append(static_cast<std::size_t>(depth) * 2, ' ');
            out_ += '-';
            if (item->is_map() && !item->map().empty()) {
                out_ += ' ';
                if (key.table) record(*item, *key.table, depth + 1, false);
                else free_map(*item, depth + 1, false);
            } else {
                below(*item, {key.name, Is::extension}, depth + 1);
            }
        }
    }

    void map(const Node& n, const Key& key, int depth) {
        const bool fixed = key.table && (key.is == Is::record || key.is == Is::record_or_null || key.is == Is::build);
        if (fixed ? !any_printed(n, *key.table) && !any_extension(n) : n.map().empty()) {
            out_ += " {}\n";
            return;
        }
        out_ += '\n';
        if (fixed) return record(n, *key.table, depth);
        for (const Entry* e : sorted(n)) {
            begin(e->key, depth);
            if (key.table && e->value->is_map()) below(*e->value, {e->key, Is::record, key.table}, depth + 1);
            else below(*e->value, {e->key, Is::extension}, depth + 1);
        }
    }

    static bool any_extension(const Node& n) {
        return std::any_of(n.map().begin(), n.map().end(), [](const Entry& e) { return e.key.substr(0, 2) == "x-"; });
    }

    void free_map(const Node& n, int depth, bool indent_first) {
        first_ = !indent_first;
        for (const Entry* e : sorted(n)) {
            begin(e->key, depth);
            below(*e->value, {e->key, Is::extension}, depth + 1);
        }
    }

    std::string out_;
    bool first_ = false; // what comes next stands behind "- "
};

} // namespace

std::string print_file(const Node& root) {
    Printer printer;
    printer.record(root, file_table, 0);
    return printer.take();
}

} // namespace davit::stack
