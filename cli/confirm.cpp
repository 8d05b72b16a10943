#include "cli/confirm.hpp"

#include "cli/docker_errors.hpp"

#include <cstdio>
#include <iostream>

namespace davit::cli {

bool confirmed(const std::string& warning) {
    std::printf("%s\nAre you sure you want to continue? [y/N] ", warning.c_str());
    std::fflush(stdout);
    std::string answer;
    const bool read = static_cast<bool>(std::getline(std::cin, answer));
    if (!read && !docker_is_spoken()) std::fputc('\n', stdout); // the shell's prompt stands below
    while (answer.ends_with('\r') || answer.ends_with(' ')) answer.pop_back();
    return answer == "y" || answer == "Y" || answer == "yes";
}

} // namespace davit::cli
