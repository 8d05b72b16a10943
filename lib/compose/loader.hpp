// From options to a tree or a project: what load() and `config` are made of.
#pragma once

#include "compose/model.hpp"
#include "davit/load.hpp"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace davit::compose {

// The merged files before they become a Project.
struct LoadedTree {
    std::unique_ptr<Tree> tree;
    std::unique_ptr<Diagnostics> diagnostics;
    std::unique_ptr<Environment> environment; // what interpolation saw
    Node* root = nullptr;
    std::string project_name;
    std::string working_dir;
    std::vector<std::string> files; // absolute
};

// Throws LoadError. The tree is normalised and its paths are absolute, as the options say.
LoadedTree load_tree(const LoadOptions&, Texts texts = {});
LoadResult to_project(LoadedTree, const LoadOptions&);

// compose.yaml and its override in the directory or the nearest parent that has one.
// warnings: more than one candidate.
std::vector<std::string> find_compose_files(const std::string& directory, std::vector<std::string>& warnings);
// Replaces files that are elsewhere by local copies.
void fetch_files(LoadOptions&);
// Where relative paths start: --project-directory, or the first file's directory, or the current one.
std::string working_directory(const LoadOptions&);

} // namespace davit::compose
