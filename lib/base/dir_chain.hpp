// The way down a directory tree of any depth with few open descriptors.
//
// Directories far above the present one are closed, and found again by "..". A container can move a
// directory while its tree is walked: the one that is found must be the one that was left.
#pragma once

#include "base/dir.hpp"
#include "base/fd.hpp"

#include <cstddef>
#include <sys/types.h>
#include <vector>

namespace davit {

class DirChain {
public:
    explicit DirChain(UniqueFd top) { enter(std::move(top)); }

    int fd() const; // of the present directory
    // Its entries; from the start when it was closed meanwhile.
    DIR* list();
    std::size_t depth() const { return levels_.size(); } // the top's is 1
    // Into a directory that was opened O_RDONLY in the present one.
    void enter(UniqueFd child);
    // To the one above. Throws Error(conflict) when it is not there any more.
    void leave();
    // Closes the topmost one that is open; false: only the present one is.
    bool let_go();

private:
    struct Level {
        UniqueFd fd; // list's, when there is one
        Dir list;
        dev_t device;
        ino_t inode;
        int get() const { return list ? ::dirfd(list.get()) : fd.get(); }
        bool is_open() const { return get() >= 0; }
        void close() {
            list.reset();
            fd.reset();
        }
    };
    std::vector<Level> levels_;
};

} // namespace davit
