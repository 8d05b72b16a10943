// The attributes of targets, and what --set changes of them. Pure.
#pragma once

#include "bake/value.hpp"
#include "davit/bake.hpp"

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace davit::baking {

// Throws Error(usage) where targets have no such attribute.
void set_attribute(BakeTarget& target, const std::string& name, const Value& value);

struct Override {
    std::string pattern, key, entry;
    std::optional<std::string> value; // none: of an argument that the environment has not
    bool append = false;
};
// "app.args.V=1", "app.args.V" (of the environment), "*.platform=linux/amd64", "app.tags+=x", "app.secret.aws=env=X"
Override parse_override(const std::string& text, const BakeOptions& options);
// Several overrides of one list add up; the first one clears what the file says.
void apply(BakeTarget& target, const Override& o, std::vector<std::string>& cleared);

// "type=local,dest=x"
using Entry = std::vector<std::pair<std::string, std::string>>;
Entry entry_of(const std::string& text);

} // namespace davit::baking
