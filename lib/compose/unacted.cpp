#include "compose/unacted.hpp"

#include "compose/attributes/rule_table.hpp"
#include "compose/diagnostics.hpp"

#include <algorithm>

namespace davit::compose {

namespace {

const RuleTable<Unacted>& table() {
    static const RuleTable<Unacted> out([](const Attribute& a, At at) -> const Unacted* {
        return at == At::value && !a.unacted.why.empty() ? &a.unacted : nullptr;
    });
    return out;
}

void say(const Tree& tree, const Entry& e, const Path& path, const std::string& what, std::string_view why,
         std::vector<Diagnostic>& out) {
    const Pos pos = e.key_pos.line ? e.key_pos : e.value->pos;
    out.push_back({Diagnostic::Severity::warning,
                   tree.where(pos),
                   path.text(),
                   fmt::format("{}: {}", what, why),
                   {},
                   std::string(tree.line_text(pos))});
}

bool acts(const Unacted& rule, std::string_view key) {
    return std::find(rule.acted.begin(), rule.acted.end(), key) != rule.acted.end();
}

void walk(const Tree& tree, const Entry& e, RuleTable<Unacted>::Cursor at, Path& path, std::vector<Diagnostic>& out) {
    if (!at) return;
    const Node& n = *e.value;
    const Unacted* rule = at.rule();
    bool off = n.is_null() || (n.is_bool() && !n.boolean) || n.empty();
    const std::string nothing = "is read but has no effect";
    if (rule && !rule->acted.empty() && n.is_map()) {
        for (const Entry& child : n.map()) {
            auto step = path.key(child.key);
            if (!acts(*rule, child.key)) say(tree, child, path, nothing, rule->why, out);
        }
    } else if (rule && !off) {
        const bool any = rule->only.empty() && rule->acted.empty();
        const bool second = !rule->other.empty() && n.str() == rule->other;
        if (any || second || (rule->only.empty() ? !acts(*rule, n.str()) : n.str() == rule->only))
            say(tree, e, path, any ? nothing : fmt::format("the value '{}' has no effect", n.str()),
                second ? rule->other_why : rule->why, out);
    }
    for (const Entry& child : n.map()) {
        auto below = at.key(child.key);
        if (!below) continue;
        auto step = path.key(child.key);
        walk(tree, child, below, path, out);
    }
    auto items = n.list();
    for (std::size_t i = 0; i < items.size(); ++i) {
        auto step = path.item(i);
        walk(tree, {{}, items[i], items[i]->pos}, at.item(), path, out);
    }
}

} // namespace

std::vector<Diagnostic> find_unacted(const Tree& tree, const Node& document) {
    std::vector<Diagnostic> out;
    Path path;
    for (const Entry& section : document.map()) {
        auto step = path.key(section.key);
        walk(tree, section, table().root().key(section.key), path, out);
    }
    return out;
}

} // namespace davit::compose

namespace davit {

std::vector<Diagnostic> unacted_attributes(const LoadResult& loaded) {
    auto enabled = [&](const Diagnostic& d) {
        std::string_view path = d.path;
        if (path.substr(0, 9) == "services.") {
            // Names may have dots: the enabled service whose name the path starts with.
            for (const auto& [name, unused] : loaded.project.services)
                if (path.substr(9, name.size() + 1) == name + ".") return true;
            return false;
        }
        auto in = [&](std::string_view section, const auto& map) {
            for (const auto& [name, unused] : map)
                if (path.substr(0, section.size() + name.size() + 2) == fmt::format("{}.{}.", section, name))
                    return true;
            return false;
        };
        const Project& p = loaded.project;
        return in("configs", p.configs) || in("secrets", p.secrets) || in("networks", p.networks) ||
               in("volumes", p.volumes);
    };
    std::vector<Diagnostic> out;
    for (const Diagnostic& d : loaded.unacted)
        if (enabled(d)) out.push_back(d);
    return out;
}

} // namespace davit
