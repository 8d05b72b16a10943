#include "bake/definition.hpp"

#include "base/error.hpp"

#include <algorithm>
#include <filesystem>
#include <set>

namespace davit::baking {

namespace {

constexpr std::size_t most_of_matrix = 1000;

// A target's name is a word of letters, digits, "_" and "-".
void check_target_name(const std::string& name, const SourcePos& at) {
    constexpr const char* allowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
    if (name.empty() || name.find_first_not_of(allowed) != std::string::npos)
        throw error(Errc::usage, "Invalid name; only \"[a-zA-Z0-9_-]+\" are allowed").with_at(at);
}

} // namespace

Definition::Definition(const BakeOptions& options) : options_(options) {
    std::vector<Body> bodies;
    for (const BakeFile& file : options.files) {
        bodies.push_back(file.name.ends_with(".json") ? parse_json(file.text, file.name)
                                                      : parse_hcl(file.text, file.name));
        read(bodies.back());
    }
    // A matrix and its names may need any variable and function of all files.
    for (const Body& body : bodies)
        for (const Block& block : body.blocks) {
            if (block.type != "target") continue;
            if (block.body.find("matrix")) add_matrix(block.labels.front(), block);
            else if (block.body.find("name"))
                throw error(Errc::usage, "Invalid name; name requires matrix").with_at(block.at);
            else add_target(block.labels.front(), block);
        }
}

void Definition::read(const Body& body) {
    for (const Attribute& a : body.attributes) plain_[a.name] = a.value;
    for (const Block& block : body.blocks) {
        if (block.labels.size() != 1)
            throw error(Errc::usage, "a block {} needs one name", block.type).with_at(block.at);
        const std::string& label = block.labels.front();
        if (block.type == "variable") variables_[label] = block.body;
        else if (block.type == "function") functions_[label] = block.body;
        else if (block.type == "group") groups_[label] = block.body;
        else if (block.type != "target")
            throw error(Errc::usage, "a bake file has no blocks of the type \"{}\"", block.type)
                .with_at(block.at)
                .with_hint("target, group, variable or function");
    }
}

void Definition::add_target(const std::string& name, const Block& block) {
    check_target_name(name, block.at);
    targets_[name].blocks.push_back({block.body, {}});
    targets_[name].file = block.at.file;
}

// One target for each combination of the values.
void Definition::add_matrix(const std::string& name, const Block& block) {
    const Value matrix = evaluate(*block.body.find("matrix"), scope());
    std::vector<std::map<std::string, Value>> all(1);
    for (const auto& [key, values] : matrix.object) {
        std::vector<std::map<std::string, Value>> longer;
        for (const auto& begun : all)
            for (const Value& value : values.list) {
                longer.push_back(begun);
                longer.back()[key] = value;
            }
        all = std::move(longer);
        if (all.size() > most_of_matrix)
            throw error(Errc::usage, "the matrix of {} has more than {} targets", name, most_of_matrix)
                .with_at(block.at);
    }
    const Expression* naming = block.body.find("name");
    if (!naming && all.size() > 1)
        throw error(Errc::usage, "the target {} has a matrix, and so needs a `name`", name).with_at(block.at);
    std::set<std::string> names;
    for (const auto& values : all) {
        const std::string own = naming ? text_of(evaluate(*naming, scope(values))) : name;
        check_target_name(own, block.at);
        if (!names.insert(own).second)
            throw error(Errc::usage, "Invalid name; duplicate name \"{}\"", own).with_at(block.at);
        targets_[own].blocks.push_back({block.body, values});
        targets_[own].file = block.at.file;
        if (auto& all_names = matrices_[name];
            own != name && std::find(all_names.begin(), all_names.end(), own) == all_names.end())
            all_names.push_back(own);
    }
}

Scope Definition::scope(const std::map<std::string, Value>& own) const {
    return {[this, own](const std::string& name) -> std::optional<Value> {
                if (const auto found = own.find(name); found != own.end()) return found->second;
                return variable(name);
            },
            [this](const std::string& name, const std::vector<Value>& arguments) { return call(name, arguments); },
            [this](const std::string& type, const std::string& name, const std::string& wanted) {
                return attribute(type, name, wanted);
            }};
}

// What the block itself says, without what it inherits; null where it says nothing of it.
std::optional<Value> Definition::attribute(const std::string& type, const std::string& name,
                                           const std::string& wanted) const {
    std::vector<TargetBlock> blocks;
    if (const auto group = groups_.find(name); type == "group" && group != groups_.end())
        blocks.push_back({group->second, {}});
    if (const auto found = targets_.find(name); type == "target" && found != targets_.end())
        blocks = found->second.blocks;
    if (blocks.empty()) throw error(Errc::usage, "there is no {} named \"{}\"", type, name);
    const std::string path = type + "." + name + "." + wanted;
    if (!evaluating_.insert(path).second) throw error(Errc::usage, "{} needs itself", path);
    struct Leave {
        std::set<std::string>& of;
        const std::string& name;
        ~Leave() { of.erase(name); }
    } const leave{evaluating_, path};
    Value out;
    for (const TargetBlock& block : blocks)
        for (const Attribute& a : block.body.attributes) {
            if (a.name != wanted) continue;
            Value value = placed(a, evaluate(a.value, scope(block.matrix)));
            // Maps are put together, key by key; all else is replaced.
            if (out.is(Value::Kind::object) && value.is(Value::Kind::object))
                for (auto& [key, one] : value.object) out.set(key, std::move(one));
            else out = std::move(value);
        }
    return out;
}

namespace {

std::string directory_of(const std::string& file) {
    const std::size_t slash = file.rfind('/');
    return slash == std::string::npos ? "" : file.substr(0, slash == 0 ? 1 : slash);
}

// A path of this machine that starts where the process stands.
bool is_relative(const std::string& path) {
    for (const char* other : {"/", "cwd://", "target:", "docker-image:", "oci-layout://"})
        if (path.starts_with(other)) return false;
    return !path.empty() && path.find("://") == std::string::npos && !path.starts_with("git@");
}

std::string below(const std::string& directory, const std::string& path) {
    if (directory.empty() || !is_relative(path)) return path;
    std::string out = (std::filesystem::path(directory) / path).lexically_normal().string();
    if (out.size() > 1 && out.ends_with('/')) out.pop_back();
    return out;
}

} // namespace

// Contexts are meant from the directory of the file that names them, where that is asked for; what refers to
// another block has been placed there.
Value Definition::placed(const Attribute& a, Value value) const {
    const bool refers = a.value.kind == Expression::Kind::index;
    if (!options_.file_relative_paths || refers) return value;
    const std::string directory = directory_of(a.value.at.file);
    if (a.name == "context" && value.kind == Value::Kind::text) return Value::of(below(directory, value.text));
    if (a.name == "contexts")
        for (auto& [key, one] : value.object)
            if (one.kind == Value::Kind::text) one = Value::of(below(directory, one.text));
    return value;
}

std::string Definition::default_context(const std::string& target) const {
    const auto found = targets_.find(target);
    if (!options_.file_relative_paths || found == targets_.end()) return ".";
    return below(directory_of(found->second.file), ".");
}

namespace {

// A name, which JSON writes as a string.
std::string word_of(const Expression& e) { return e.is_name() ? e.name : text_of(evaluate(e, {})); }

} // namespace

std::optional<Value> Definition::call(const std::string& name, const std::vector<Value>& arguments) const {
    const auto found = functions_.find(name);
    if (found == functions_.end()) return std::nullopt;
    const Expression *params = found->second.find("params"), *result = found->second.find("result");
    if (!result) throw error(Errc::usage, "the function {} has no result", name);
    std::map<std::string, Value> own;
    std::size_t next = 0;
    if (params)
        for (const Expression& param : params->children) {
            if (next == arguments.size()) throw error(Errc::usage, "the function {} needs {}", name, param.name);
            own[word_of(param)] = arguments[next++];
        }
    if (const Expression* rest = found->second.find("variadic_params"))
        own[word_of(rest->children.empty() ? *rest : rest->children.front())] =
            Value::of(std::vector<Value>(arguments.begin() + static_cast<std::ptrdiff_t>(next), arguments.end()));
    else if (next != arguments.size()) throw error(Errc::usage, "the function {} takes {} arguments", name, next);
    return evaluate(*result, scope(own));
}

std::vector<std::string> Definition::strings(const Expression* list, const std::map<std::string, Value>& own) const {
    std::vector<std::string> out;
    if (!list) return out;
    const Value value = evaluate(*list, scope(own));
    if (value.is(Value::Kind::null)) return out;
    for (const Value& one : value.list) out.push_back(text_of(one));
    if (value.kind != Value::Kind::list) out.push_back(text_of(value));
    return out;
}

std::vector<std::string> Definition::compose_names() const {
    std::vector<std::string> out;
    for (const BakeTarget& t : options_.from_compose) out.push_back(t.name);
    return out;
}

bool Definition::is_group(const std::string& name) const {
    return groups_.count(name) || matrices_.count(name) || (name == "default" && !options_.from_compose.empty());
}

std::vector<std::string> Definition::members(const std::string& group) const {
    std::vector<std::string> all, out;
    if (const auto found = groups_.find(group); found != groups_.end()) all = strings(found->second.find("targets"));
    else if (const auto matrix = matrices_.find(group); matrix != matrices_.end()) all = matrix->second;
    else if (is_group(group)) all = compose_names();
    for (std::string& one : all)
        if (std::find(out.begin(), out.end(), one) == out.end()) out.push_back(std::move(one));
    return out;
}

// A group that leads to itself is taken for a target there, which nobody has.
Definition::Expanded Definition::expand(const std::string& name, std::map<std::string, Expanded>& seen) const {
    if (const auto found = seen.find(name); found != seen.end()) return found->second;
    if (!is_group(name)) return {{name}, {}};
    seen[name] = {};
    Expanded out{{}, {name}};
    // Each once: groups of groups would double them at each level.
    std::set<std::string> targets, groups{name};
    for (const std::string& member : members(name)) {
        Expanded inner = expand(member, seen);
        if (inner.targets.empty()) inner.targets.push_back(member);
        for (std::string& one : inner.targets)
            if (targets.insert(one).second) out.targets.push_back(std::move(one));
        for (std::string& one : inner.groups)
            if (groups.insert(one).second) out.groups.push_back(std::move(one));
    }
    return seen[name] = out;
}

std::string Definition::group_description(const std::string& group) const {
    const auto found = groups_.find(group);
    return found == groups_.end() ? std::string() : text_at(found->second, "description");
}

std::vector<std::string> Definition::group_names() const {
    std::vector<std::string> out;
    for (const auto& [name, unused] : groups_) out.push_back(name);
    for (const auto& [name, unused] : matrices_)
        if (!groups_.count(name)) out.push_back(name);
    if (is_group("default") && !groups_.count("default") && !matrices_.count("default")) out.emplace_back("default");
    return out;
}

bool Definition::has_target(const std::string& name) const {
    const auto is_this = [&](const BakeTarget& t) { return t.name == name; };
    return targets_.count(name) || std::any_of(options_.from_compose.begin(), options_.from_compose.end(), is_this);
}

Part Definition::own_part(const std::string& name) const {
    Part out;
    for (const BakeTarget& target : options_.from_compose)
        if (target.name == name) out = part_of(target);
    const auto found = targets_.find(name);
    if (found == targets_.end()) return out;
    for (const TargetBlock& block : found->second.blocks) {
        Part one;
        for (const Attribute& a : block.body.attributes)
            if (a.name == "inherits") one.inherits = strings(&a.value, block.matrix);
            else if (a.name != "matrix" && a.name != "name")
                in_context("target " + name,
                           [&] { set_attribute(one, a.name, placed(a, evaluate(a.value, scope(block.matrix)))); });
        merge(out, one);
    }
    return out;
}

std::vector<std::string> Definition::target_names() const {
    std::vector<std::string> out = compose_names();
    for (const auto& [name, unused] : targets_)
        if (std::find(out.begin(), out.end(), name) == out.end()) out.push_back(name);
    return out;
}

} // namespace davit::baking
