// What a compose file would give away with its text: env files that it names, values of variables whose names sound
// like secrets, contents of configs. Pure.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace davit::compose {

struct DeclaredEnvironment {
    bool env_file = false;
    bool needs_env_file = false;   // one that is not `required: false`
    std::vector<std::string> keys; // with a value that is no variable
};
struct Declared {
    std::map<std::string, DeclaredEnvironment> services; // those with something to tell
    std::vector<std::string> contents;                   // configs whose content holds more than variables
};

// shown: the file's name in messages. Of the file itself, not of what it includes or extends. Throws LoadError for what
// is no YAML.
Declared declared_in(const std::string& text, const std::string& shown);

} // namespace davit::compose
