// How much of an archive's entries waits in memory for its end.
//
// Directories get their modes and times last, and a few compressed bytes can stand for any number of them.
#pragma once

#include "archive/tar_reader.hpp"

#include <cstddef>
#include <string>

namespace davit::archive {

class HeldEntries {
public:
    // what: "layer", for the messages.
    explicit HeldEntries(const char* what) : what_(what) {}
    // So many bytes of names. Throws Error(failed) when they are too many.
    void names(std::size_t bytes);
    // A directory with its attributes. The same.
    void directory(const std::string& path, const TarEntry& entry);

private:
    const char* what_;
    std::size_t held_ = 0, xattrs_ = 0;
};

} // namespace davit::archive
