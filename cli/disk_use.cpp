#include "cli/disk_use.hpp"

#include "base/dir.hpp"
#include "base/error.hpp"
#include "cli/format/size.hpp"
#include "project/store.hpp"

#include <algorithm>
#include <cstdint>
#include <fcntl.h>
#include <string_view>
#include <sys/stat.h>
#include <unistd.h>
#include <vector>

namespace davit::cli {

namespace {

constexpr int most_looked_at = 200'000; // a hint is not worth minutes
constexpr std::size_t most_named = 3;
constexpr std::int64_t worth_naming = 1 << 20;

struct Use {
    std::int64_t bytes = 0;
    std::string what;
};

// What the files at and below a path take on the disk. Containers change what is below: nothing is followed.
class Survey {
public:
    std::int64_t bytes(const std::string& path) { return below(AT_FDCWD, path.c_str(), deepest); }

private:
    std::int64_t below(int parent, const char* name, int depth) {
        const int fd = ::openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0) return 0;
        const Dir dir(::fdopendir(fd));
        if (!dir) {
            ::close(fd);
            return 0;
        }
        std::int64_t sum = 0;
        while (const dirent* entry = seen_ < most_looked_at ? ::readdir(dir.get()) : nullptr) {
            struct stat st {};
            const std::string_view is = entry->d_name;
            if (is == "." || is == ".." || ::fstatat(fd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0) continue;
            ++seen_;
            sum += st.st_blocks * block;
            if (S_ISDIR(st.st_mode) && depth > 0) sum += below(fd, entry->d_name, depth - 1);
        }
        return sum;
    }
    static constexpr int deepest = 100; // descriptors
    static constexpr std::int64_t block = 512;
    int seen_ = 0;
};

void add_containers(const Roots& roots, Survey& survey, std::vector<Use>& out) {
    const RecordStore store(roots);
    for (const auto& project : list_directory(roots.projects()))
        for (const auto& record : store.containers(project)) {
            const ProjectPaths paths(roots, project);
            const std::string log = paths.log(record.id);
            out.push_back(
                {survey.bytes(log.substr(0, log.rfind('/'))), "the log of container " + record.name + " (" + log});
            out.push_back({survey.bytes(paths.container(record.id) + "/upper"),
                           "what container " + record.name + " has written (" + paths.container(record.id) + "/upper"});
        }
}

} // namespace

std::string biggest_on_disk(const Roots& roots) {
    std::vector<Use> all;
    Survey survey;
    try {
        add_containers(roots, survey, all);
        for (const auto& volume : list_directory(roots.volumes()))
            all.push_back({survey.bytes(roots.volumes() + "/" + volume), "volume " + volume + " ("});
        all.push_back({survey.bytes(roots.images()), "images ("});
    } catch (const Error&) {
        return {}; // the hint is for another error
    }
    std::erase_if(all, [](const Use& u) { return u.bytes < worth_naming; });
    std::sort(all.begin(), all.end(), [](const Use& a, const Use& b) { return a.bytes > b.bytes; });
    std::string text;
    for (std::size_t i = 0; i < std::min(all.size(), most_named); ++i)
        text += (i ? ", " : "") + all[i].what + (all[i].what.ends_with('(') ? "" : ", ") +
                human_size(static_cast<double>(all[i].bytes)) + ")";
    return text;
}

} // namespace davit::cli
