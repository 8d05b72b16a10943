#include "davit/system.hpp"

#include "engine/disk_survey.hpp"
#include "engine/roots.hpp"
#include "project/store.hpp"

#include <algorithm>

namespace davit {

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
