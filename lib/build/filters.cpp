#include "build/filters.hpp"

#include "dockerfile/ignore.hpp"

namespace davit::build {

namespace {

class IgnoreFilter : public PathFilter {
public:
    explicit IgnoreFilter(const std::vector<std::string>& patterns) : list_(patterns) {}
    bool excludes(const std::string& path) const override { return list_.ignored(path); }
    bool excludes(const std::string& path, const State& above, State& own) const override {
        dockerfile::IgnoreList::Matched matched;
        const bool out = list_.ignored(path, {above.patterns}, matched);
        own.patterns = std::move(matched.patterns);
        return out;
    }
    bool reaches_into(const std::string& directory) const override { return list_.may_hold_taken(directory); }

private:
    dockerfile::IgnoreList list_;
};

} // namespace

std::unique_ptr<PathFilter> make_filter(const std::vector<std::string>& patterns) {
    return std::make_unique<IgnoreFilter>(patterns);
}

} // namespace davit::build
