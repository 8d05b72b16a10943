// A YAML text, read; and what was said about it.
#pragma once

#include "yaml/print.hpp"
#include "yaml/reader.hpp"

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace davit::test {

struct Said final : yaml::Reporter {
    struct Line {
        std::string message, hint;
        yaml::Pos at;
    };
    void error(yaml::Pos at, std::string_view, std::string message, std::string hint) override {
        errors.push_back({std::move(message), std::move(hint), at});
    }
    void warning(yaml::Pos at, std::string_view, std::string message, std::string hint) override {
        warnings.push_back({std::move(message), std::move(hint), at});
    }
    std::vector<Line> errors, warnings;
};

struct ReadYaml {
    explicit ReadYaml(std::string text)
        : documents(yaml::parse_yaml(tree, tree.add_file("t.yaml", std::move(text)), said)) {}
    bool good() const { return said.errors.empty() && documents.size() == 1; }
    std::string yaml(bool escape = false) const { return yaml::print_yaml(*documents.at(0), escape); }
    std::string json(bool escape = false) const { return yaml::print_json(*documents.at(0), escape); }

    yaml::Tree tree;
    Said said;
    std::vector<yaml::Node*> documents;
};

// The JSON of a text, or {"error": message}.
inline nlohmann::json json_of(const std::string& text) {
    const ReadYaml read(text);
    if (!read.said.errors.empty()) return {{"error", read.said.errors.front().message}};
    return nlohmann::json::parse(read.json());
}

} // namespace davit::test
