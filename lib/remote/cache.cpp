#include "remote/cache.hpp"

#include "base/error.hpp"
#include "base/file.hpp"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <unistd.h>

namespace davit::remote {

namespace fs = std::filesystem;

std::string default_cache_directory() {
    if (const char* cache = std::getenv("XDG_CACHE_HOME"); cache && *cache == '/') return std::string(cache) + "/davit";
    const char* home = std::getenv("HOME");
    return std::string(home && *home ? home : "/root") + "/.cache/davit";
}

std::string cached(const std::string& cache, const std::string& key,
                   const std::function<void(const std::string&)>& fill) {
    const std::string final_path = cache + "/" + key;
    if (exists(final_path)) return final_path;
    std::error_code code;
    fs::create_directories(cache, code);
    if (code) throw sys_error(code.value(), "making the cache directory {}", cache);
    std::string temporary = final_path + ".XXXXXX";
    if (!::mkdtemp(temporary.data())) throw sys_error(errno, "making a directory in {}", cache);
    struct Remover {
        std::string path;
        ~Remover() {
            std::error_code ignored;
            fs::remove_all(path, ignored);
        }
    } remover{temporary};
    fill(temporary + "/files");
    if (::rename((temporary + "/files").c_str(), final_path.c_str()) != 0 && errno != ENOTEMPTY && errno != EEXIST)
        throw sys_error(errno, "making {}", final_path);
    return final_path; // another process may have been faster: its files are the same
}

std::string compose_file_in(const std::string& directory, const std::string& shown) {
    for (const char* name : {"compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml"})
        if (exists(directory + "/" + name)) return directory + "/" + name;
    throw error(Errc::not_found, "{} has no compose file", shown)
        .with_hint("it needs compose.yaml; name a subdirectory with #REF:DIRECTORY");
}

} // namespace davit::remote
