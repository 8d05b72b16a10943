#include "base/programs.hpp"

#include "base/error.hpp"

#include <climits>
#include <cstdlib>
#include <dlfcn.h>
#include <link.h>
#include <mutex>
#include <unistd.h>
#include <vector>

namespace davit {

namespace {

std::mutex g_named_mutex;
std::string g_named;

std::string directory_of(const std::string& path) { return path.substr(0, path.find_last_of('/')); }

// Of libdavit.so, when this code is part of it: a program that embeds it may stand anywhere. A name that is no
// absolute path was looked up from a directory that may be another one by now.
std::string library_directory() {
    Dl_info info{};
    link_map* map = nullptr;
    if (::dladdr1(reinterpret_cast<void*>(&library_directory), &info, reinterpret_cast<void**>(&map),
                  RTLD_DL_LINKMAP) == 0)
        return "";
    char path[PATH_MAX];
    if (!map || !map->l_name || map->l_name[0] != '/' || !::realpath(map->l_name, path))
        return ""; // the program itself has no name
    return directory_of(path);
}

std::string own_directory() {
    char path[PATH_MAX];
    ssize_t n = ::readlink("/proc/self/exe", path, sizeof path);
    // After an upgrade the running program's file is gone, but its successor stands beside it.
    return n <= 0 ? "" : directory_of(std::string(path, static_cast<std::size_t>(n)));
}

std::vector<std::string> places() {
    std::vector<std::string> dirs;
    {
        const std::lock_guard guard(g_named_mutex);
        if (!g_named.empty()) dirs.push_back(g_named);
    }
    if (const char* dir = std::getenv("DAVIT_LIBEXEC"); dir && *dir) dirs.emplace_back(dir);
    if (auto dir = library_directory(); !dir.empty()) {
        dirs.push_back(dir);
        dirs.push_back(dir + "/" DAVIT_LIBEXEC_FROM_LIB);
    }
    if (auto dir = own_directory(); !dir.empty()) {
        dirs.push_back(dir);
        dirs.push_back(dir + "/../libexec/davit");
    }
    dirs.emplace_back(DAVIT_LIBEXEC_DIR);
    dirs.emplace_back("/usr/libexec/davit"); // of packages, whatever prefix they were built for
    return dirs;
}

std::string find(const std::string& name, const char* kind, int access_mode) {
    std::string looked;
    for (const auto& dir : places()) {
        std::string path = dir + "/" + name;
        if (::access(path.c_str(), access_mode) == 0) return path;
        looked += (looked.empty() ? "" : ", ") + dir;
    }
    throw error(Errc::not_found, "davit's {} {} was not found in {}", kind, name, looked)
        .with_hint("reinstall davit, or name the directory in DAVIT_LIBEXEC");
}

} // namespace

void name_programs(const std::string& directory) {
    const std::lock_guard guard(g_named_mutex);
    g_named = directory;
}

void name_programs_beside() { name_programs(own_directory()); }

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
