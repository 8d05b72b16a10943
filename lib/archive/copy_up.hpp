// Copies out of the merged view of layers, with everything a file has.
#pragma once

#include "archive/rootfs_view.hpp"

#include <map>
#include <string>
#include <sys/types.h>
#include <utility>

namespace davit::archive {

class ViewCopier {
public:
    // What is done for a directory that others reach meanwhile, or that holds a part already: a file gets its name when
    // it is whole; what is there stays.
    enum class Care { none, whole_files, again };

    // root: the directory below which everything is copied.
    ViewCopier(const RootfsView& view, int root, Care care = Care::none);

    // Everything below a directory into root; its own metadata too.
    void copy_directory(RootfsView::Entry from);
    // One entry (not a directory's contents) to name in the directory to, where nothing is yet; path: the
    // same place, from root.
    void copy_node(const RootfsView::Entry& from, int to, const std::string& name, const std::string& path);

private:
    void copy_file(const RootfsView::Entry& from, int to, const std::string& name, const std::string& path);
    void keep_copy(const RootfsView::Entry& from, int to, const std::string& name, const std::string& path);
    UniqueFd new_file(int to, const std::string& name) const;
    void make_directory(const RootfsView::Entry& from, int to, const std::string& name) const;
    bool link_copy(const RootfsView::Entry& from, int to, const std::string& name);

    // Files with several links: where the first copy is, until the last link has come.
    struct Copy {
        std::string path;
        dev_t device;
        ino_t inode;
        nlink_t to_come;
    };
    const RootfsView& view_;
    UniqueFd root_;
    Care care_;
    std::map<std::pair<dev_t, ino_t>, Copy> linked_;
};

// Owner, mode, xattrs and times of a directory of the view onto an open directory.
void copy_directory_meta(const RootfsView::Entry& from, int to);

} // namespace davit::archive
