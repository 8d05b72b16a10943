#include "base/programs.hpp"

#include "base/error.hpp"

#include <climits>
#include <cstdlib>
#include <dlfcn.h>
#include <unistd.h>
#include <vector>

namespace davit {

namespace {

std::string own_directory() {
    char path[PATH_MAX];
    ssize_t n = ::readlink("/proc/self/exe", path, sizeof path);
    if (n <= 0) return "";
    std::string exe(path, static_cast<std::size_t>(n));
    // After an upgrade the running program's file is gone, but its successor stands beside it.
    return exe.substr(0, exe.find_last_of('/'));
}

std::string find(const std::string& name, const char* kind, int access_mode) {
    std::vector<std::string> places;
    if (const char* dir = std::getenv("DAVIT_LIBEXEC"); dir && *dir) places.emplace_back(dir);
    if (auto dir = own_directory(); !dir.empty()) {
        places.push_back(dir);
        places.push_back(dir + "/../libexec/davit");
    }
    places.emplace_back(DAVIT_LIBEXEC_DIR);
    std::string looked;
    for (const auto& dir : places) {
        std::string path = dir + "/" + name;
        if (::access(path.c_str(), access_mode) == 0) return path;
        looked += (looked.empty() ? "" : ", ") + dir;
    }
    throw error(Errc::not_found, "davit's {} {} was not found in {}", kind, name, looked)
        .with_hint("reinstall davit, or name the directory in DAVIT_LIBEXEC");
}

} // namespace

std::string find_program(const std::string& name) { return find(name, "program", X_OK); }

void* open_module(const std::string& file, const char* entry) {
    const std::string path = find(file, "module", R_OK);
    void* module = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (!module) throw error(Errc::unsupported, "opening {}: {}", path, ::dlerror());
    void* address = ::dlsym(module, entry);
    if (!address) throw error(Errc::unsupported, "{} is no module of davit: it has no {}", path, entry);
    return address;
}

} // namespace davit
