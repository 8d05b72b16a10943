#include "container/builder.hpp"

#include "base/error.hpp"
#include "base/local_path.hpp"
#include "base/shared_with.hpp"
#include "container/docker_socket.hpp"
#include "reconcile/labels.hpp"
#include "runtime/defaults.hpp"

#include <algorithm>
#include <filesystem>
#include <fmt/format.h>
#include <set>
#include <sstream>

namespace davit {

namespace {

using Kind = runtime::Mount::Kind;

std::string target_of(const std::string& target, const char* type) {
    if (target.empty() || target.front() != '/')
        throw error(Errc::invalid_project,
                    "invalid mount config for type \"{}\": invalid mount path: '{}' mount path must be absolute", type,
                    target);
    std::string clean = std::filesystem::path(target).lexically_normal().string();
    while (clean.size() > 1 && clean.back() == '/') clean.pop_back();
    if (clean == "/")
        throw error(Errc::invalid_project, "invalid mount config for type \"{}\": destination can't be '/'", type);
    return clean;
}

runtime::Propagation propagation_of(const std::string& name) {
    using P = runtime::Propagation;
    static const std::map<std::string, P> known{
        {"", P::rprivate},     {"rprivate", P::rprivate}, {"private", P::priv}, {"rshared", P::rshared},
        {"shared", P::shared}, {"rslave", P::rslave},     {"slave", P::slave}};
    auto it = known.find(name);
    if (it == known.end()) throw error(Errc::invalid_project, "invalid propagation mode: {}", name);
    return it->second;
}

// mount(8)'s option list of a local volume: flags become fields, the rest is the file system's data.
void apply_options(runtime::Mount& m, const std::string& options) {
    std::istringstream list(options);
    for (std::string option; std::getline(list, option, ',');) {
        if (option == "ro") m.readonly = true;
        else if (option == "nosuid") m.nosuid = true;
        else if (option == "nodev") m.nodev = true;
        else if (option == "noexec") m.noexec = true;
        else if (option == "noatime") m.noatime = true;
        else if (option == "nodiratime") m.nodiratime = true;
        else if (option == "relatime") m.relatime = true;
        else if (option == "rw" || option == "defaults" || option == "bind" || option == "rbind" || option.empty())
            continue;
        else m.data += (m.data.empty() ? "" : ",") + option;
    }
}

std::string option(const std::map<std::string, std::string>& options, const char* key) {
    auto it = options.find(key);
    return it == options.end() ? std::string() : it->second;
}

} // namespace

void ContainerBuilder::add(runtime::Mount mount, MountRecord record) {
    const std::string target = mount.destination;
    record.target = target;
    record.read_only = mount.readonly;
    mounts_[target] = std::move(mount);
    if (!record.type.empty()) mount_records_[target] = std::move(record);
}

// Later stages win over earlier ones at the same target; the image's own volumes yield to all.
void ContainerBuilder::mounts() {
    etc_files();
    inherited_mounts();
    about_each("volumes", service_.volumes, [&](const auto& m) { mount(m); });
    tmpfs_mounts();
    secrets();
    configs();
    image_volumes();
    if (service_.shm_size > 0)
        if (runtime::Mount* shm = runtime::find_mount(out_.spec, "/dev/shm"))
            shm->data = fmt::format("mode=1777,size={}", service_.shm_size);
    for (auto& [target, m] : mounts_) runtime::add_mount(out_.spec, m);
    runtime::arrange_mounts(out_.spec);
    for (auto& [target, record] : mount_records_) out_.record.mounts.push_back(record);
    root();
}

void ContainerBuilder::root() {
    runtime::Root& root = out_.spec.root;
    root.overlay.lower = in_.image.layers;
    root.overlay.upper = paths_.container(in_.container.id) + "/upper";
    root.overlay.work = paths_.container(in_.container.id) + "/work";
    root.readonly = service_.read_only;
    // It belongs to the container's layer: a volume at /etc is left alone.
    if (mounts_.count("/etc"))
        std::erase_if(out_.spec.symlinks, [](const auto& link) { return link.first == "/etc/mtab"; });
}

void ContainerBuilder::etc_files() {
    auto file = [&](const char* target, const std::string& source) {
        runtime::Mount m;
        m.source = source;
        m.destination = target;
        m.recursive = false;
        m.readonly = service_.read_only;
        add(std::move(m), {});
    };
    const ProjectPaths owner(in_.host.roots, files_project_);
    file("/etc/hosts", owner.hosts(files_of_));
    file("/etc/hostname", owner.hostname(files_of_));
    file("/etc/resolv.conf", owner.resolv_conf(files_of_));
}

void ContainerBuilder::inherited_mounts() {
    auto take = [&](const Donor& donor, bool read_only) {
        for (const auto& record : donor.record.mounts) {
            if (record.type != "volume" && record.type != "bind") continue;
            auto it = std::find_if(donor.mounts.begin(), donor.mounts.end(),
                                   [&](const auto& m) { return m.destination == record.target; });
            if (it == donor.mounts.end()) continue;
            runtime::Mount m = *it;
            m.readonly = m.readonly || read_only;
            MountRecord copy = record;
            copy.anonymous = false; // it goes with the container it belongs to
            add(std::move(m), std::move(copy));
        }
    };
    about_each("volumes_from", service_.volumes_from, [&](const auto& from) {
        const VolumesFrom parsed = VolumesFrom::parse(from);
        const bool foreign = parsed.of.is_container();
        const std::string name(parsed.of.name);
        // docker compose v5 loses the mode of `service:ro`; files written for it count on that.
        const Donor donor = foreign ? around_.by_name(name) : around_.of_service(name);
        out_.record.volumes_from.push_back(donor.record.id);
        take(donor, foreign && parsed.mode == "ro");
    });
    if (!in_.container.donor.empty()) take(around_.by_name(in_.container.donor), false);
}

void ContainerBuilder::mount(const Mount& m) {
    switch (m.type) {
    case MountType::bind: return bind_mount(m, target_of(m.target, "bind"));
    case MountType::volume: return volume_mount(m, target_of(m.target, "volume"));
    case MountType::image: return image_mount(m, target_of(m.target, "image"));
    case MountType::tmpfs: {
        std::string options;
        if (m.tmpfs && m.tmpfs->size > 0) options += fmt::format("size={}", m.tmpfs->size);
        if (m.tmpfs && m.tmpfs->mode != 0)
            options += fmt::format("{}mode={:o}", options.empty() ? "" : ",", m.tmpfs->mode);
        runtime::Mount tmpfs = runtime::tmpfs_mount(target_of(m.target, "tmpfs"), options);
        tmpfs.readonly = m.read_only;
        return add(std::move(tmpfs), {"tmpfs"});
    }
    case MountType::npipe:
    case MountType::cluster:
        throw error(Errc::unsupported, "mounts of type {} are not possible on this machine",
                    m.type == MountType::npipe ? "npipe" : "cluster")
            .with_hint("mount a directory or a volume instead");
    }
}

void ContainerBuilder::bind_mount(const Mount& from, const std::string& target) {
    runtime::Mount m;
    m.source = from.source;
    m.destination = target;
    m.readonly = from.read_only;
    const std::string recursive = from.bind ? from.bind->recursive : std::string();
    m.recursive = recursive != "disabled";
    m.readonly_recursive = from.read_only && recursive != "writable" && m.recursive;
    if (from.bind) m.propagation = propagation_of(from.bind->propagation);
    // A directory in the place of a daemon's socket helps nobody, and keeps a daemon from coming.
    const bool create = (!from.bind || from.bind->create_host_path) && !is_docker_socket(from.source);
    out_.bind_sources.push_back({from.source, create, {}, from.origin.pos});
    add(std::move(m), {"bind", "", from.source});
}

namespace {

// Refused before anything is made: at the start it would be one container among others that does not come.
void check_subpath(const Mount& mount, const char* type, const std::string& subpath) {
    if (subpath.empty() || is_local_path(subpath)) return;
    throw error(Errc::invalid_project,
                "invalid mount config for type \"{}\": subpath must be a relative path within the volume", type)
        .with_at(mount.origin.pos);
}

} // namespace

void ContainerBuilder::volume_mount(const Mount& from, const std::string& target) {
    const bool nocopy = from.volume && from.volume->nocopy;
    if (from.source.empty()) {
        if (from.volume && !from.volume->subpath.empty())
            throw error(Errc::invalid_project, "must not set Subpath when using anonymous volumes");
        anonymous_volume(target, from.read_only, nocopy, from.volume ? from.volume->labels : Labels());
        return;
    }
    auto known = in_.project.volumes.find(from.source);
    if (known == in_.project.volumes.end())
        throw error(Errc::invalid_project, "service \"{}\" refers to undefined volume {}", service_.name, from.source);
    if (from.volume && !from.volume->labels.empty())
        out_.warnings.push_back(fmt::format("service \"{}\": labels of the mount at {} have no effect: those of a "
                                            "volume with a name stand below volumes:",
                                            service_.name, target));
    if (from.volume) check_subpath(from, "volume", from.volume->subpath);
    VolumeRecord volume;
    if (known->second.external) volume = around_.volume(known->second.name);
    volume.name = known->second.name;
    if (!known->second.external) {
        volume.driver_opts = known->second.driver_opts;
        volume.driver = known->second.driver.empty() ? "local" : known->second.driver;
    }
    runtime::Mount m;
    m.destination = target;
    m.readonly = from.read_only;
    if (from.volume) m.subpath = from.volume->subpath;
    named_volume(volume, m);
    const runtime::Mount& made = mounts_.at(target);
    if (!nocopy && m.subpath.empty() && made.kind == Kind::bind) out_.copy_ups.push_back({target, made.source});
}

void ContainerBuilder::named_volume(const VolumeRecord& volume, runtime::Mount m) {
    if (volume.driver != "local")
        throw error(Errc::unsupported, "volume driver \"{}\" of volume {} not found", volume.driver, volume.name);
    const std::string type = option(volume.driver_opts, "type"), device = option(volume.driver_opts, "device");
    const std::string options = option(volume.driver_opts, "o");
    MountRecord record{"volume", volume.name, in_.host.roots.volume_data(volume.name)};
    const bool bind = ("," + options + ",").find("bind,") != std::string::npos || type == "bind";
    if (!device.empty() && bind) {
        m.source = device;
        out_.bind_sources.push_back({device, false, fmt::format("volume {}", volume.name), {}});
        apply_options(m, options);
        m.data.clear();
    } else if (!device.empty() && !type.empty() && type != "none") {
        m.kind = Kind::filesystem;
        m.type = type;
        m.source = device;
        apply_options(m, options);
    } else {
        m.source = record.source;
    }
    add(std::move(m), std::move(record));
}

void ContainerBuilder::anonymous_volume(const std::string& target, bool read_only, bool nocopy, const Labels& labels) {
    VolumeRecord volume;
    volume.anonymous = true;
    if (in_.container.replaces)
        for (const auto& old : in_.container.replaces->record.mounts)
            if (old.anonymous && old.target == target) volume.name = old.name;
    runtime::Mount m;
    m.destination = target;
    m.readonly = read_only;
    const bool fresh = volume.name.empty();
    if (fresh) {
        volume.name = around_.new_volume_name();
        volume.project = in_.project.name;
        volume.labels = labels;
        volume.labels[label::anonymous] = "";
        volume.created = in_.host.now;
        out_.volumes.push_back(volume);
    }
    named_volume(volume, m);
    mount_records_.at(target).anonymous = true;
    if (fresh && !nocopy) out_.copy_ups.push_back({target, mounts_.at(target).source});
}

void ContainerBuilder::tmpfs_mounts() {
    about_each("tmpfs", service_.tmpfs, [&](const std::string& text) {
        const auto colon = text.find(':');
        const std::string target = target_of(text.substr(0, colon), "tmpfs");
        const auto index = static_cast<std::size_t>(&text - service_.tmpfs.data());
        at_start(fmt::format("tmpfs[{}]", index), [&] {
            add(runtime::tmpfs_mount(target, colon == std::string::npos ? "" : text.substr(colon + 1)), {"tmpfs"});
        });
    });
}

void ContainerBuilder::image_mount(const Mount& from, const std::string& target) {
    const ImageFacts image = around_.image(from.source);
    const std::string subpath = from.image ? from.image->subpath : std::string();
    check_subpath(from, "image", subpath);
    runtime::Mount m;
    m.destination = target;
    m.readonly = true;
    m.kind = Kind::overlay;
    m.layers = image.layers;
    m.subpath = subpath;
    add(std::move(m), {"image", from.source, from.source});
}

void ContainerBuilder::image_volumes() {
    for (const auto& path : in_.image.config.volumes) {
        const std::string target = target_of(path, "volume");
        if (!mounts_.count(target)) anonymous_volume(target, false, false, {});
    }
}

} // namespace davit
