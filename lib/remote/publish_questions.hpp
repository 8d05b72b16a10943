// What somebody is asked before a project is given away.
#pragma once

#include "davit/publish.hpp"

#include <string>
#include <vector>

namespace davit::remote {

// Each ends in a question. files: what is published. Reads the files of configs, secrets and env files. Throws
// Errc::invalid_project where nobody could load what is published.
std::vector<std::string> publish_questions(const Project& project, const std::vector<PublishedFile>& files,
                                           bool with_env);

} // namespace davit::remote
