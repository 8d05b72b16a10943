// What a layer needs from those below it, done once they stand.
#pragma once

#include "archive/layer_writer.hpp"

#include <string>
#include <vector>

namespace davit::archive {

// root: the unpacked layer; below: the layers under it, topmost first. Directories the tar used
// without holding them take owner, mode, xattrs and times from below; where the layers below have
// a symbolic link there, the contents move to where it points, as untar into a mounted root would
// have put them. Hard links to files below become copies. Errc::failed if such a file is missing.
void settle_layer(const std::string& root, const Unsettled& unsettled, const std::vector<std::string>& below);

} // namespace davit::archive
