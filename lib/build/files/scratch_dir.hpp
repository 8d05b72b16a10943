// A directory of one's own, gone with all in it at the end.
#pragma once

#include "base/fd.hpp"

#include <string>

namespace davit::build {

class ScratchDir {
public:
    // Below `parent`, which is made when it is missing: the caller's, where nobody else may write.
    explicit ScratchDir(const std::string& parent);
    ScratchDir(ScratchDir&& o) noexcept : path_(std::move(o.path_)), fd_(std::move(o.fd_)) { o.path_.clear(); }
    ScratchDir& operator=(ScratchDir&&) = delete;
    ~ScratchDir();

    const std::string& path() const { return path_; }
    int fd() const { return fd_.get(); } // open for reading

private:
    std::string path_;
    UniqueFd fd_;
};

} // namespace davit::build
