// Where the files of COPY and ADD come from: an open directory, and what of it does not count.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace davit::build {

// Paths that do not count. Paths are relative, without "." and "..", parts divided by one '/'.
class PathFilter {
public:
    virtual ~PathFilter() = default;
    // Whether it, or a directory above it, is left out and no later pattern takes it back.
    virtual bool excludes(const std::string& path) const = 0;
    // The same for what walks downwards: `above` is what it gave for the directory that path is in, empty at
    // the root.
    struct State {
        std::vector<char> patterns;
    };
    virtual bool excludes(const std::string& path, const State& above, State& own) const {
        static_cast<void>(above);
        static_cast<void>(own);
        return excludes(path);
    }
    // Of an excluded directory: whether something below it may be taken back.
    virtual bool reaches_into(const std::string& directory) const = 0;
};

// Of patterns as `--exclude` and ignore files have them. Throws Error(usage) for a malformed one.
using FilterMaker = std::function<std::unique_ptr<PathFilter>(const std::vector<std::string>&)>;

// The root of a context, or of a mounted stage or image. Everything stays the caller's. Others may
// change the tree meanwhile: what is copied is then something that stood there, never what a link leads to.
struct Source {
    int root = -1;                      // an open directory
    const PathFilter* filter = nullptr; // .dockerignore
    // A directory of this machine: files belong to 0:0, have no extended attributes, and a socket
    // counts as an empty file.
    bool context = false;
};

} // namespace davit::build
