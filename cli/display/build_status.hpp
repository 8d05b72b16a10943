// Events of a build as BuildKit's programs write them with --progress=rawjson: a line of JSON a change, with the names
// of client.SolveStatus. Pure but for the digests, which stand for steps within one process.
#pragma once

#include "davit/build.hpp"

#include <cstdint>
#include <map>
#include <string>

namespace davit::cli {

class SolveStatusLines {
public:
    std::string line(const BuildEvent& event); // without its end; empty: it changes nothing

private:
    struct Step {
        std::string digest, name;
        std::int64_t began = 0;
    };
    std::map<int, Step> steps_;
};

} // namespace davit::cli
