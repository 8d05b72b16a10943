// One walk over the files that a source of COPY or ADD takes, in the order of their names: what copies
// and what hashes see the same.
#pragma once

#include "base/fd.hpp"
#include "build/files/source.hpp"
#include "build/files/source_pattern.hpp"

#include <stop_token>
#include <string>
#include <string_view>
#include <sys/stat.h>
#include <utility>
#include <vector>

namespace davit::build {

using Xattrs = std::vector<std::pair<std::string, std::string>>; // by name

struct Seen {
    int directory = -1; // open, that it stands in; of a directory that is entered: -1
    std::string name;
    std::string_view path; // from the top of the walk
    struct stat status {};
    Xattrs xattrs;           // of a directory; of others the visitor asks
    bool on_the_way = false; // a directory that no pattern of --parents names: others below it are meant
};

class TreeVisitor {
public:
    virtual ~TreeVisitor() = default;
    virtual void enter(const Seen& directory) = 0;
    virtual void leave() = 0;
    virtual void file(const Seen& entry) = 0; // whatever is no directory
};

struct WalkRules {
    const PathFilter* filter = nullptr;     // told paths with the prefix
    std::string prefix;                     // of the top in its source: "" or ending in '/'
    const PathFilter* exclude = nullptr;    // told paths from the top
    const SourcePattern* include = nullptr; // --parents
    bool xattrs = true;
    std::stop_token stop;
};

// top, opened O_RDONLY, is not told itself. A directory of which nothing but things below are taken back
// is told when the first of them comes.
void walk_tree(UniqueFd top, const WalkRules& rules, TreeVisitor& visitor);

// Those that layers keep, of an open file, directory or (by its O_PATH descriptor) anything else.
Xattrs xattrs_of(int fd);

} // namespace davit::build
