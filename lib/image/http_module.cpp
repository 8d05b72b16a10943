#include "image/http.hpp"

#include "base/error.hpp"

#include <climits>
#include <cstdlib>
#include <dlfcn.h>
#include <unistd.h>

namespace davit::image {

namespace {

std::string own_directory() {
    char path[PATH_MAX];
    ssize_t n = ::readlink("/proc/self/exe", path, sizeof path);
    if (n <= 0) return "";
    std::string exe(path, static_cast<std::size_t>(n));
    return exe.substr(0, exe.find_last_of('/'));
}

// The same places as davit's programs, see lib/project/programs.hpp.
std::vector<std::string> places() {
    std::vector<std::string> out;
    if (const char* directory = std::getenv("DAVIT_LIBEXEC"); directory && *directory) out.emplace_back(directory);
    if (auto directory = own_directory(); !directory.empty()) {
        out.push_back(directory);
        out.push_back(directory + "/../libexec/davit");
    }
    out.emplace_back(DAVIT_LIBEXEC_DIR);
    return out;
}

HttpModuleEntry open_module() {
    std::string looked;
    for (const auto& directory : places()) {
        const std::string path = directory + "/davit-registry.so";
        if (::access(path.c_str(), R_OK) != 0) {
            looked += (looked.empty() ? "" : ", ") + directory;
            continue;
        }
        void* module = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
        if (!module) throw error(Errc::unsupported, "opening {}: {}", path, ::dlerror());
        auto entry = reinterpret_cast<HttpModuleEntry>(::dlsym(module, http_module_entry));
        if (!entry) throw error(Errc::unsupported, "{} is no registry module of davit", path);
        return entry;
    }
    throw error(Errc::not_found, "davit's registry module davit-registry.so was not found in {}", looked)
        .with_hint("reinstall davit, or name the directory in DAVIT_LIBEXEC");
}

} // namespace

std::unique_ptr<HttpSession> make_http_session() {
    static const HttpModuleEntry entry = open_module();
    std::unique_ptr<HttpSession> session(entry(http_module_abi));
    if (!session) throw error(Errc::unsupported, "davit-registry.so belongs to another version of davit").with_hint("reinstall davit");
    return session;
}

} // namespace davit::image
