#include "davit/plan.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace davit {

std::string to_text(const Plan& plan) {
    std::string out;
    for (const auto& op : plan.operations) {
        std::string kind = to_string(op.kind);
        std::replace(kind.begin(), kind.end(), '_', ' ');
        out += fmt::format("[{}] -> #{} {}, {}: {}\n", fmt::join(op.after, ","), op.id, op.resource, kind, op.cause);
    }
    return out;
}

} // namespace davit
