// What --set changes of targets. Pure.
#pragma once

#include "bake/part.hpp"

#include <optional>
#include <string>
#include <vector>

namespace davit::baking {

struct Override {
    std::string pattern, key, entry;
    std::optional<std::string> value; // none: of an argument that the environment has not
    bool append = false;
};
// "app.args.V=1", "app.args.V" (of the environment), "*.platform=linux/amd64", "app.tags+=x", "app.secret.aws=env=X"
Override parse_override(const std::string& text, const BakeOptions& options);
// All those that mean the target, in their order: what comes for one list adds up, and replaces the file's unless the
// last of them appends.
void apply(Part& part, const std::vector<Override>& overrides);

} // namespace davit::baking
