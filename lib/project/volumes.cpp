#include "project/store.hpp"

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/sys.hpp"

#include <cerrno>
#include <sys/stat.h>

namespace davit {

namespace {
std::string volume_file(const Roots& roots, const std::string& name) {
    return roots.volumes() + "/" + name + "/volume.json";
}
} // namespace

std::vector<VolumeRecord> RecordStore::volumes() const {
    std::vector<VolumeRecord> out;
    for (const auto& name : list_directory(roots_.volumes()))
        if (auto record = volume(name)) out.push_back(std::move(*record));
    return out;
}

std::optional<VolumeRecord> RecordStore::volume(const std::string& name) const {
    check_name("volume", name);
    auto text = read_file_if_exists(volume_file(roots_, name));
    if (!text) return std::nullopt;
    return volume_record_from_json(*text, volume_file(roots_, name));
}

void RecordStore::create(const VolumeRecord& record) const {
    std::string data = roots_.volume_data(record.name);
    if (exists(volume_file(roots_, record.name))) return;
    sys::make_dirs(roots_.volumes() + "/" + record.name, 0700);
    // Users inside the container walk through _data; the 0700 above it keeps those of the host out.
    if (::mkdir(data.c_str(), 0755) < 0 && errno != EEXIST) throw sys_error(errno, "making the volume {}", record.name);
    ::chmod(data.c_str(), 0755);
    // Last: a volume without its record is half-made and is made again.
    write_file_atomic(volume_file(roots_, record.name), to_json(record), 0600, true);
}

void RecordStore::remove_volume(const std::string& name) const {
    check_name("volume", name);
    // The record first: what a crash leaves then is no volume any more.
    ::unlink(volume_file(roots_, name).c_str());
    sys::remove_tree(roots_.volumes() + "/" + name);
}

} // namespace davit
