#include "runtime/host_facts.hpp"
#include "base/error.hpp"
#include "base/file.hpp"
#include "runtime/defaults.hpp"

#include <algorithm>
#include <charconv>
#include <set>
#include <sstream>

namespace davit::runtime {
namespace {

std::vector<std::string> split(std::string_view text, char at) {
    std::vector<std::string> out;
    while (!text.empty()) {
        std::size_t n = std::min(text.find(at), text.size());
        if (n) out.emplace_back(text.substr(0, n));
        text.remove_prefix(std::min(n + 1, text.size()));
    }
    return out;
}

// mountinfo writes blanks and backslashes as \040.
std::string unescape(std::string_view s) {
    std::string out;
    for (std::size_t i = 0; i < s.size(); ++i) {
        unsigned code = 0;
        if (s[i] == '\\' && i + 3 < s.size() &&
            std::from_chars(s.data() + i + 1, s.data() + i + 4, code, 8).ptr == s.data() + i + 4) {
            out.push_back(static_cast<char>(code));
            i += 3;
        } else out.push_back(s[i]);
    }
    return out;
}

// What the kernel calls controllers, to tell them from other options of a v1 mount.
const std::set<std::string, std::less<>>& v1_controllers() {
    static const std::set<std::string, std::less<>> names = {"cpu",      "cpuacct",    "cpuset", "memory",  "devices",
                                                             "freezer",  "blkio",      "pids",   "hugetlb", "net_cls",
                                                             "net_prio", "perf_event", "rdma",   "misc"};
    return names;
}

CgroupHierarchy v1_hierarchy(std::string mount_point, std::string_view super) {
    CgroupHierarchy h;
    h.mount_point = std::move(mount_point);
    for (std::string& option : split(super, ','))
        if (v1_controllers().contains(option)) h.controllers.push_back(std::move(option));
    h.named = h.controllers.empty();
    return h;
}

CgroupHierarchy v2_hierarchy(std::string mount_point) {
    CgroupHierarchy h;
    h.v2 = true;
    if (auto text = read_file_if_exists(mount_point + "/cgroup.controllers")) {
        text->erase(std::remove(text->begin(), text->end(), '\n'), text->end());
        h.controllers = split(*text, ' ');
    }
    h.mount_point = std::move(mount_point);
    return h;
}

std::vector<CgroupHierarchy> probe_cgroups() {
    std::vector<CgroupHierarchy> out;
    std::istringstream lines(read_file("/proc/self/mountinfo"));
    for (std::string line; std::getline(lines, line);) {
        std::size_t dash = line.find(" - ");
        if (dash == std::string::npos) continue;
        auto head = split(std::string_view(line).substr(0, dash), ' ');
        auto tail = split(std::string_view(line).substr(dash + 3), ' ');
        if (head.size() < 6 || tail.size() < 3 || (tail[0] != "cgroup" && tail[0] != "cgroup2")) continue;
        std::string at = unescape(head[4]);
        if (!at.starts_with("/sys/fs/cgroup")) continue; // a second view, such as a container's own
        CgroupHierarchy h = tail[0] == "cgroup2" ? v2_hierarchy(at) : v1_hierarchy(at, tail[2]);
        auto same = [&](const CgroupHierarchy& o) { return o.mount_point == h.mount_point || (o.v2 && h.v2); };
        std::erase_if(out, same); // the mount on top counts
        out.push_back(std::move(h));
    }
    return out;
}

} // namespace

HostFacts HostFacts::probe() {
    HostFacts facts;
    facts.cgroups = probe_cgroups();
    facts.cgroup_v2_only = facts.cgroups.size() == 1 && facts.cgroups[0].v2;
    if (auto text = read_file_if_exists("/proc/sys/kernel/cap_last_cap"))
        std::from_chars(text->data(), text->data() + text->size(), facts.last_capability);
    facts.grantable = grantable_capabilities();
    facts.seccomp = exists("/proc/sys/kernel/seccomp/actions_avail");
    auto apparmor = read_file_if_exists("/sys/module/apparmor/parameters/enabled");
    facts.apparmor = apparmor && apparmor->starts_with("Y");
    return facts;
}

} // namespace davit::runtime
