#include "engine/revisions/revising.hpp"

#include "base/sys.hpp"

#include <algorithm>

namespace davit {

bool RevisionInTheMaking::due(const Plan& plan) const {
    const auto makes = [](const Operation& op) {
        switch (op.kind) {
        case OpKind::create_network:
        case OpKind::remove_network:
        case OpKind::create_volume:
        case OpKind::remove_volume:
        case OpKind::create_container:
        case OpKind::remove_container: return true;
        default: return false;
        }
    };
    return std::any_of(plan.operations.begin(), plan.operations.end(), makes) || store_.has_failed(store_.last());
}

void RevisionInTheMaking::write(Revision&& revision, const std::map<std::string, std::string>& contents) {
    if (number_ == 0) number_ = store_.last() + 1;
    revision.number = number_;
    for (const auto& [hash, bytes] : contents) {
        store_.keep_content(hash, bytes);
        hashes_.insert(hash);
    }
    store_.write(revision);
}

void RevisionInTheMaking::failed(const std::string& why) {
    if (number_ != 0) store_.fail(number_, why);
}

void RevisionInTheMaking::drop() {
    if (number_ != 0) store_.remove(number_);
    number_ = 0;
}

void RevisionInTheMaking::tidy() {
    if (number_ == 0) return;
    const auto numbers = store_.numbers();
    for (std::size_t i = 0; i + most_revisions < numbers.size(); ++i) store_.remove(numbers[i]);
    // Projects whose contents stay the same, or that have none, read no revision for it.
    if (numbers.size() > static_cast<std::size_t>(kept_now()) && store_.has_contents_but(hashes_))
        store_.collect_contents();
}

} // namespace davit
