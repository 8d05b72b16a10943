#include "build/stale_files.hpp"

#include "base/error.hpp"
#include "base/fd.hpp"
#include "base/sys.hpp"

#include <algorithm>
#include <cctype>
#include <dirent.h>
#include <fcntl.h>
#include <filesystem>
#include <memory>
#include <sys/stat.h>
#include <vector>

namespace davit::build {

namespace {

constexpr const char* entitlement = "buildx.local.delete";

std::vector<std::string> names_in(int directory) {
    const std::unique_ptr<DIR, int (*)(DIR*)> stream(
        ::fdopendir(sys::open_at(directory, ".", O_RDONLY | O_DIRECTORY).release()), ::closedir);
    if (!stream) throw sys_error(errno, "reading a directory of the output");
    std::vector<std::string> out;
    while (const dirent* entry = ::readdir(stream.get()))
        if (const std::string name = entry->d_name; name != "." && name != "..") out.push_back(name);
    return out;
}

// 0: nothing has that name.
mode_t kind_of(int directory, const std::string& name) {
    struct stat st {};
    if (::fstatat(directory, name.c_str(), &st, AT_SYMLINK_NOFOLLOW) == 0) return st.st_mode & S_IFMT;
    if (errno != ENOENT) throw sys_error(errno, "looking at {}", name);
    return 0;
}

UniqueFd inside(int directory, const std::string& name) {
    return sys::open_at(directory, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
}

} // namespace

bool wants_delete(const BuildOutput& output) {
    const auto found = output.attributes.find("mode");
    if (output.type != BuildOutput::Type::local || found == output.attributes.end()) return false;
    std::string mode = found->second;
    std::transform(mode.begin(), mode.end(), mode.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    if (mode.empty() || mode == "copy") return false;
    if (mode != "delete") throw error(Errc::usage, "invalid local exporter mode \"{}\"", found->second);
    return true;
}

bool is_below_here(const std::string& directory) {
    namespace fs = std::filesystem;
    std::error_code failed;
    const fs::path here = fs::canonical(".", failed);
    if (failed) return false;
    const fs::path there = fs::weakly_canonical(fs::absolute(directory), failed);
    if (failed) return false;
    const fs::path way = there.lexically_normal().lexically_relative(here);
    return !way.empty() && way != "." && *way.begin() != "..";
}

void check_delete(const BuildRequest& request, const std::string& directory) {
    const auto& given = request.entitlements;
    if (std::find(given.begin(), given.end(), entitlement) != given.end() || is_below_here(directory)) return;
    throw error(Errc::denied, "local output mode=delete for destination \"{}\" requires --allow={}", directory,
                entitlement)
        .with_hint("what stands there and is no file of the build is removed");
}

void remove_stale(int directory, int built) {
    for (const std::string& name : names_in(directory)) {
        const mode_t here = kind_of(directory, name);
        if (here == 0) continue; // somebody else was faster
        if (here != kind_of(built, name)) sys::remove_tree_at(directory, name);
        else if (here == S_IFDIR) remove_stale(inside(directory, name).get(), inside(built, name).get());
    }
}

void remove_others(int directory, const std::set<std::string>& kept) {
    for (const std::string& name : names_in(directory))
        if (!kept.contains(name) || kind_of(directory, name) != S_IFDIR) sys::remove_tree_at(directory, name);
}

} // namespace davit::build
