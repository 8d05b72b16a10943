// The rules of one kind out of all rows, as a trie over the places of a compose file. A walk over a tree carries a
// position in it and stops where no rule is below.
#pragma once

#include "compose/attributes/shapes.hpp"

#include <utility>
#include <vector>

namespace davit::compose {

// Where a rule of an attribute applies.
enum class At { value, item, each_value };

template <typename Rule>
class RuleTable {
    struct Step {
        std::vector<std::pair<std::string_view, std::uint32_t>> children; // "*" any key, "[]" list items
        const Rule* rule = nullptr;
    };

public:
    class Cursor {
    public:
        Cursor(const RuleTable* table, std::uint32_t step) : table_(table), step_(step) {}
        // False: no rule here or below.
        explicit operator bool() const { return step_ != none; }
        const Rule* rule() const { return step_ == none ? nullptr : table_->steps_[step_].rule; }
        Cursor key(std::string_view key) const { return child(key, "*"); }
        Cursor item() const { return child("[]", "[]"); }

    private:
        Cursor child(std::string_view name, std::string_view wildcard) const {
            if (step_ == none) return *this;
            std::uint32_t any = none;
            for (const auto& [key, next] : table_->steps_[step_].children) {
                if (key == name && name != "*") return {table_, next};
                if (key == wildcard) any = next;
            }
            return {table_, any};
        }
        const RuleTable* table_;
        std::uint32_t step_;
    };

    // pick: the rule of an attribute, or nullptr.
    using Pick = const Rule* (*)(const Attribute&, At);
    explicit RuleTable(Pick pick) : pick_(pick), steps_(1) { below(0, shapes::project); }
    RuleTable(const RuleTable&) = delete;
    RuleTable& operator=(const RuleTable&) = delete;

    Cursor root() const { return {this, 0}; }

private:
    static constexpr std::uint32_t none = ~0u;

    void below(std::uint32_t at, const Shape& shape) {
        for (const Attribute* a : shape.fields) {
            if (a->internal()) continue;
            const std::uint32_t here = add(at, a->key, pick_(*a, At::value));
            below(here, *a->shape, a);
            drop_if_empty(at, here);
        }
    }

    void below(std::uint32_t at, const Shape& shape, const Attribute* a) {
        below(at, shape);
        group(at, "[]", a ? pick_(*a, At::item) : nullptr, shape.items);
        group(at, "*", a ? pick_(*a, At::each_value) : nullptr, shape.values);
    }

    void group(std::uint32_t at, std::string_view name, const Rule* rule, const Shape* shape) {
        if (!shape) return;
        const std::uint32_t here = add(at, name, rule);
        below(here, *shape, nullptr);
        drop_if_empty(at, here);
    }

    std::uint32_t add(std::uint32_t at, std::string_view name, const Rule* rule) {
        const auto here = static_cast<std::uint32_t>(steps_.size());
        steps_.emplace_back().rule = rule;
        steps_[at].children.emplace_back(name, here);
        return here;
    }

    // What was added below is gone already, so the step is the last.
    void drop_if_empty(std::uint32_t at, std::uint32_t here) {
        if (steps_[here].rule || !steps_[here].children.empty()) return;
        steps_.pop_back();
        steps_[at].children.pop_back();
    }

    Pick pick_;
    std::vector<Step> steps_;
};

// The rules of one kind: rule_table<&Rules::cast>(). The plain value of its enum is no rule.
template <auto Kind>
const auto& rule_table() {
    using Rule = std::remove_cvref_t<decltype(std::declval<Rules>().*Kind)>;
    static const RuleTable<Rule> table([](const Attribute& a, At at) -> const Rule* {
        const Rules& rules = at == At::value ? a.rules : at == At::item ? a.items : a.values;
        return rules.*Kind == Rule{} ? nullptr : &(rules.*Kind);
    });
    return table;
}

} // namespace davit::compose
