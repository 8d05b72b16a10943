// Texts of an image's history, as BuildKit writes them: images of both compare equal.
#pragma once

#include "dockerfile/steps.hpp"
#include "dockerfile/words.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace davit::dockerfile::history {

std::string list(const std::vector<std::string>& items);   // [a b]
std::string quoted(const std::vector<std::string>& items); // ["a" "b"]
std::string healthcheck(const image::Healthcheck& check);  // {Test:[CMD-SHELL x] Interval:5s …}
// "RUN |1 A=b /bin/sh -c … # buildkit". declared: names of ARGs in scope, in order, each once.
std::string run(const std::vector<std::string>& args, const std::vector<std::string>& declared, const Variables& env);

} // namespace davit::dockerfile::history
