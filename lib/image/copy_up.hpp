// Copies out of the merged view of layers, with everything a file has.
#pragma once

#include "image/rootfs_view.hpp"

#include <map>
#include <string>
#include <sys/types.h>
#include <utility>

namespace davit::image {

class ViewCopier {
public:
    explicit ViewCopier(const RootfsView& view) : view_(view) {}

    // Everything below a directory, into one that exists; its own metadata too.
    void copy_directory(RootfsView::Entry from, UniqueFd to);
    // One entry (not a directory's contents) to name in the directory to, where nothing is yet.
    void copy_node(const RootfsView::Entry& from, int to, const std::string& name);

private:
    void copy_file(const RootfsView::Entry& from, int to, const std::string& name);
    bool link_copy(const RootfsView::Entry& from, int to, const std::string& name);

    // Files with several links: the first copy, open until the last link has come.
    struct Copy {
        UniqueFd file;
        nlink_t to_come;
    };
    const RootfsView& view_;
    std::map<std::pair<dev_t, ino_t>, Copy> linked_;
};

// Owner, mode, xattrs and times of a directory of the view onto an open directory.
void copy_directory_meta(const RootfsView::Entry& from, int to);

} // namespace davit::image
