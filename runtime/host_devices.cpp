#include "runtime/host_devices.hpp"

#include "base/error.hpp"

#include <algorithm>
#include <dirent.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

namespace davit::runtime {

namespace {

Device device_of(const struct stat& st, const std::string& path) {
    Device d;
    d.path = path;
    d.type = S_ISBLK(st.st_mode) ? 'b' : 'c';
    d.major = major(st.st_rdev);
    d.minor = minor(st.st_rdev);
    d.mode = st.st_mode & 07777;
    d.uid = st.st_uid;
    d.gid = st.st_gid;
    return d;
}

// devpts and the like are the container's own.
bool is_passed_over(const std::string& name) {
    static const std::vector<std::string> names = {".",      "..",      "pts",  "ptmx",        "shm",  "fd",
                                                   "mqueue", "console", ".lxc", ".lxd-mounts", ".udev"};
    return std::find(names.begin(), names.end(), name) != names.end();
}

void find_below(const std::string& dir, std::vector<Device>& to) {
    DIR* d = ::opendir(dir.c_str());
    if (!d) return;
    std::vector<std::string> names;
    while (dirent* e = ::readdir(d)) names.emplace_back(e->d_name);
    ::closedir(d);
    std::sort(names.begin(), names.end());
    for (const std::string& name : names) {
        struct stat st {};
        const std::string path = dir + "/" + name;
        if (is_passed_over(name) || ::lstat(path.c_str(), &st) < 0) continue;
        if (S_ISDIR(st.st_mode)) find_below(path, to);
        else if (S_ISCHR(st.st_mode) || S_ISBLK(st.st_mode)) to.push_back(device_of(st, path));
    }
}

} // namespace

std::vector<Device> host_devices(const std::string& path) {
    struct stat st {};
    if (::stat(path.c_str(), &st) < 0 && errno == ENOENT)
        throw error(Errc::not_found,
                    "error gathering device information while adding custom device \"{}\": no such file or directory",
                    path);
    if (st.st_mode == 0) throw sys_error(errno, "device '{}'", path);
    std::vector<Device> out;
    if (S_ISDIR(st.st_mode)) find_below(path, out);
    else if (S_ISCHR(st.st_mode) || S_ISBLK(st.st_mode)) out.push_back(device_of(st, path));
    else throw error(Errc::invalid_project, "'{}' is not a device node", path);
    return out;
}

} // namespace davit::runtime
