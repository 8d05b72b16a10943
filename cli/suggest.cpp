#include "cli/suggest.hpp"

#include "base/words.hpp"

namespace davit::cli {

std::string did_you_mean(std::string_view word, const std::vector<std::string>& known) {
    const std::string* best = nullptr;
    std::size_t nearest = word.size() / 3 + 1;
    for (const std::string& candidate : known) {
        const bool begins = word.size() >= 3 && candidate.starts_with(word);
        const std::size_t distance = begins ? 1 : edit_distance(word, candidate);
        if (distance <= nearest && (!best || distance < nearest)) {
            nearest = distance;
            best = &candidate;
        }
    }
    return best ? " (did you mean \"" + *best + "\"?)" : "";
}

} // namespace davit::cli
