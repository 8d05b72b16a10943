// Owners, modes, times and extended attributes of files in layers.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <sys/stat.h>
#include <sys/types.h>
#include <time.h>

namespace davit::archive {

// Without privileges everything belongs to the caller: owners are left then.
void set_owner(int fd, uid_t uid, gid_t gid);
void set_modified(int fd, timespec when);

// Of what must not be opened: links, devices, fifos. Others may reach the directory: the entry is
// looked up once, and must still be the kind of thing that was made (Error(conflict) if not).
struct NodeMeta {
    mode_t mode = 0; // with its type; a symbolic link has no mode of its own
    dev_t device = 0;
    timespec modified{};
    uid_t uid = 0;
    gid_t gid = 0;
};
void set_node_meta(int directory, const std::string& name, const NodeMeta& meta);

// Which attributes an image may bring. Not overlayfs's own (CVE class: a layer that sets
// trusted.overlay.redirect reaches into other layers) and of security.* only capabilities: labels
// and signatures are of the machine that made them.
bool is_layer_xattr(std::string_view name);
// Ignores what is_layer_xattr refuses and what the file system does not know.
void set_layer_xattr(int fd, const std::string& name, std::string_view value);
// Copies all that is_layer_xattr allows, by /proc/self/fd where one is O_PATH.
void copy_xattrs(int from, int to);

} // namespace davit::archive
