#include "davit/bake.hpp"

#include "bake/definition.hpp"
#include "bake/overrides.hpp"
#include "base/error.hpp"
#include "base/glob.hpp"

#include <algorithm>
#include <fmt/ranges.h>
#include <map>
#include <set>

namespace davit {

namespace {

using baking::Definition;
using baking::Override;
using baking::Part;

void add_new(std::vector<std::string>& to, const std::vector<std::string>& from) {
    for (const std::string& one : from)
        if (std::find(to.begin(), to.end(), one) == to.end()) to.push_back(one);
}

class Baker {
public:
    explicit Baker(const BakeOptions& options) : options_(options), definition_(options) {
        definition_.check_variables();
        names_ = definition_.target_names();
    }

    Baked run() {
        std::vector<std::string> wanted;
        for (const std::string& word :
             options_.targets.empty() ? std::vector<std::string>{"default"} : options_.targets)
            add_new(wanted, named(word));
        for (const std::string& text : options_.overrides) {
            overrides_.push_back(baking::parse_override(text, options_));
            check_pattern(overrides_.back().pattern);
        }
        std::vector<std::string> all;
        for (const std::string& name : wanted) {
            std::map<std::string, Definition::Expanded> seen;
            const Definition::Expanded found = definition_.expand(name, seen);
            add_new(all, found.targets);
            for (const std::string& group : found.groups) add_group(group);
        }
        for (const std::string& name : wanted)
            if (name != "default" || !out_.groups.count(name)) add_new(out_.groups["default"], {name});
        if (const auto found = out_.groups.find("default"); found != out_.groups.end())
            std::sort(found->second.begin(), found->second.end());
        asked_.insert(all.begin(), all.end());
        for (const std::string& one : all) add(one);
        return std::move(out_);
    }

private:
    // What a word of the command line means: itself, or all names that are like it.
    std::vector<std::string> named(std::string word) const {
        std::replace(word.begin(), word.end(), '.', '_'); // as names of services are changed
        if (word.find_first_of("*?[]") == std::string::npos) return {word};
        std::vector<std::string> out;
        for (const auto& all : {definition_.group_names(), names_})
            for (const std::string& name : all)
                if (glob_match(word, name)) add_new(out, {name});
        if (out.empty()) throw error(Errc::not_found, "could not find any target matching \"{}\"", word);
        return out;
    }

    void check_pattern(const std::string& pattern) const {
        if (std::none_of(names_.begin(), names_.end(),
                         [&](const std::string& name) { return name == pattern || glob_match(pattern, name); }))
            throw error(Errc::usage, "could not find any target matching '{}'", pattern)
                .with_hint("--set TARGET.KEY=VALUE, or '*' for all of them");
    }

    void add_group(const std::string& group) {
        out_.groups[group] = definition_.members(group);
        if (const std::string text = definition_.group_description(group); !text.empty())
            out_.group_descriptions[group] = text;
    }

    // With what it inherits; a target that leads to itself adds nothing there.
    const Part* part(const std::string& name, std::map<std::string, std::optional<Part>>& seen) const {
        if (const auto found = seen.find(name); found != seen.end()) return found->second ? &*found->second : nullptr;
        seen[name] = std::nullopt;
        if (!definition_.has_target(name)) {
            std::string known;
            for (const std::string& one : names_) known += (known.empty() ? "" : ", ") + one;
            throw error(Errc::not_found, "failed to find target {}", name)
                .with_hint(known.empty() ? "the files have no targets" : "there are " + known);
        }
        const Part own = definition_.own_part(name);
        Part out;
        for (const std::string& parent : own.inherits)
            if (const Part* inherited = part(parent, seen)) baking::merge(out, *inherited);
        baking::merge(out, own);
        out.inherits.clear();
        std::vector<Override> meant;
        for (const Override& o : overrides_)
            if (o.pattern == name || (!is_exact(o.pattern) && glob_match(o.pattern, name))) meant.push_back(o);
        baking::apply(out, meant);
        baking::normalize(out.target);
        return &seen[name].emplace(std::move(out));
    }

    // A target of that name is meant alone, whatever the word would match.
    bool is_exact(const std::string& pattern) const {
        return std::find(names_.begin(), names_.end(), pattern) != names_.end();
    }

    BakeTarget resolved(const std::string& name) const {
        std::map<std::string, std::optional<Part>> seen;
        const Part found = *part(name, seen);
        BakeTarget out = found.target;
        out.name = name;
        if (!found.has.count("context")) out.context = definition_.default_context(name);
        return out;
    }

    const BakeTarget* made(const std::string& name) const {
        for (const BakeTarget& t : out_.targets)
            if (t.name == name) return &t;
        return nullptr;
    }

    // What its contexts name comes before it.
    void add(const std::string& name) {
        if (made(name)) return;
        path_.push_back(name);
        BakeTarget target = resolved(name);
        constexpr std::string_view prefix = "target:";
        for (const auto& [unused, where] : target.contexts) {
            if (!where.starts_with(prefix)) continue;
            const std::string other = where.substr(prefix.size());
            if (other == name) throw error(Errc::usage, "target {} cannot link to itself", name);
            if (std::find(path_.begin(), path_.end(), other) != path_.end())
                throw error(Errc::usage, "infinite loop from {} to {}", name, other);
            add(other);
            take_over(target, *made(other));
        }
        path_.pop_back();
        // What only others' contexts need goes nowhere else.
        if (!asked_.count(name)) target.outputs = {"type=cacheonly"};
        out_.targets.push_back(std::move(target));
    }

    static void take_over(BakeTarget& to, const BakeTarget& linked) {
        add_new(to.entitlements, linked.entitlements);
        const auto is_there = [&](const std::string& platform) {
            return std::find(linked.platforms.begin(), linked.platforms.end(), platform) != linked.platforms.end();
        };
        if (to.platforms.size() > 1 && linked.platforms.size() > 1 &&
            !std::all_of(to.platforms.begin(), to.platforms.end(), is_there))
            throw error(Errc::usage,
                        "target {} can't be used by {} because its platforms [{}] are not a subset of [{}]",
                        linked.name, to.name, fmt::join(to.platforms, " "), fmt::join(linked.platforms, " "));
    }

    const BakeOptions& options_;
    Definition definition_;
    std::vector<std::string> names_;
    std::vector<Override> overrides_;
    std::set<std::string> asked_;
    std::vector<std::string> path_;
    Baked out_;
};

} // namespace

Baked bake(const BakeOptions& options) { return Baker(options).run(); }

std::vector<BakeVariable> bake_variables(const BakeOptions& options) {
    const Definition definition(options);
    definition.check_variables();
    return definition.variables();
}

std::vector<BakeName> bake_names(const BakeOptions& options) {
    const Definition definition(options);
    definition.check_variables();
    return definition.names();
}

} // namespace davit
