// What the shell offers when a user presses Tab.
#pragma once

#include "cli/app.hpp"
#include "cli/docker_words.hpp"
#include "cli/options.hpp"

#include <functional>
#include <string>
#include <vector>

namespace davit::cli {

struct Candidate {
    std::string text;
    std::string help; // may be empty
    bool operator==(const Candidate&) const = default;
};

struct Completion {
    bool files = false; // the shell's own file names
    std::vector<Candidate> candidates;
};

// Names of one kind: "SERVICE", "PROFILE", "VOLUME" … Asked only when they are needed; may throw.
using NameSource = std::function<std::vector<std::string>(Globals&, const std::string& kind)>;

// words: what stands after the program's name, the last one unfinished (or empty). Never throws for
// what the user has typed.
Completion complete(const Args& words, const NameSource& names, Grammar grammar = Grammar::davit);

} // namespace davit::cli
