// Who is told what is wrong with a file, while it is read.
#pragma once

#include "yaml/tree.hpp"

#include <string>
#include <string_view>

namespace davit::yaml {

class Reporter {
public:
    // path: dotted, of the value; empty where the text itself is meant.
    virtual void error(Pos at, std::string_view path, std::string message, std::string hint) = 0;
    virtual void warning(Pos at, std::string_view path, std::string message, std::string hint) = 0;

protected:
    ~Reporter() = default;
};

} // namespace davit::yaml
