#include "stack/fields.hpp"

#include "stack/text.hpp"

namespace davit::stack {

using compose::Entry;
using compose::Kind;
using compose::Node;

bool is_zero(const Node& n) {
    switch (n.kind) {
    case Kind::null: return true;
    case Kind::boolean: return !n.boolean;
    case Kind::integer: return n.integer == 0;
    case Kind::real: return n.real == 0;
    case Kind::string: return n.str().empty();
    default: return n.empty();
    }
}

std::string text_of(const Node& record, std::string_view key) {
    const Node* n = record.find(key);
    return n ? to_text(*n) : std::string();
}

std::optional<std::int64_t> integer_of(const Node& record, std::string_view key) {
    const Node* n = record.find(key);
    if (n && n->kind == Kind::integer) return n->integer;
    if (n && n->kind == Kind::real) return static_cast<std::int64_t>(n->real);
    return std::nullopt;
}

double real_of(const Node& record, std::string_view key) {
    const Node* n = record.find(key);
    if (n && n->kind == Kind::real) return n->real;
    return n && n->kind == Kind::integer ? static_cast<double>(n->integer) : 0;
}

std::optional<bool> boolean_of(const Node& record, std::string_view key) {
    const Node* n = record.find(key);
    return n && n->is_bool() ? std::optional(n->boolean) : std::nullopt;
}

std::optional<std::int64_t> duration_of(const Node& record, std::string_view key) {
    const Node* n = record.find(key);
    return n ? go_duration(n->str()) : std::nullopt;
}

std::vector<std::string> texts_of(const Node& record, std::string_view key) {
    std::vector<std::string> out;
    if (const Node* n = record.find(key))
        for (const Node* item : n->list()) out.push_back(to_text(*item));
    return out;
}

std::map<std::string, std::string> map_of(const Node& record, std::string_view key) {
    std::map<std::string, std::string> out;
    if (const Node* n = record.find(key))
        for (const Entry& e : n->map()) out.emplace(e.key, to_text(*e.value));
    return out;
}

const Node& section_of(const Node& record, std::string_view key) {
    static const Node none;
    const Node* n = record.find(key);
    return n ? *n : none;
}

} // namespace davit::stack
