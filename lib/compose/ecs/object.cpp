#include "compose/ecs/object.hpp"

#include "base/words.hpp"

#include <algorithm>
#include <fmt/ranges.h>

namespace davit::compose::ecs {

bool says_nothing(const Node& n) {
    return n.is_null() || (n.is_string() && n.str().empty()) || ((n.is_list() || n.is_map()) && n.empty());
}

const Node* Object::take(std::string_view key) {
    if (std::find(known_.begin(), known_.end(), key) == known_.end()) known_.push_back(key);
    const Node* found = node_->find(key);
    return found && found->is_null() ? nullptr : found;
}

Pos Object::at(std::string_view key) const {
    const Node* found = node_->find(key);
    return found ? found->pos : node_->pos;
}

const Node* Object::typed(std::string_view key, Kind kind, const char* what) {
    const Node* found = take(key);
    if (!found || found->kind == kind) return found;
    diag_->error(found->pos, path(key), fmt::format("must be {}", what));
    return nullptr;
}

const Node* Object::text(std::string_view key) { return typed(key, Kind::string, "a text"); }
const Node* Object::number(std::string_view key) { return typed(key, Kind::integer, "a whole number"); }
const Node* Object::flag(std::string_view key) { return typed(key, Kind::boolean, "true or false"); }
const Node* Object::list(std::string_view key) { return typed(key, Kind::list, "a list"); }
const Node* Object::map(std::string_view key) { return typed(key, Kind::map, "an object"); }
const Node* Object::anything(std::string_view key) { return take(key); }

std::string Object::word(std::string_view key) {
    const Node* n = text(key);
    return n ? std::string(n->str()) : std::string();
}

std::optional<std::int64_t> Object::whole(std::string_view key) {
    const Node* n = number(key);
    if (!n) return std::nullopt;
    if (n->integer < 0) {
        error(key, "must not be negative");
        return std::nullopt;
    }
    return n->integer;
}

bool Object::truth(std::string_view key, bool otherwise) {
    const Node* n = flag(key);
    return n ? n->boolean : otherwise;
}

std::vector<Object> Object::objects(std::string_view key) {
    std::vector<Object> out;
    const Node* items = list(key);
    if (!items) return out;
    std::size_t number = 0;
    for (const Node* item : items->list()) {
        std::string where = fmt::format("{}[{}]", path(key), number++);
        if (item->is_map()) out.emplace_back(*item, std::move(where), *diag_);
        else diag_->error(item->pos, where, "must be an object");
    }
    return out;
}

std::vector<const Node*> Object::texts(std::string_view key) {
    std::vector<const Node*> out;
    const Node* items = list(key);
    if (!items) return out;
    std::size_t number = 0;
    for (const Node* item : items->list()) {
        if (item->is_string()) out.push_back(item);
        else diag_->error(item->pos, fmt::format("{}[{}]", path(key), number), "must be a text");
        ++number;
    }
    return out;
}

std::optional<Object> Object::object(std::string_view key) {
    const Node* n = map(key);
    if (!n) return std::nullopt;
    return Object(*n, path(key), *diag_);
}

std::string Object::required(std::string_view key) {
    std::string out = word(key);
    const Node* there = node_->find(key);
    if (out.empty() && (!there || says_nothing(*there))) error(key, fmt::format("needs '{}'", key));
    return out;
}

void Object::printed(std::initializer_list<std::string_view> keys) { known_.insert(known_.end(), keys); }

void Object::for_aws(std::initializer_list<std::string_view> keys, ForAws& all) {
    for (std::string_view key : keys) {
        const Node* n = take(key);
        if (!n || says_nothing(*n)) continue;
        if (all.keys.empty()) all.at = node_->find_entry(key)->key_pos;
        if (std::find(all.keys.begin(), all.keys.end(), key) == all.keys.end()) all.keys.emplace_back(key);
    }
}

void Object::no_effect(std::string_view key, std::string_view why, std::string_view hint) {
    const Node* n = take(key);
    if (n && !says_nothing(*n)) warning(key, fmt::format("has no effect: {}", why), std::string(hint));
}

void Object::error(std::string_view key, std::string message, std::string hint) const {
    diag_->error(at(key), node_->has(key) ? path(key) : path_, std::move(message), std::move(hint));
}

void Object::warning(std::string_view key, std::string message, std::string hint) const {
    diag_->warning(at(key), node_->has(key) ? path(key) : path_, std::move(message), std::move(hint));
}

void Object::finish() const {
    for (const Entry& e : node_->map()) {
        if (std::find(known_.begin(), known_.end(), e.key) != known_.end()) continue;
        const auto near = nearest(e.key, {known_.data(), known_.size()});
        diag_->warning(e.key_pos, path(e.key), "this key is not known here and is ignored",
                       near ? fmt::format("did you mean '{}'?", *near) : std::string());
    }
}

} // namespace davit::compose::ecs
