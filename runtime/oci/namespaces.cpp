#include "runtime/oci/json_fields.hpp"
#include "runtime/oci/sections.hpp"

#include <algorithm>

namespace davit::runtime::oci {
namespace {

struct Kind {
    const char* type;
    Namespace& ns;
    bool acted_on; // by a step
};

// The cgroup namespace for as long as it is written or read.
std::vector<Kind> kinds(Namespaces& all, Namespace& cgroup) {
    return {{"pid", all.pid, true},    {"network", all.net, true}, {"ipc", all.ipc, true},
            {"uts", all.uts, true},    {"mount", all.mount, true}, {"user", all.user, false},
            {"time", all.time, false}, {"cgroup", cgroup, true}};
}

Namespace cgroup_of(const Namespaces& all) {
    if (!all.private_cgroup.value_or(false)) return {NsMode::host, ""};
    return all.cgroup_path.empty() ? Namespace{} : Namespace{NsMode::path, all.cgroup_path};
}

void write(Fields& f, const std::vector<Kind>& all) {
    json list = json::array();
    std::vector<std::string> passed;
    for (const Kind& k : all) {
        if (k.ns.mode == NsMode::host) continue;
        json& one = list.emplace_back(json{{"type", k.type}});
        if (k.ns.mode == NsMode::path) one["path"] = k.ns.path;
        if (k.ns.mode == NsMode::passed) passed.emplace_back(k.type);
    }
    f.out()["namespaces"] = std::move(list);
    f.own("passedNamespaces", passed);
}

void read_one(Fields& f, const std::vector<Kind>& all, std::vector<std::string>& seen) {
    std::string type, path;
    f.always("type", type);
    f.member("path", path);
    auto kind = std::find_if(all.begin(), all.end(), [&](const Kind& k) { return type == k.type; });
    if (kind == all.end()) return f.tell("type");
    if (std::find(seen.begin(), seen.end(), type) != seen.end()) f.refuse("a second " + type + " namespace");
    seen.push_back(type);
    kind->ns = path.empty() ? Namespace{} : Namespace{NsMode::path, path};
}

void read(Fields& f, Namespaces& ns) {
    Namespace cgroup;
    const std::vector<Kind> all = kinds(ns, cgroup);
    for (const Kind& k : all) k.ns = {NsMode::host, ""};
    std::vector<std::string> seen, passed;
    struct Entry {};
    std::vector<Entry> entries;
    f.list("namespaces", entries, [&](Fields& g, Entry&) { read_one(g, all, seen); });
    f.own("passedNamespaces", passed);
    for (const std::string& type : passed)
        for (const Kind& k : all)
            if (type == k.type) k.ns = {NsMode::passed, ""};
    bool by_default = false;
    f.own("defaultCgroupNamespace", by_default);
    ns.cgroup_path = cgroup.path;
    if (by_default) ns.private_cgroup.reset();
    else ns.private_cgroup = cgroup.mode != NsMode::host;
}

// What compile() has no step for.
void tell_idle(Fields& f, Namespaces& ns) {
    Namespace cgroup = cgroup_of(ns);
    int index = 0;
    for (const Kind& k : kinds(ns, cgroup)) {
        const std::string type = k.type;
        const bool joined = k.ns.mode == NsMode::path && (type == "mount" || type == "cgroup");
        if (type == "mount" && k.ns.mode == NsMode::host) f.tell("namespaces");
        if (k.ns.mode == NsMode::host) continue;
        if (!k.acted_on || joined) f.tell_element("namespaces", index);
        ++index;
    }
}

} // namespace

void id_mapping(Fields& f, IdMapping& m) {
    f.always("containerID", m.container);
    f.always("hostID", m.host);
    f.always("size", m.size);
}

void namespaces(Fields& f, Spec& s) {
    if (f.reading()) read(f, s.ns);
    else if (f.finding()) tell_idle(f, s.ns);
    else {
        Namespace cgroup = cgroup_of(s.ns);
        write(f, kinds(s.ns, cgroup));
        bool by_default = !s.ns.private_cgroup;
        f.own("defaultCgroupNamespace", by_default);
    }
    f.idle_list("uidMappings", s.uid_mappings, id_mapping);
    f.idle_list("gidMappings", s.gid_mappings, id_mapping);
    f.idle_table("timeOffsets", s.time_offsets, [](Fields& g, TimeOffset& t) {
        g.member("secs", t.secs);
        g.member("nanosecs", t.nanosecs);
    });
}

} // namespace davit::runtime::oci
