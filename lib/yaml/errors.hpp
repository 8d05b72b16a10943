// yaml-cpp's messages in words for people who write compose files.
#pragma once

#include <string>
#include <string_view>

namespace davit::yaml {

struct YamlMistake {
    std::string message;
    std::string hint;
};

// message: yaml-cpp's; line: the text of the line it names.
YamlMistake explain_yaml_error(std::string_view message, std::string_view line);

} // namespace davit::yaml
