#include "bake/definition.hpp"

#include "base/error.hpp"

#include <algorithm>
#include <filesystem>

namespace davit::baking {

namespace {

constexpr std::size_t most_of_matrix = 1000;

void put(Attributes& to, const std::string& name, Value value) {
    for (auto& [known, old] : to)
        if (known == name) {
            // Maps are put together, key by key; all else is replaced.
            if (old.kind == Value::Kind::object && value.kind == Value::Kind::object)
                for (auto& [key, one] : value.object) old.set(key, std::move(one));
            else old = std::move(value);
            return;
        }
    to.emplace_back(name, std::move(value));
}

} // namespace

Definition::Definition(const BakeOptions& options) : options_(options) {
    for (const BakeFile& file : options.files)
        read(file.name.ends_with(".json") ? parse_json(file.text, file.name) : parse_hcl(file.text, file.name));
}

void Definition::read(const Body& body) {
    for (const Attribute& a : body.attributes) plain_[a.name] = a.value;
    // A matrix's name may need any variable and function.
    for (const Block& block : body.blocks) {
        const std::string label = block.labels.empty() ? "" : block.labels.front();
        if (block.labels.size() != 1)
            throw error(Errc::usage, "a block {} needs one name", block.type).with_at(block.at);
        if (block.type == "variable") variables_[label] = block.body;
        else if (block.type == "function") functions_[label] = block.body;
        else if (block.type == "group") groups_[label] = block.body;
        else if (block.type != "target")
            throw error(Errc::usage, "a bake file has no blocks of the type \"{}\"", block.type)
                .with_at(block.at)
                .with_hint("target, group, variable or function");
    }
    for (const Block& block : body.blocks) {
        if (block.type != "target") continue;
        if (block.body.find("matrix")) add_matrix(block.labels.front(), block);
        else add_target(block.labels.front(), block);
    }
}

void Definition::add_target(const std::string& name, const Block& block) {
    targets_[name].bodies.push_back(block.body);
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
    for (const auto& values : all) {
        const std::string own = naming ? text_of(evaluate(*naming, scope(values))) : name;
        targets_[own].bodies.push_back(block.body);
        targets_[own].file = block.at.file;
        targets_[own].matrix = values;
        if (own != name) matrices_[name].push_back(own);
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
    std::vector<const Body*> bodies;
    std::map<std::string, Value> own;
    if (const auto group = groups_.find(name); type == "group" && group != groups_.end()) bodies = {&group->second};
    if (const auto found = targets_.find(name); type == "target" && found != targets_.end()) {
        for (const Body& body : found->second.bodies) bodies.push_back(&body);
        own = found->second.matrix;
    }
    if (bodies.empty()) throw error(Errc::usage, "there is no {} named \"{}\"", type, name);
    const std::string path = type + "." + name + "." + wanted;
    if (!evaluating_.insert(path).second) throw error(Errc::usage, "{} needs itself", path);
    struct Leave {
        std::set<std::string>& of;
        const std::string& name;
        ~Leave() { of.erase(name); }
    } const leave{evaluating_, path};
    Attributes out;
    for (const Body* body : bodies)
        for (const Attribute& a : body->attributes)
            if (a.name == wanted) put(out, a.name, placed(a, evaluate(a.value, scope(own))));
    return out.empty() ? Value{} : std::move(out.front().second);
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
            own[param.name] = arguments[next++];
        }
    if (const Expression* rest = found->second.find("variadic_params"); rest && !rest->children.empty())
        own[rest->children[0].name] =
            Value::of(std::vector<Value>(arguments.begin() + static_cast<std::ptrdiff_t>(next), arguments.end()));
    else if (next != arguments.size()) throw error(Errc::usage, "the function {} takes {} arguments", name, next);
    return evaluate(*result, scope(own));
}

std::vector<std::string> Definition::strings(const Expression* list) const {
    std::vector<std::string> out;
    if (!list) return out;
    const Value value = evaluate(*list, scope());
    for (const Value& one : value.list) out.push_back(text_of(one));
    if (value.kind != Value::Kind::list) out.push_back(text_of(value));
    return out;
}

std::vector<std::string> Definition::members(const std::string& group) const {
    if (const auto matrix = matrices_.find(group); matrix != matrices_.end()) return matrix->second;
    const auto found = groups_.find(group);
    return found == groups_.end() ? std::vector<std::string>{} : strings(found->second.find("targets"));
}

void Definition::collect(const std::string& name, std::vector<std::string>& to, std::set<std::string>& seen) const {
    if (!seen.insert(name).second) return;
    if (has_target(name) && !groups_.count(name)) to.push_back(name);
    else if (is_group(name))
        for (const std::string& member : members(name)) collect(member, to, seen);
    else {
        std::string known;
        for (const std::string& one : target_names()) known += (known.empty() ? "" : ", ") + one;
        throw error(Errc::not_found, "failed to find target {}", name)
            .with_hint(known.empty() ? "the files have no targets" : "there are " + known);
    }
}

std::vector<std::string> Definition::expand(const std::string& name) const {
    std::vector<std::string> out;
    std::set<std::string> seen;
    collect(name, out, seen);
    return out;
}

void Definition::inherit(const std::string& name, Attributes& to, std::vector<std::string>& path) const {
    if (std::find(path.begin(), path.end(), name) != path.end())
        throw error(Errc::usage, "the target {} inherits from itself", name);
    const auto found = targets_.find(name);
    if (found == targets_.end())
        throw error(Errc::not_found, "failed to find target {}, which {} inherits from", name, path.back());
    path.push_back(name);
    for (const Body& body : found->second.bodies)
        for (const std::string& parent : strings(body.find("inherits"))) inherit(parent, to, path);
    path.pop_back();
    const Scope own = scope(found->second.matrix);
    for (const Body& body : found->second.bodies)
        for (const Attribute& a : body.attributes)
            if (a.name != "inherits" && a.name != "matrix" && a.name != "name")
                if (Value value = placed(a, evaluate(a.value, own)); value.kind != Value::Kind::null)
                    put(to, a.name, std::move(value));
}

Attributes Definition::attributes_of(const std::string& target) const {
    Attributes out;
    std::vector<std::string> path;
    inherit(target, out, path);
    return out;
}

std::vector<std::string> Definition::target_names() const {
    std::vector<std::string> out;
    for (const auto& [name, unused] : targets_) out.push_back(name);
    return out;
}

} // namespace davit::baking
