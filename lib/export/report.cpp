#include "export/report.hpp"

#include "compose/attributes/shapes.hpp"
#include "compose/codec.hpp"
#include "export/common.hpp"
#include "model/ecs_task.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace davit::exports {

namespace {

using compose::Shape;
using compose::Tree;

class Walk {
public:
    explicit Walk(std::vector<Leaf>& out) : out_(out) {}

    void node(const yaml::Node& n, const Shape& shape, const std::string& path, const std::string& schema) {
        const auto before = out_.size();
        if (n.is_map()) entries(n, shape, path, schema);
        else if (n.is_list() && shape.items && has_rows(*shape.items)) items(n, *shape.items, path, schema);
        if (out_.size() == before && !path.empty()) out_.push_back({path, schema, n.is_scalar() ? to_text(n) : ""});
    }

private:
    static bool has_rows(const Shape& s) {
        return s.fields.begin() != s.fields.end() || (s.values && has_rows(*s.values)) ||
               (s.items && has_rows(*s.items));
    }
    static std::string below(const std::string& path, std::string_view key) {
        return path.empty() ? std::string(key) : fmt::format("{}.{}", path, key);
    }
    void entries(const yaml::Node& n, const Shape& shape, const std::string& path, const std::string& schema) {
        for (const yaml::Entry& e : n.map()) {
            if (const compose::Attribute* a = shape.fields.find(e.key))
                node(*e.value, *a->shape, below(path, e.key), below(schema, e.key));
            else if (shape.fields.begin() != shape.fields.end() && e.key.starts_with("x-"))
                out_.push_back({below(path, e.key), below(schema, "x-*"), ""});
            else if (shape.values && has_rows(*shape.values))
                node(*e.value, *shape.values, below(path, e.key), schema + ".*");
            else if (shape.fields.begin() != shape.fields.end())
                out_.push_back({below(path, e.key), below(schema, e.key), ""}); // options of a log driver
        }
    }
    void items(const yaml::Node& n, const Shape& item, const std::string& path, const std::string& schema) {
        const auto all = n.list();
        for (std::size_t i = 0; i < all.size(); ++i)
            node(*all[i], item, fmt::format("{}[{}]", path, i), schema + ".[]");
    }

    std::vector<Leaf>& out_;
};

void collect_paths(const Shape& shape, const std::string& path, std::vector<std::string>& out) {
    for (const compose::Attribute* a : shape.fields) {
        if (a->internal()) continue;
        const std::string here = (path.empty() ? "" : path + ".") + std::string(a->key);
        out.push_back(here);
        collect_paths(*a->shape, here, out);
    }
    if (shape.items) collect_paths(*shape.items, path + ".[]", out);
    if (shape.values) collect_paths(*shape.values, path + ".*", out);
}

ExportFinding by_rule(const Leaf& leaf, const Rule* rule) {
    ExportFinding out;
    out.path = leaf.path;
    if (!rule) {
        out.kind = Kind::dropped;
        out.why = "davit has no rule for it";
        return out;
    }
    out.kind = rule->kind;
    if (rule->kind == Kind::adjusted) out.from = leaf.text;
    out.to = rule->to;
    out.why = rule->why;
    out.hint = rule->hint;
    return out;
}

// Whose the key is: what a task definition says in ECS's words alone is lost to the others.
ExportFinding of_extension(const Leaf& leaf, std::string_view prefix) {
    const std::string_view key = extension_key(leaf);
    ExportFinding out;
    out.path = leaf.path;
    if (!prefix.empty() && key.starts_with(prefix)) return unread_extension(leaf, prefix).value_or(out);
    const bool raw = key == "x-aws-task-definition" || key == "x-aws-container" || key == "x-aws-service";
    if (raw) {
        out.kind = Kind::adjusted;
        out.to = left_out;
        out.why = "it is said in the words of ECS, for ECS";
    } else if (key.starts_with("x-aws-") || key == ecs_task_key) out.why = "it is for ECS";
    else if (key.starts_with("x-k8s-")) out.why = "it is for Kubernetes";
    else out.why = "an extension: it means as little here as to compose";
    return out;
}

template <typename Map>
SourcePos origin_in(const Map& map, std::string_view path, std::string_view section) {
    if (!path.starts_with(section)) return {};
    std::string_view rest = path.substr(section.size());
    // Names of resources may have dots: the longest that is one.
    for (std::size_t end = rest.size(); end != std::string_view::npos && end; end = rest.rfind('.', end - 1))
        if (const auto it = map.find(std::string(rest.substr(0, end))); it != map.end()) return it->second.origin.pos;
    return {};
}

} // namespace

Rules::Rules(std::span<const Rule> table) {
    for (const Rule& rule : table)
        for (std::string_view rest = rule.paths; !rest.empty();) {
            const std::size_t end = std::min(rest.find(' '), rest.size());
            std::string_view path = rest.substr(0, end);
            rest.remove_prefix(std::min(end + 1, rest.size()));
            if (path.ends_with(".**")) below_.emplace(path.substr(0, path.size() - 3), &rule);
            else exact_.emplace(path, &rule);
        }
}

const Rule* Rules::find(std::string_view path) const {
    if (const auto it = exact_.find(path); it != exact_.end()) return it->second;
    while (true) {
        if (const auto it = below_.find(path); it != below_.end()) return it->second;
        const std::size_t dot = path.rfind('.');
        if (dot == std::string_view::npos) return nullptr;
        path = path.substr(0, dot);
    }
}

std::vector<Leaf> leaves_of(const Project& project) {
    Tree tree;
    Project written = project;
    for (auto& [name, service] : written.services)
        std::erase_if(service.depends_on, [](const auto& d) { return d.second.inferred; });
    const yaml::Node* root = compose::encode_project(tree, written, false);
    std::vector<Leaf> out;
    Walk(out).node(*root, compose::shapes::project, "", "");
    return out;
}

std::vector<std::string> schema_paths() {
    std::vector<std::string> out;
    collect_paths(compose::shapes::project, "", out);
    return out;
}

Report::Report(const Project& project) : project_(project) {
    for (const auto& [name, service] : project.services)
        for (const auto& [other, dependency] : service.depends_on)
            if (dependency.inferred) inferred_.insert(fmt::format("services.{}.depends_on.{}", name, other));
}

bool Report::is_inferred(std::string_view path) const {
    for (std::size_t end = path.size(); end != std::string_view::npos && end; end = path.rfind('.', end - 1))
        if (inferred_.contains(path.substr(0, end))) return true;
    return false;
}

void Report::note(ExportFinding finding) {
    if (is_inferred(finding.path)) return;
    finding.at = place(finding.path);
    const auto [it, added] = notes_.try_emplace(finding.path, finding);
    if (added) return;
    ExportFinding& old = it->second;
    if (old.why.find(finding.why) != std::string::npos) return;
    if (finding.kind > old.kind) old.kind = finding.kind;
    old.why += (old.why.empty() ? "" : "; ") + finding.why;
    if (old.hint.empty()) old.hint = std::move(finding.hint);
    if (old.to.empty()) old.to = std::move(finding.to);
}

void Report::exact(std::string path, std::string why) {
    note({Kind::exact, std::move(path), {}, {}, {}, std::move(why), {}});
}

void Report::adjusted(std::string path, std::string to, std::string why, std::string hint) {
    note({Kind::adjusted, std::move(path), {}, {}, std::move(to), std::move(why), std::move(hint)});
}

void Report::adjusted_from(std::string path, std::string from, std::string to, std::string why, std::string hint) {
    note({Kind::adjusted, std::move(path), {}, std::move(from), std::move(to), std::move(why), std::move(hint)});
}

void Report::dropped(std::string path, std::string why, std::string hint) {
    note({Kind::dropped, std::move(path), {}, {}, {}, std::move(why), std::move(hint)});
}

void Report::needs(std::string path, std::string why, std::string input) {
    note({Kind::needs_input, std::move(path), {}, {}, {}, std::move(why), std::move(input)});
}

SourcePos Report::place(std::string_view path) const {
    for (const SourcePos& at :
         {origin_in(project_.services, path, "services."), origin_in(project_.networks, path, "networks."),
          origin_in(project_.volumes, path, "volumes."), origin_in(project_.secrets, path, "secrets."),
          origin_in(project_.configs, path, "configs.")})
        if (at.line) return at;
    return {};
}

std::vector<ExportFinding> Report::finish(const Rules& rules, std::string_view prefix) const {
    std::vector<ExportFinding> out;
    std::map<std::string_view, bool> used;
    for (const Leaf& leaf : leaves_of(project_)) {
        // A note on the path itself, or on what it stands in.
        const ExportFinding* noted = nullptr;
        for (std::string_view p = leaf.path; !noted;) {
            if (const auto it = notes_.find(p); it != notes_.end()) noted = &it->second;
            const std::size_t cut = p.find_last_of(".[");
            if (cut == std::string_view::npos) break;
            p = p.substr(0, cut);
        }
        // A note on a whole service is about the service: its keys still have their own rules.
        if (noted && (noted->path.starts_with("x-") || std::count(noted->path.begin(), noted->path.end(), '.') >= 1) &&
            !project_.services.contains(noted->path.starts_with("services.") ? noted->path.substr(9) : "")) {
            if (used[noted->path]) continue;
            used[noted->path] = true;
            out.push_back(*noted);
            if (noted->path == leaf.path && noted->kind == Kind::adjusted && noted->from.empty())
                out.back().from = leaf.text;
        } else if (leaf.schema.ends_with(".x-*") || leaf.schema == "x-*") {
            out.push_back(of_extension(leaf, prefix));
        } else {
            out.push_back(by_rule(leaf, rules.find(leaf.schema)));
        }
        if (!out.back().at.line) out.back().at = place(out.back().path);
    }
    for (const auto& [path, finding] : notes_)
        if (!used[path] && finding.kind != Kind::exact) out.push_back(finding);
    return out;
}

} // namespace davit::exports
