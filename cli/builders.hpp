// Names of builders that `buildx create` has given out, kept where docker's buildx keeps its own. davit has one
// builder, in this program: each name is it. A name that nobody has made is an error, as with docker.
#pragma once

#include <string>
#include <vector>

namespace davit::cli {

struct BuilderName {
    std::string name;
    std::string driver; // "docker", "docker-container"
    std::string node;   // its one node's name
    std::string endpoint;
};

// "default", which is always there, first.
std::vector<BuilderName> builder_names();
// Throws Error(not_found): no builder "NAME" found. An empty name is the chosen one.
BuilderName builder_named(const std::string& name);
// For options: throws as builder_named().
void check_builder(const std::string& name);

std::string chosen_builder(); // $BUILDX_BUILDER, what `use` chose, "default"
void choose_builder(const std::string& name);

// Throws Error(usage): a name that is none.
void keep_builder(const BuilderName& builder);
void forget_builder(const std::string& name);

} // namespace davit::cli
