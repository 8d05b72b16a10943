// A directory stream that closes itself.
#pragma once

#include <dirent.h>
#include <memory>

namespace davit {

struct DirCloser {
    void operator()(DIR* d) const { ::closedir(d); }
};
using Dir = std::unique_ptr<DIR, DirCloser>;

} // namespace davit
