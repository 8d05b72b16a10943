#include "build/files/scratch_dir.hpp"

#include "base/error.hpp"
#include "base/log.hpp"
#include "base/sys.hpp"

#include <fcntl.h>

namespace davit::build {

ScratchDir::ScratchDir(const std::string& parent) : path_(parent + "/files-" + sys::random_hex(16)) {
    sys::make_dirs(path_, 0700);
    fd_ = sys::open(path_, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
}

ScratchDir::~ScratchDir() {
    if (path_.empty()) return;
    try {
        sys::remove_tree(path_);
    } catch (const Error& e) {
        log::warning("{}", e.describe());
    }
}

} // namespace davit::build
