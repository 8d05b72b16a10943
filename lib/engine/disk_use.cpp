#include "davit/system.hpp"

#include "base/dir.hpp"
#include "engine/roots.hpp"
#include "project/store.hpp"

#include <algorithm>
#include <fcntl.h>
#include <string_view>
#include <sys/stat.h>
#include <unistd.h>

namespace davit {

namespace {

constexpr int most_looked_at = 200'000; // a hint is not worth minutes

// What the files at and below a path take on the disk. Containers change what is below: nothing is followed.
class DiskSurvey {
public:
    std::uint64_t bytes(const std::string& path) { return below(AT_FDCWD, path.c_str(), deepest); }

private:
    std::uint64_t below(int parent, const char* name, int depth) {
        const int fd = ::openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0) return 0;
        const Dir dir(::fdopendir(fd));
        if (!dir) {
            ::close(fd);
            return 0;
        }
        std::uint64_t sum = 0;
        while (const dirent* entry = seen_ < most_looked_at ? ::readdir(dir.get()) : nullptr) {
            struct stat st {};
            const std::string_view is = entry->d_name;
            if (is == "." || is == ".." || ::fstatat(fd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0) continue;
            ++seen_;
            sum += static_cast<std::uint64_t>(st.st_blocks) * block;
            if (S_ISDIR(st.st_mode) && depth > 0) sum += below(fd, entry->d_name, depth - 1);
        }
        return sum;
    }
    static constexpr int deepest = 100; // descriptors
    static constexpr std::uint64_t block = 512;
    int seen_ = 0;
};

} // namespace

std::vector<DiskUse> disk_use(Engine& engine) {
    const Roots roots = roots_of(engine);
    const RecordStore store(roots);
    DiskSurvey survey;
    std::vector<DiskUse> out;
    for (const auto& project : list_directory(roots.projects()))
        for (const auto& record : store.containers(project)) {
            const ProjectPaths paths(roots, project);
            const std::string log = paths.log(record.id), upper = paths.container(record.id) + "/upper";
            out.push_back({DiskUse::Kind::log, record.name, log, survey.bytes(log.substr(0, log.rfind('/')))});
            out.push_back({DiskUse::Kind::written, record.name, upper, survey.bytes(upper)});
        }
    for (const auto& volume : list_directory(roots.volumes())) {
        const std::string path = roots.volumes() + "/" + volume;
        out.push_back({DiskUse::Kind::volume, volume, path, survey.bytes(path)});
    }
    out.push_back({DiskUse::Kind::images, "", roots.images(), survey.bytes(roots.images())});
    std::sort(out.begin(), out.end(), [](const DiskUse& a, const DiskUse& b) { return a.bytes > b.bytes; });
    return out;
}

} // namespace davit
