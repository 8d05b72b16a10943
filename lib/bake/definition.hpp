// What stands in all bake files of a call together: variables, functions, targets and groups.
#pragma once

#include "bake/parser.hpp"
#include "davit/bake.hpp"

#include <map>
#include <set>
#include <string>
#include <vector>

namespace davit::baking {

// A target's attributes with all that it inherits, evaluated.
using Attributes = std::vector<std::pair<std::string, Value>>;

class Definition {
public:
    explicit Definition(const BakeOptions& options);

    // Targets that a name stands for: itself, a group's, those of a matrix. Throws Error(not_found).
    std::vector<std::string> expand(const std::string& name) const;
    bool is_group(const std::string& name) const { return groups_.count(name) || matrices_.count(name); }
    std::vector<std::string> members(const std::string& group) const;
    bool has_target(const std::string& name) const { return targets_.count(name) != 0; }
    // Where a target without a context is built: with file_relative_paths the directory of its file.
    std::string default_context(const std::string& target) const;
    Attributes attributes_of(const std::string& target) const;
    std::vector<std::string> target_names() const;
    std::vector<BakeVariable> variables() const;
    std::vector<BakeName> names() const; // of targets and groups

private:
    struct Target {
        std::vector<Body> bodies;            // of several files, the later ones win
        std::map<std::string, Value> matrix; // the values of this one
        std::string file;                    // of the last one
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
    std::vector<std::string> strings(const Expression* list) const;
    void inherit(const std::string& name, Attributes& to, std::vector<std::string>& path) const;
    void collect(const std::string& name, std::vector<std::string>& to, std::set<std::string>& seen) const;

    const BakeOptions& options_;
    std::map<std::string, Body> variables_, functions_;
    std::map<std::string, Expression> plain_; // attributes at the top: constants
    std::map<std::string, Target> targets_;
    std::map<std::string, std::vector<std::string>> matrices_;
    std::map<std::string, Body> groups_;
    mutable std::set<std::string> evaluating_;
};

} // namespace davit::baking
