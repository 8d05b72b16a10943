// The recorded corpus beside the checkout. A program that needs it ends with 77 and the reason where it is not there.
#pragma once

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

namespace recorded {

namespace fs = std::filesystem;

inline fs::path root() {
    if (const char* shared = std::getenv("DAVIT_SHARED")) return fs::path(shared) / "conformance";
    for (const char* beside : {"../shared/conformance", "../../shared/conformance"})
        if (fs::path path = fs::path(DAVIT_SOURCE) / beside; fs::exists(path)) return path;
    std::puts("skipped: no ../shared/conformance beside the checkout");
    std::exit(77);
}

inline std::string read(const fs::path& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

inline std::vector<fs::path> entries(const fs::path& folder) {
    std::vector<fs::path> out;
    for (const auto& entry : fs::directory_iterator(folder)) out.push_back(entry.path());
    std::sort(out.begin(), out.end());
    return out;
}

} // namespace recorded
