// Merging: several files, documents, extends and include. A later value changes an earlier one by
// the rule of its path; !reset and !override take things away first.
#pragma once

#include "compose/diagnostics.hpp"

#include <string>
#include <vector>

namespace davit::compose {

// Changes base in place; both trees are used up. Returns the merged node (base or over).
Node* merge(Tree&, Node* base, Node* over, Diagnostics&);
// The same for one service or resource: path is "services.web".
Node* merge_at(Tree&, Node* base, Node* over, std::string_view path, Diagnostics&);

// In lists with keys (KEY=value, mount targets, ports …) a later item replaces an earlier one in place.
void enforce_unicity(Node& document, Diagnostics&);

// The paths a document resets or overrides.
class Resets {
public:
    // Removes what is tagged !reset from the document and remembers it and what is tagged !override.
    static Resets take_from(Node& document, Diagnostics&);
    // Removes the remembered paths from a tree, which stands at the path.
    void apply(Node& base, std::string_view path = {}) const;
    bool empty() const { return paths_.empty(); }

private:
    void collect(Node& n, std::vector<std::string_view>& path, Diagnostics&);
    void apply(Node& n, std::vector<std::string_view>& path) const;
    std::vector<std::vector<std::string_view>> paths_;
};

} // namespace davit::compose
