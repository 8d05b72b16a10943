// Rules keyed by tree path, as in {"services.*.ports.[]", rule}. The rows are compiled into a trie
// once; a walk carries a position in it and stops where no rule is below.
#pragma once

#include <algorithm>
#include <cstdint>
#include <initializer_list>
#include <string_view>
#include <utility>
#include <vector>

namespace davit::compose {

template <typename Rule>
class PathTable {
    struct Step {
        std::vector<std::pair<std::string_view, std::uint32_t>> children; // "*" any key, "[]" list items
        const Rule* rule = nullptr;
    };

public:
    struct Row {
        std::string_view path;
        Rule rule;
    };

    class Cursor {
    public:
        Cursor(const PathTable* table, std::uint32_t step) : table_(table), step_(step) {}
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
        const PathTable* table_;
        std::uint32_t step_;
    };

    PathTable(std::initializer_list<Row> rows) : rows_(rows), steps_(1) {
        for (const Row& row : rows_) insert(row);
    }
    PathTable(const PathTable&) = delete;
    PathTable& operator=(const PathTable&) = delete;

    Cursor root() const { return {this, 0}; }

private:
    static constexpr std::uint32_t none = ~0u;

    void insert(const Row& row) {
        std::uint32_t at = 0;
        std::string_view rest = row.path;
        while (!rest.empty()) {
            std::string_view name = rest.substr(0, rest.find('.'));
            rest.remove_prefix(std::min(rest.size(), name.size() + 1));
            std::uint32_t next = none;
            for (const auto& [key, step] : steps_[at].children)
                if (key == name) next = step;
            if (next == none) {
                next = static_cast<std::uint32_t>(steps_.size());
                steps_.emplace_back();
                steps_[at].children.emplace_back(name, next);
            }
            at = next;
        }
        steps_[at].rule = &row.rule;
    }

    std::vector<Row> rows_;
    std::vector<Step> steps_;
};

} // namespace davit::compose
