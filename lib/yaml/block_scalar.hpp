// Block scalars (| and >) as libyaml and its port to Go read them: yaml-cpp differs in the blank lines
// that end a folded text with "+", and takes a tab for indentation.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace davit::yaml {

struct BlockScalar {
    std::string text;
    // Where a tab indents: lines after the header's, column from 0. The text is not valid then.
    std::optional<std::pair<std::size_t, std::size_t>> tab;
};

// text starts at the node (its tag or anchor may come first). parent: the indentation of the collection
// around it, -1 at the top. Nothing if it is no block scalar.
std::optional<BlockScalar> read_block_scalar(std::string_view text, int parent);

} // namespace davit::yaml
