#include "yaml/tree.hpp"

#include "base/units.hpp"

#include <algorithm>
#include <cstring>
#include <new>

namespace davit::yaml {

Entry* Node::find_entry(std::string_view key) const {
    for (Entry& e : map())
        if (e.key == key) return &e;
    return nullptr;
}

Node* Node::find(std::string_view key) const {
    Entry* e = find_entry(key);
    return e ? e->value : nullptr;
}

bool Node::erase(std::string_view key) {
    Entry* e = find_entry(key);
    if (!e) return false;
    std::move(e + 1, entries.data + entries.size, e);
    --entries.size;
    return true;
}

void Node::erase_item(std::size_t index) {
    std::move(items.data + index + 1, items.data + items.size, items.data + index);
    --items.size;
}

std::string to_text(const Node& n) {
    switch (n.kind) {
    case Kind::boolean: return n.boolean ? "true" : "false";
    case Kind::integer: return std::to_string(n.integer);
    case Kind::real: return format_float(n.real);
    case Kind::string: return std::string(n.str());
    default: return {};
    }
}

Pos locate(const Node& root, std::string_view path) {
    const Node* n = &root;
    Pos at{};
    while (!path.empty()) {
        if (path.front() == '.') path.remove_prefix(1);
        if (path.front() == '[') {
            std::size_t index = 0, i = 1;
            for (; i < path.size() && path[i] != ']'; ++i) index = index * 10 + static_cast<std::size_t>(path[i] - '0');
            if (index >= n->list().size()) return at;
            n = n->list()[index];
            at = n->pos;
            path.remove_prefix(std::min(path.size(), i + 1));
            continue;
        }
        const Entry* found = nullptr; // keys may have dots: the longest that fits
        for (const Entry& e : n->map()) {
            if (path.substr(0, e.key.size()) != e.key || (found && found->key.size() >= e.key.size())) continue;
            if (path.size() == e.key.size() || path[e.key.size()] == '.' || path[e.key.size()] == '[') found = &e;
        }
        if (!found) return at;
        if (found->key_pos.line) at = found->key_pos;
        else if (found->value->pos.line) at = found->value->pos;
        n = found->value;
        path.remove_prefix(found->key.size());
    }
    return at;
}

bool equal(const Node& a, const Node& b) {
    if (a.kind != b.kind) return false;
    switch (a.kind) {
    case Kind::null: return true;
    case Kind::boolean: return a.boolean == b.boolean;
    case Kind::integer: return a.integer == b.integer;
    case Kind::real: return a.real == b.real;
    case Kind::string: return a.str() == b.str();
    case Kind::list:
        if (a.items.size != b.items.size) return false;
        for (std::size_t i = 0; i < a.items.size; ++i)
            if (!equal(*a.items.data[i], *b.items.data[i])) return false;
        return true;
    case Kind::map:
        if (a.entries.size != b.entries.size) return false;
        for (const Entry& e : a.map()) {
            const Node* other = b.find(e.key);
            if (!other || !equal(*e.value, *other)) return false;
        }
        return true;
    }
    return false;
}

void sort_keys(Node& n) {
    n.own_keys = n.is_map();
    std::sort(n.map().begin(), n.map().end(), [](const Entry& a, const Entry& b) { return a.key < b.key; });
    for (const Entry& e : n.map()) sort_keys(*e.value);
    for (Node* item : n.list()) sort_keys(*item);
}

Tree::Tree() : arena_(64 * 1024) {}

Node* Tree::make(Kind kind, Pos at) {
    Node* n = new (arena_.allocate(sizeof(Node), alignof(Node))) Node;
    n->kind = kind;
    n->pos = at;
    return n;
}

Node* Tree::null(Pos at) { return make(Kind::null, at); }

Node* Tree::boolean(bool value, Pos at) {
    Node* n = make(Kind::boolean, at);
    n->boolean = value;
    return n;
}

Node* Tree::integer(std::int64_t value, Pos at) {
    Node* n = make(Kind::integer, at);
    n->integer = value;
    return n;
}

Node* Tree::real(double value, Pos at) {
    Node* n = make(Kind::real, at);
    n->real = value;
    return n;
}

std::string_view Tree::copy(std::string_view text) {
    if (text.empty()) return {"", 0};
    char* p = static_cast<char*>(arena_.allocate(text.size(), 1));
    std::memcpy(p, text.data(), text.size());
    return {p, text.size()};
}

Node* Tree::string(std::string_view value, Pos at) {
    Node* n = make(Kind::string, at);
    std::string_view kept = copy(value);
    n->text.data = kept.data();
    n->text.size = static_cast<std::uint32_t>(kept.size());
    return n;
}

Node* Tree::list(Pos at) { return make(Kind::list, at); }
Node* Tree::map(Pos at) { return make(Kind::map, at); }

Node* Tree::map_of_own_keys() {
    Node* n = map();
    n->own_keys = true;
    return n;
}

Node* Tree::clone(const Node& from) {
    Node* n = make(from.kind, from.pos);
    *n = from;
    if (from.is_list()) {
        n->items = {nullptr, 0, 0};
        for (const Node* item : from.list()) push(*n, clone(*item));
    } else if (from.is_map()) {
        n->entries = {nullptr, 0, 0};
        for (const Entry& e : from.map()) add(*n, e.key, clone(*e.value), e.key_pos);
    }
    return n;
}

template <typename T>
void Tree::grow(T*& data, std::uint32_t size, std::uint32_t& capacity) {
    if (size < capacity) return;
    std::uint32_t bigger = capacity < 2 ? 2 : capacity * 2;
    T* fresh = static_cast<T*>(arena_.allocate(bigger * sizeof(T), alignof(T)));
    for (std::uint32_t i = 0; i < size; ++i) new (fresh + i) T(data[i]);
    data = fresh;
    capacity = bigger;
}

void Tree::push(Node& list, Node* item) {
    grow(list.items.data, list.items.size, list.items.capacity);
    new (list.items.data + list.items.size++) Node*(item);
}

Entry& Tree::add(Node& map, std::string_view key, Node* value, Pos key_pos) {
    grow(map.entries.data, map.entries.size, map.entries.capacity);
    return *new (map.entries.data + map.entries.size++) Entry{key, value, key_pos};
}

Entry& Tree::set(Node& map, std::string_view key, Node* value, Pos key_pos) {
    if (Entry* e = map.find_entry(key)) {
        e->value = value;
        if (key_pos.line) e->key_pos = key_pos;
        return *e;
    }
    return add(map, key, value, key_pos);
}

std::uint16_t Tree::add_file(std::string name, std::string text) {
    files_.push_back({std::move(name), std::move(text)});
    return static_cast<std::uint16_t>(files_.size());
}

SourcePos Tree::where(Pos at) const {
    if (at.file == 0 || at.file > files_.size()) return {};
    return {files_[at.file - 1u].name, static_cast<int>(at.line), static_cast<int>(at.column)};
}

std::string_view Tree::line_text(Pos at) const {
    if (at.file == 0 || at.file > files_.size() || at.line == 0) return {};
    std::string_view text = files_[at.file - 1u].text;
    for (std::uint32_t line = 1; line < at.line; ++line) {
        std::size_t end = text.find('\n');
        if (end == std::string_view::npos) return {};
        text.remove_prefix(end + 1);
    }
    std::string_view line = text.substr(0, text.find('\n'));
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    return line;
}

} // namespace davit::yaml
