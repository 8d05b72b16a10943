// Capabilities, devices, limits and memory of a container: Fargate has few of them, instances have most.
#include "export/ecs/plan.hpp"

#include "base/units.hpp"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace davit::exports::ecs {

namespace {

// Docker's, which ECS begins with.
constexpr std::array<std::string_view, 14> usual_capabilities = {
    "AUDIT_WRITE",      "CHOWN",   "DAC_OVERRIDE", "FOWNER", "FSETID",  "KILL",   "MKNOD",
    "NET_BIND_SERVICE", "NET_RAW", "SETFCAP",      "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT"};
// Of a tmpfs: those that are a word alone.
constexpr std::array<std::string_view, 14> mount_words = {"ro",       "rw",      "suid",       "nosuid",     "dev",
                                                          "nodev",    "exec",    "noexec",     "sync",       "async",
                                                          "relatime", "noatime", "nodiratime", "strictatime"};

template <std::size_t n>
bool among(const std::array<std::string_view, n>& words, std::string_view word) {
    return std::find(words.begin(), words.end(), word) != words.end();
}

std::string cap_name(const std::string& cap) { return cap.starts_with("CAP_") ? cap.substr(4) : cap; }

// Fargate adds SYS_PTRACE alone: what a program keeps of the usual ones is said by dropping the others.
void add_capabilities(const Layout& plan, const Task& task, const Service& service, Document& linux) {
    const auto drops_all = [](const std::string& cap) { return cap_name(cap) == "ALL"; };
    const bool all = std::any_of(service.cap_drop.begin(), service.cap_drop.end(), drops_all);
    std::set<std::string> kept;
    for (std::size_t i = 0; i < service.cap_add.size(); ++i) {
        const std::string name = cap_name(service.cap_add[i]), path = key_path(service, fmt::format("cap_add[{}]", i));
        if (task.ec2 || name == "SYS_PTRACE") linux["capabilities"]["add"].push_back(name);
        else if (among(usual_capabilities, name)) kept.insert(name);
        else
            plan.scope.report.dropped(path, fmt::format("{}: Fargate adds SYS_PTRACE alone", service.cap_add[i]),
                                      "x-aws-launch_type: EC2");
    }
    if (all && !kept.empty()) {
        for (const std::string_view name : usual_capabilities)
            if (!kept.contains(std::string(name))) linux["capabilities"]["drop"].push_back(name);
        plan.scope.report.adjusted(key_path(service, "cap_drop"), "all the usual ones but those of cap_add",
                                   "Fargate adds none of them to ALL");
        return;
    }
    for (const std::string& cap : service.cap_drop) linux["capabilities"]["drop"].push_back(cap_name(cap));
}

void add_one_tmpfs(const Layout& plan, const Service& service, const std::string& path, const std::string& options,
                   std::int64_t size, Document& linux) {
    Document out{{"containerPath", path}};
    std::string lost;
    for (std::size_t at = 0; at < options.size();) {
        const std::size_t end = std::min(options.find(',', at), options.size());
        const std::string one = options.substr(at, end - at);
        at = end + 1;
        if (one.starts_with("size=")) size = parse_bytes(one.substr(5)).value_or(0);
        else if (among(mount_words, one)) out["mountOptions"].push_back(one);
        else if (!one.empty()) lost += (lost.empty() ? "" : ", ") + one;
    }
    if (size == 0) plan.scope.report.adjusted(key_path(service, "tmpfs"), "64 MiB", "ECS wants a size");
    if (!lost.empty())
        plan.scope.report.adjusted(key_path(service, "tmpfs"), std::string(left_out),
                                   lost + ": ECS has no such option of a tmpfs", "do it in the image's entrypoint");
    out["size"] = size ? (size + mebi - 1) / mebi : 64;
    linux["tmpfs"].push_back(std::move(out));
}

void add_tmpfs_of(const Layout& plan, const Service& service, Document& linux) {
    for (const std::string& entry : service.tmpfs) {
        const std::size_t colon = std::min(entry.find(':'), entry.size());
        add_one_tmpfs(plan, service, entry.substr(0, colon), entry.substr(std::min(colon + 1, entry.size())), 0, linux);
    }
    for (const Mount& m : service.volumes)
        if (m.type == MountType::tmpfs)
            add_one_tmpfs(plan, service, m.target, m.read_only ? "ro" : "", m.tmpfs ? m.tmpfs->size : 0, linux);
}

void add_devices(const Layout& plan, const Service& service, Document& linux) {
    for (std::size_t i = 0; i < service.devices.size(); ++i) {
        const Device& d = service.devices[i];
        const std::string path = key_path(service, fmt::format("devices[{}]", i));
        if (!d.source.starts_with('/')) {
            plan.scope.report.dropped(path, "a task definition has devices by their paths", "the path below /dev");
            continue;
        }
        Document out{{"hostPath", d.source}, {"containerPath", d.target}};
        for (const auto& [letter, permission] : {std::pair('r', "read"), {'w', "write"}, {'m', "mknod"}})
            if (d.permissions.find(letter) != std::string::npos) out["permissions"].push_back(permission);
        linux["devices"].push_back(std::move(out));
        plan.scope.report.exact(path, "");
    }
}

// Docker's words for it are "key=value" or "key:value"; those of ECS are fewer.
void add_security(const Layout& plan, const Service& service, Document& out) {
    for (const std::string& option : service.security_opt) {
        const std::size_t sign = std::min(option.find_first_of("=:"), option.size());
        const std::string key = option.substr(0, sign), value = option.substr(std::min(sign + 1, option.size()));
        if (key == "no-new-privileges") {
            if (value != "false") out["dockerSecurityOptions"].push_back(key);
        } else if (key == "apparmor" || key == "label") {
            out["dockerSecurityOptions"].push_back(key + ":" + value);
        } else {
            plan.scope.report.dropped(key_path(service, "security_opt"),
                                      option + ": ECS has no-new-privileges, apparmor and label",
                                      "the defaults of the container instance");
            continue;
        }
        plan.scope.report.exact(key_path(service, "security_opt"), "");
    }
}

void add_swap(const Layout& plan, const Service& service, Document& linux) {
    const std::int64_t memory = effective_limits(service).memory;
    if (service.memswap_limit > 0) {
        linux["maxSwap"] = std::max<std::int64_t>(0, service.memswap_limit - memory + mebi - 1) / mebi;
        plan.scope.report.adjusted(key_path(service, "memswap_limit"), "maxSwap", "ECS counts the swap alone");
    } else if (service.memswap_limit < 0) {
        plan.scope.report.adjusted(key_path(service, "memswap_limit"), std::string(left_out),
                                   "without maxSwap the container instance decides");
    }
    if (service.mem_swappiness == 0) return;
    if (linux.contains("maxSwap")) {
        linux["swappiness"] = service.mem_swappiness;
        plan.scope.report.exact(key_path(service, "mem_swappiness"), "");
    } else {
        plan.scope.report.dropped(key_path(service, "mem_swappiness"), "ECS heeds it beside a limit of swap alone",
                                  "memswap_limit");
    }
}

void add_gpus(const Layout& plan, const Service& service, Document& out) {
    std::int64_t gpus = 0;
    const auto add = [&](const std::vector<DeviceRequest>& requests, const char* key) {
        for (std::size_t i = 0; i < requests.size(); ++i) {
            const DeviceRequest& r = requests[i];
            const std::string path = key_path(service, fmt::format("{}[{}]", key, i));
            if (std::find(r.capabilities.begin(), r.capabilities.end(), "gpu") == r.capabilities.end()) {
                plan.scope.report.dropped(path, "a task definition asks for GPUs alone");
                continue;
            }
            if (!r.driver.empty() || !r.options.empty())
                plan.scope.report.dropped(path, "a task definition has the number of GPUs alone");
            plan.scope.report.exact(path + ".capabilities", "");
            if (r.count < 0)
                plan.scope.report.needs(path + ".count", "ECS gives a number of GPUs, not all of them", "count: 1");
            else plan.scope.report.exact(path + ".count", "");
            if (!r.device_ids.empty())
                plan.scope.report.adjusted(path + ".device_ids", std::to_string(r.device_ids.size()),
                                           "which GPU it is ECS decides");
            gpus += r.device_ids.empty() ? std::max<std::int64_t>(r.count, 0)
                                         : static_cast<std::int64_t>(r.device_ids.size());
        }
    };
    add(service.gpus, "gpus");
    if (service.deploy && service.deploy->resources.reservations)
        add(service.deploy->resources.reservations->devices, "deploy.resources.reservations.devices");
    if (gpus > 0) out["resourceRequirements"].push_back({{"type", "GPU"}, {"value", std::to_string(gpus)}});
}

// What Fargate does not have, and instances do.
void add_of_instances(const Layout& plan, const Service& service, Document& out, Document& linux) {
    if (service.shm_size > 0) {
        linux["sharedMemorySize"] = (service.shm_size + mebi - 1) / mebi;
        plan.scope.report.exact(key_path(service, "shm_size"), "");
    }
    add_devices(plan, service, linux);
    add_swap(plan, service, linux);
    if (service.privileged) {
        out["privileged"] = true;
        plan.scope.report.exact(key_path(service, "privileged"), "");
    }
    add_security(plan, service, out);
    add_gpus(plan, service, out);
    const Placement none;
    if (service.deploy && service.deploy->placement != none)
        plan.scope.report.dropped(key_path(service, "deploy.placement"),
                                  "its words are those of Swarm's nodes, and ECS has attributes of instances",
                                  "x-aws-service: {placementConstraints: [{type: memberOf, expression: …}]}");
}

} // namespace

void add_linux(const Layout& plan, const Task& task, const Service& service, Document& out) {
    Document linux = Document::object();
    add_capabilities(plan, task, service, linux);
    if (service.init) linux["initProcessEnabled"] = *service.init;
    add_tmpfs_of(plan, service, linux);
    if (task.ec2) add_of_instances(plan, service, out, linux);
    if (!linux.empty()) out["linuxParameters"] = linux;
    for (const auto& [name, limit] : service.ulimits) {
        if (task.ec2 || name == "nofile") {
            out["ulimits"].push_back({{"name", name}, {"softLimit", limit.soft}, {"hardLimit", limit.hard}});
        } else {
            plan.scope.report.dropped(fmt::format("services.{}.ulimits.{}", service.name, name),
                                      "Fargate sets nofile alone", "x-aws-launch_type: EC2");
        }
    }
}

} // namespace davit::exports::ecs
