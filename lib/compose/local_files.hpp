// Files of this machine that a compose file names by env_file: and extends: and which have to come along where it is
// read elsewhere. Pure: the text with other names in their places is the text to the byte besides.
#pragma once

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace davit::compose {

struct FileUse {
    enum class Kind { env_file, extends };
    Kind kind{};
    std::string service;
    std::string path;                   // as written, variables and all
    std::size_t offset = 0, length = 0; // of the scalar in the text, with its quotes
};

// shown: the file's name in messages. Throws LoadError for what is no YAML, and Errc::unsupported, with the place, for
// a name that cannot be replaced where it stands (an alias, a text of several lines) and for an include of a local
// file.
std::vector<FileUse> uses_of_local_files(const std::string& text, const std::string& shown);

// names: of some of the uses, in their order.
std::string with_file_names(const std::string& text, const std::vector<std::pair<FileUse, std::string>>& names);

} // namespace davit::compose
