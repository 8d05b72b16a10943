// The root, mounts, device nodes and masks as steps.
#include "runtime/steps/parts.hpp"

#include "base/error.hpp"

#include <algorithm>
#include <dirent.h>
#include <filesystem>
#include <linux/magic.h>
#include <linux/mount.h>
#include <set>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>

namespace davit::runtime {
namespace {

constexpr std::size_t max_layers = 500; // the kernel's limit for overlay

// What tools like lxcfs show in place of the machine's own numbers; nothing else in /proc can be covered.
bool may_cover(const std::string& path) {
    static const std::set<std::string, std::less<>> names = {"/proc/cpuinfo",
                                                             "/proc/diskstats",
                                                             "/proc/loadavg",
                                                             "/proc/meminfo",
                                                             "/proc/slabinfo",
                                                             "/proc/stat",
                                                             "/proc/swaps",
                                                             "/proc/uptime",
                                                             "/proc/sys/crypto/fips_enabled",
                                                             "/proc/sys/kernel/ns_last_pid"};
    return names.contains(path);
}

// CVE-2019-16884, CVE-2023-27561: what stands in for /proc would receive what is meant for the kernel.
void check_kernel_files(const Mount& m) {
    bool proc = m.kind == Mount::Kind::filesystem && m.type == "proc";
    std::string clean = std::filesystem::path(m.destination).lexically_normal().string();
    struct statfs fs {};
    if (clean == "/proc" && !proc &&
        (m.kind != Mount::Kind::bind || ::statfs(m.source.c_str(), &fs) < 0 || fs.f_type != PROC_SUPER_MAGIC))
        throw error(Errc::invalid_project, "\"/proc\" cannot be mounted because it is not of type proc");
    if (clean.starts_with("/proc/") && !may_cover(clean))
        throw error(Errc::invalid_project, "\"{}\" cannot be mounted because it is inside /proc", clean);
}

std::vector<std::string> split_options(const std::string& data) {
    std::vector<std::string> out;
    for (std::size_t at = 0; at < data.size();) {
        std::size_t comma = std::min(data.find(',', at), data.size());
        if (comma > at) out.push_back(data.substr(at, comma - at));
        at = comma + 1;
    }
    return out;
}

std::uint64_t attributes(const Mount& m) {
    std::uint64_t set = 0;
    if (m.readonly || m.readonly_recursive) set |= MOUNT_ATTR_RDONLY;
    if (m.nosuid) set |= MOUNT_ATTR_NOSUID;
    if (m.nodev) set |= MOUNT_ATTR_NODEV;
    if (m.noexec) set |= MOUNT_ATTR_NOEXEC;
    if (m.noatime) set |= MOUNT_ATTR_NOATIME;
    if (m.strictatime) set |= MOUNT_ATTR_STRICTATIME;
    if (m.nodiratime) set |= MOUNT_ATTR_NODIRATIME;
    if (m.nosymfollow) set |= MOUNT_ATTR_NOSYMFOLLOW;
    return set;
}

// Changing an access time mode needs its whole field cleared first (mount_setattr(2)).
std::uint64_t cleared(const Mount& m) {
    return m.noatime || m.strictatime || m.relatime ? std::uint64_t{MOUNT_ATTR__ATIME} : 0;
}

std::uint64_t propagation(Propagation p) {
    switch (p) {
    case Propagation::rprivate: return MS_PRIVATE | MS_REC;
    case Propagation::priv: return MS_PRIVATE;
    case Propagation::rshared: return MS_SHARED | MS_REC;
    case Propagation::shared: return MS_SHARED;
    case Propagation::rslave: return MS_SLAVE | MS_REC;
    case Propagation::slave: return MS_SLAVE;
    }
    return 0;
}

bool stays_private(Propagation p) { return p == Propagation::rprivate || p == Propagation::priv; }

void check_absolute(const std::string& path, const char* what) {
    if (path.empty() || path[0] != '/')
        throw error(Errc::invalid_project, "{} '{}' is not an absolute path", what, path);
}

void add_bind(Compiler& c, const Mount& m) {
    check_absolute(m.source, "mount source");
    exec::MountStep s{};
    bool peer = m.kind == Mount::Kind::peer;
    s.kind = peer ? exec::MountKind::peer : exec::MountKind::bind;
    s.source = c.out.text(m.source);
    s.target = c.out.text(m.destination);
    s.subpath = c.out.text(m.subpath);
    if (may_cover(m.destination)) s.flags |= exec::mount_over_proc;
    if (m.recursive) s.flags |= exec::mount_recursive;
    if (m.readonly_recursive) s.flags |= exec::mount_attr_recursive;
    if (peer || !stays_private(m.propagation)) s.flags |= exec::mount_early;
    s.attr_set = attributes(m);
    s.attr_clear = cleared(m);
    // Our own mounts are private already; a source opened early brings the host's peers along.
    if (!stays_private(m.propagation)) s.propagation = propagation(m.propagation);
    c.out.add(s);
}

void add_filesystem(Compiler& c, const Mount& m) {
    exec::MountStep s{};
    s.kind = exec::MountKind::filesystem;
    s.source = c.out.text(m.source.empty() ? m.type : m.source);
    s.target = c.out.text(m.destination);
    s.type = c.out.text(m.type);
    std::vector<std::string> options = split_options(m.data);
    auto has_mode = [](const std::string& o) { return o.starts_with("mode="); };
    if (m.type == "tmpfs" && std::none_of(options.begin(), options.end(), has_mode))
        s.flags |= exec::mount_inherit_mode;
    // mount(2) with MS_RDONLY makes the instance itself read-only too.
    if (m.readonly && m.type != "tmpfs") options.push_back("ro");
    if (m.type == "mqueue" || m.type == "cgroup") s.flags |= exec::mount_optional;
    s.options = c.out.list(options);
    s.attr_set = attributes(m);
    s.propagation = 0;
    c.out.add(s);
}

void check_layers(const std::vector<std::string>& layers) {
    if (layers.size() > max_layers)
        throw error(Errc::unsupported, "the image has {} layers; the kernel mounts at most {}", layers.size(),
                    max_layers);
}

void add_overlay(Compiler& c, const Mount& m) {
    check_layers(m.layers);
    if (m.layers.empty()) throw error(Errc::failed, "a mount of no layers on {}", m.destination);
    exec::MountStep s{};
    s.kind = exec::MountKind::overlay;
    s.target = c.out.text(m.destination);
    s.subpath = c.out.text(m.subpath);
    s.options = c.out.list(m.layers);
    s.attr_set = attributes(m);
    c.out.add(s);
}

Mount bind_of(const std::string& source, const std::string& destination, const Mount& like) {
    Mount m;
    m.kind = Mount::Kind::bind;
    m.source = source;
    m.destination = destination;
    m.recursive = false;
    m.readonly = like.readonly;
    m.nosuid = m.nodev = m.noexec = m.relatime = true;
    return m;
}

void add_link(Compiler& c, const std::string& path, const std::string& target, bool only_if_exists = false) {
    exec::SymlinkStep s{};
    s.path = c.out.text(path);
    s.target = c.out.text(target);
    s.only_if_target_exists = only_if_exists;
    c.out.add(s);
}

// The container sees its own groups only: binds of them, which the cgroup namespace (if any) shows as "/".
void add_cgroup_mounts(Compiler& c, const Spec& spec, const Mount& m) {
    if (c.host.cgroups.empty() || spec.cgroup.empty()) return;
    if (c.host.cgroup_v2_only)
        return add_bind(c, bind_of(c.host.cgroups[0].mount_point + "/" + spec.cgroup, m.destination, m));
    Mount base;
    base.kind = Mount::Kind::filesystem;
    base.type = "tmpfs";
    base.destination = m.destination;
    // As Docker's it can be written to, but there is room for mount points and links only, not for half the machine's
    // memory.
    base.data = "mode=755,size=4k,nr_inodes=256";
    base.nosuid = base.nodev = base.noexec = true;
    add_filesystem(c, base);
    for (const CgroupHierarchy& h : c.host.cgroups) {
        std::string name = h.mount_point.substr(h.mount_point.rfind('/') + 1);
        add_bind(c, bind_of(h.mount_point + "/" + spec.cgroup, m.destination + "/" + name, m));
        if (h.controllers.size() < 2) continue;
        for (const std::string& controller : h.controllers)
            if (controller != name) add_link(c, m.destination + "/" + controller, name);
    }
}

// The place of v1's hierarchies, once everything below it has its mount point.
void add_readonly_cgroup_root(Compiler& c, const Spec& spec) {
    if (!spec.root.readonly || c.host.cgroup_v2_only || c.host.cgroups.empty() || spec.cgroup.empty()) return;
    for (const Mount& m : spec.mounts) {
        if (m.kind != Mount::Kind::cgroup || !m.readonly) continue;
        exec::ReadonlyMount s{};
        s.text = c.out.text(m.destination);
        c.out.add(s);
    }
}

void add_devices(Compiler& c, const Spec& spec) {
    for (const Device& d : spec.devices) {
        check_absolute(d.path, "device");
        exec::DeviceNode s{};
        s.path = c.out.text(d.path);
        s.mode = d.mode | (d.type == 'b' ? S_IFBLK : d.type == 'p' ? S_IFIFO : S_IFCHR);
        s.uid = d.uid;
        s.gid = d.gid;
        s.device = d.type == 'p' ? 0 : makedev(d.major, d.minor);
        c.out.add(s);
    }
}

void add_links(Compiler& c, const Spec& spec, bool below_dev) {
    for (const auto& [path, target] : spec.symlinks) {
        check_absolute(path, "link");
        // /dev/core is there only where the kernel has /proc/kcore.
        if (path.starts_with("/dev/") == below_dev) add_link(c, path, target, path == "/dev/core");
    }
}

// "/sys/devices/system/cpu/cpu*/thermal_throttle": one '*' in one component.
std::vector<std::string> expand(const std::string& path) {
    std::size_t star = path.find('*');
    if (star == std::string::npos) return {path};
    std::size_t slash = path.rfind('/', star), next = std::min(path.find('/', star), path.size());
    std::string dir = path.substr(0, slash), prefix = path.substr(slash + 1, star - slash - 1);
    std::string suffix = path.substr(star + 1, next - star - 1), rest = path.substr(next);
    std::vector<std::string> out;
    DIR* d = ::opendir(dir.c_str());
    if (!d) return out;
    while (dirent* e = ::readdir(d)) {
        std::string name = e->d_name;
        if (name.size() < prefix.size() + suffix.size() || !name.starts_with(prefix) || !name.ends_with(suffix))
            continue;
        std::string full = dir + "/" + name + rest;
        struct stat st {};
        if (::lstat(full.c_str(), &st) == 0) out.push_back(full);
    }
    ::closedir(d);
    std::sort(out.begin(), out.end());
    return out;
}

} // namespace

void add_root(Compiler& c, const Spec& spec) {
    exec::SetPropagation all{};
    all.flags = MS_PRIVATE | MS_REC;
    c.out.add(all);
    const Root& root = spec.root;
    if (root.overlay.lower.empty()) {
        check_absolute(root.path, "root");
        exec::RootBind s{};
        s.path = c.out.text(root.path);
        return c.out.add(s);
    }
    check_layers(root.overlay.lower);
    if (root.overlay.upper.empty() != root.overlay.work.empty())
        throw error(Errc::failed, "an overlay needs both upper and work or neither");
    exec::RootOverlay s{};
    s.lower = c.out.list(root.overlay.lower);
    s.upper = c.out.text(root.overlay.upper);
    s.work = c.out.text(root.overlay.work);
    c.out.add(s);
}

void add_mounts(Compiler& c, const Spec& spec) {
    bool devices_done = false, sysctls_done = false;
    auto devices = [&] {
        add_devices(c, spec);
        add_links(c, spec, true);
        devices_done = true;
    };
    auto is_proc = [](const Mount& m) { return m.kind == Mount::Kind::filesystem && m.type == "proc"; };
    if (std::none_of(spec.mounts.begin(), spec.mounts.end(), is_proc)) {
        c.out.add(exec::OpenProc{});
        add_sysctls(c, spec);
        sysctls_done = true;
    }
    // Into the image's own tree: a volume on /etc must not find /etc/mtab in it.
    add_links(c, spec, false);
    for (const Mount& m : spec.mounts) {
        check_absolute(m.destination, "mount target");
        check_kernel_files(m);
        switch (m.kind) {
        case Mount::Kind::bind:
        case Mount::Kind::peer: add_bind(c, m); break;
        case Mount::Kind::filesystem: add_filesystem(c, m); break;
        case Mount::Kind::overlay: add_overlay(c, m); break;
        case Mount::Kind::cgroup: add_cgroup_mounts(c, spec, m); break;
        }
        // Before anything of the user's can lie over the files in there.
        if (is_proc(m) && !sysctls_done) add_sysctls(c, spec), sysctls_done = true;
        if (m.destination == "/dev" && !devices_done) devices();
    }
    if (!devices_done) devices();
}

void add_masks(Compiler& c, const Spec& spec) {
    add_readonly_cgroup_root(c, spec);
    for (const std::string& path : spec.masked_paths)
        for (const std::string& one : expand(path)) {
            exec::MaskPath s{};
            s.text = c.out.text(one);
            c.out.add(s);
        }
    for (const std::string& path : spec.readonly_paths) {
        exec::ReadonlyPath s{};
        s.text = c.out.text(path);
        c.out.add(s);
    }
}

} // namespace davit::runtime
