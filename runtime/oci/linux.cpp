#include "runtime/oci/json_fields.hpp"
#include "runtime/oci/sections.hpp"

namespace davit::runtime::oci {
namespace {

void device(Fields& f, Device& d) {
    std::string type(1, d.type);
    f.always("type", type);
    if (f.reading()) {
        if (type != "c" && type != "b" && type != "u" && type != "p")
            f.refuse("'" + type + "' is no type of device: c, b, u or p");
        d.type = type == "u" ? 'c' : type[0];
    }
    f.always("path", d.path);
    f.member("major", d.major);
    f.member("minor", d.minor);
    f.always("fileMode", d.mode);
    f.always("uid", d.uid);
    f.always("gid", d.gid);
}

// Below each hierarchy; absolute in the document, since a relative one may begin anywhere.
void cgroups_path(Fields& f, std::string& cgroup) {
    std::string path = cgroup.empty() ? "" : "/" + cgroup;
    f.member("cgroupsPath", path);
    if (f.reading()) cgroup = path.starts_with("/") ? path.substr(1) : path;
}

void intel_rdt(Fields& f, IntelRdt& r) {
    f.member("closID", r.clos_id);
    f.member("schemata", r.schemata);
    f.member("l3CacheSchema", r.l3_cache_schema);
    f.member("memBwSchema", r.mem_bw_schema);
    f.member("enableCMT", r.enable_cmt);
    f.member("enableMBM", r.enable_mbm);
    f.member("enableMonitoring", r.enable_monitoring);
}

} // namespace

void linux_part(Fields& f, Spec& s) {
    namespaces(f, s);
    f.list("devices", s.devices, device);
    cgroups_path(f, s.cgroup);
    f.object("resources", [&] { resources(f, s.resources); });
    f.member("sysctl", s.sysctls);
    seccomp(f, s.seccomp);
    f.member("maskedPaths", s.masked_paths);
    f.member("readonlyPaths", s.readonly_paths);
    f.idle("rootfsPropagation", s.rootfs_propagation);
    f.idle("mountLabel", s.mount_label);
    f.idle_maybe("intelRdt", s.intel_rdt, intel_rdt);
    f.idle_maybe("memoryPolicy", s.memory_policy, [](Fields& g, MemoryPolicy& m) {
        g.always("mode", m.mode);
        g.member("nodes", m.nodes);
        g.member("flags", m.flags);
    });
    f.idle_maybe("personality", s.personality, [](Fields& g, Personality& p) {
        g.always("domain", p.domain);
        g.member("flags", p.flags);
    });
    f.idle_table("netDevices", s.net_devices, [](Fields& g, NetDevice& d) { g.member("name", d.name); });
}

} // namespace davit::runtime::oci
