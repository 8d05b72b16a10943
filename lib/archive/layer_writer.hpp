// One layer's tar → one directory that overlayfs can use as a lowerdir.
#pragma once

#include "archive/held_entries.hpp"
#include "archive/layer_tree.hpp"
#include "archive/tar_reader.hpp"

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace davit::archive {

// What unpacking alone could not settle: it needs the layers below (see layer_fixup.hpp).
struct Unsettled {
    // Directories the tar uses but does not hold: they must look as below.
    std::set<std::string> implicit;
    std::map<std::string, std::string> links; // hard links to files of a lower layer, and which
    bool empty() const { return implicit.empty() && links.empty(); }
};

struct Unpacked {
    Unsettled unsettled;
    std::uint64_t size = 0; // bytes of regular files
    bool opaque_root = false;
};

class LayerWriter {
public:
    // root: an empty directory, the layer's. Needs the privileges its owners and devices ask for.
    explicit LayerWriter(const std::string& root);

    void add(TarReader& tar, const TarEntry& entry);
    // Directories get modes and times last. Call once.
    Unpacked finish();

private:
    void add_root(const TarEntry& entry);
    void add_directory(const TarEntry& entry, const std::string& path);
    void add_file(TarReader& tar, const TarEntry& entry, const LayerTree::Place& place);
    void add_hardlink(const TarEntry& entry, const LayerTree::Place& place);
    void add_node(const TarEntry& entry, const LayerTree::Place& place);
    void add_symlink(const TarEntry& entry, const LayerTree::Place& place);
    bool add_mark(const std::string& path);
    void forget_below(const std::string& path);

    struct DirectoryMeta {
        std::uint32_t mode, uid, gid, mtime_ns;
        std::int64_t mtime;
        std::vector<std::pair<std::string, std::string>> xattrs;
    };

    Unpacked result_;
    void remember(const std::string& path, const TarEntry& entry);

    std::map<std::string, DirectoryMeta> directories_;
    HeldEntries held_{"layer"}; // what waits for finish()
    LayerTree tree_;
};

// Whole: reads the tar to its end mark (not to the end of from) into root.
Unpacked unpack_layer(ByteSource& from, const std::string& root);

} // namespace davit::archive
