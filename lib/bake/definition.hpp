// What stands in all bake files of a call together: variables, functions, targets and groups.
#pragma once

#include "bake/parser.hpp"
#include "bake/part.hpp"
#include "davit/bake.hpp"

#include <map>
#include <set>
#include <string>
#include <vector>

namespace davit::baking {

class Definition {
public:
    explicit Definition(const BakeOptions& options);

    // The targets that a name stands for, and the groups on the way there. Not all of them need exist.
    struct Expanded {
        std::vector<std::string> targets, groups;
    };
    Expanded expand(const std::string& name, std::map<std::string, Expanded>& seen) const;
    bool is_group(const std::string& name) const;
    std::vector<std::string> members(const std::string& group) const;
    std::string group_description(const std::string& group) const;
    std::vector<std::string> group_names() const;
    bool has_target(const std::string& name) const;
    // Where a target without a context is built: with file_relative_paths the directory of its file.
    std::string default_context(const std::string& target) const;
    // What the files say of a target itself, without what it inherits.
    Part own_part(const std::string& target) const;
    std::vector<std::string> target_names() const;
    // Throws Error(usage) where a variable's value is not of its type, or what `validation` forbids.
    void check_variables() const;
    std::vector<BakeVariable> variables() const;
    std::vector<BakeName> names() const; // of targets and groups

private:
    struct TargetBlock {
        Body body;
        std::map<std::string, Value> matrix; // the values of this one
    };
    struct Target {
        std::vector<TargetBlock> blocks; // of several files, the later ones win
        std::string file;                // of the last one
    };

    void read(const Body& body);
    void add_target(const std::string& name, const Block& block);
    void add_matrix(const std::string& name, const Block& block);
    Scope scope(const std::map<std::string, Value>& own = {}) const;
    std::optional<Value> variable(const std::string& name) const;
    std::string text_at(const Body& body, const char* key, const std::map<std::string, Value>& own = {}) const;
    std::optional<Value> attribute(const std::string& type, const std::string& name,
                                   const std::string& attribute) const;
    Value placed(const Attribute& a, Value value) const;
    std::optional<Value> call(const std::string& name, const std::vector<Value>& arguments) const;
    std::vector<std::string> strings(const Expression* list, const std::map<std::string, Value>& own = {}) const;
    std::vector<std::string> compose_names() const;
    std::optional<std::string> set_value(const std::string& name, bool typed, bool& json) const;

    const BakeOptions& options_;
    std::map<std::string, Body> variables_, functions_;
    std::map<std::string, Expression> plain_; // attributes at the top: constants
    std::map<std::string, Target> targets_;
    std::map<std::string, std::vector<std::string>> matrices_;
    std::map<std::string, Body> groups_;
    mutable std::set<std::string> evaluating_;
};

} // namespace davit::baking
