// Files of KEY=VALUE lines: .env, env_file, label_file.
#pragma once

#include "compose/template.hpp"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace davit::compose {

struct DotenvError {
    int line = 0; // from 1
    std::string message;
    std::string hint;
};

struct DotenvResult {
    // In the order of the file; a key may come more than once, the last counts.
    std::vector<std::pair<std::string, std::string>> values;
    std::vector<DotenvError> unset;    // variables used without being set; the message is the name
    std::vector<DotenvError> warnings; // what is read otherwise than it looks
    std::vector<DotenvError> errors;
};

// The compose format. outside: variables that a value may use and that a bare KEY takes its value
// from; they win over earlier lines of the file. earlier: what files read before this one gave; the
// file's own lines win over it.
DotenvResult parse_dotenv(std::string_view text, const Lookup& outside, const Lookup& earlier = {});
// `format: raw`: lines as they are, no quotes, no variables. A bare KEY takes its value from outside.
DotenvResult parse_raw_env(std::string_view text, const Lookup& outside);

} // namespace davit::compose
