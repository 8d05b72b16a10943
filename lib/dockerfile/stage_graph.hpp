// Which stage is made from what, and what a stage copies from: names become stages, images and named contexts.
#pragma once

#include "base/error.hpp"
#include "dockerfile/checks.hpp"
#include "dockerfile/evaluate.hpp"

#include <optional>
#include <string_view>
#include <vector>

namespace davit::dockerfile {

class StageGraph {
public:
    struct Vertex {
        Input base;                         // platform: that of --platform; empty: not given
        bool replaced = false;              // a named context has its name: base is that, its instructions do not count
        std::vector<std::string> used_args; // global ones that FROM uses
        std::vector<std::pair<int, Place>> needs; // stages that COPY --from and RUN --mount=from= name
    };

    // Throws Errc::invalid_project: a base that is blank or no reference, a number that no stage has, a circle.
    StageGraph(const Document& document, const EvaluateOptions& options, const Variables& globals, CheckList& checks);

    const Vertex& operator[](int stage) const { return vertices_[static_cast<std::size_t>(stage)]; }
    int size() const { return static_cast<int>(vertices_.size()); }
    int target() const { return target_; }

    // What --from=NAME means; numbers: of stages are names too, as for COPY. Never Kind::context.
    Input source(std::string_view name, bool numbers, const Place& place) const;
    // Those of one instruction: places are the instruction's.
    std::vector<Input> sources(const Instruction& instruction) const;

private:
    // wrong: set where the name is no image, and was not before.
    Input base_of(const DocumentStage& stage, const Variables& globals, CheckList& checks, Vertex& vertex,
                  std::optional<Error>& wrong) const;
    std::string platform_of(const DocumentStage& stage, const Variables& globals, CheckList& checks,
                            Vertex& vertex) const;
    std::optional<std::string> named_context(std::string_view name) const;
    std::optional<int> stage_named(std::string_view name) const; // the last of that name
    Input image(std::string_view name, const Place& place) const;
    void find_target();
    void refuse_circles() const;

    const Document& document_;
    const EvaluateOptions& options_;
    std::vector<Vertex> vertices_;
    std::vector<std::pair<std::string, int>> names_; // of stages; the last of one name counts
    int target_ = -1;
};

// The check that FROM names a valid image when no build argument is given.
void check_default_bases(const Document& document, const EvaluateOptions& options, CheckList& checks);

} // namespace davit::dockerfile
