// The spec's own fields go by tables; what OCI has no word for is kept whole in the annotation
// "davit.spec", so that reading back is exact, while other tools see a bundle they understand.
#include "runtime/spec_json.hpp"

#include "base/error.hpp"
#include "runtime/defaults.hpp"

#include <nlohmann/json.hpp>

namespace davit::runtime {
namespace {

using nlohmann::json;

constexpr char oci_version[] = "1.3.0";

// ---- our own form: every field by its name

// Defined below, when the fields of all records are known.
template <typename T>
json encode(const T& value);
template <typename T>
void decode(const json& j, T& out);

// One list of fields for both directions; what equals a fresh value is left out of the text.
struct Writer {
    json out = json::object();
    template <typename T>
    void operator()(const char* key, const T& value, const T& plain) {
        if (!(value == plain)) out[key] = encode(value);
    }
    template <typename T>
    void operator()(const char* key, const std::optional<T>& value, const std::optional<T>&) {
        if (value) out[key] = *value;
    }
};
struct Reader {
    const json& in;
    template <typename T>
    void operator()(const char* key, T& value, const T&) const {
        if (auto found = in.find(key); found != in.end()) decode(*found, value);
    }
    template <typename T>
    void operator()(const char* key, std::optional<T>& value, const std::optional<T>&) const {
        if (auto found = in.find(key); found != in.end()) value = found->get<T>();
    }
};

template <typename F, typename V>
void fields_of_enum(F& f, const char* key, V& value, const std::remove_const_t<V>& plain) {
    if constexpr (std::is_const_v<V>) f(key, static_cast<int>(value), static_cast<int>(plain));
    else {
        int number = static_cast<int>(value);
        f(key, number, static_cast<int>(plain));
        value = static_cast<V>(number);
    }
}

#define FIELD(name) f(#name, v.name, d.name)

template <typename F, typename V>
void fields(F& f, V& v, const Rlimit& d) {
    FIELD(resource), FIELD(soft), FIELD(hard);
}
template <typename F, typename V>
void fields(F& f, V& v, const Mount& d) {
    fields_of_enum(f, "kind", v.kind, d.kind);
    FIELD(source), FIELD(destination), FIELD(type), FIELD(data), FIELD(subpath), FIELD(layers), FIELD(recursive),
        FIELD(readonly);
    FIELD(readonly_recursive), FIELD(nosuid), FIELD(nodev), FIELD(noexec), FIELD(noatime), FIELD(nodiratime),
        FIELD(relatime);
    FIELD(strictatime), FIELD(nosymfollow);
    fields_of_enum(f, "propagation", v.propagation, d.propagation);
}
template <typename F, typename V>
void fields(F& f, V& v, const Device& d) {
    int type = v.type;
    f("type", type, int{d.type});
    if constexpr (!std::is_const_v<V>) v.type = static_cast<char>(type);
    FIELD(path), FIELD(major), FIELD(minor), FIELD(mode), FIELD(uid), FIELD(gid);
}
template <typename F, typename V>
void fields(F& f, V& v, const DeviceRule& d) {
    int type = v.type;
    f("type", type, int{d.type});
    if constexpr (!std::is_const_v<V>) v.type = static_cast<char>(type);
    FIELD(allow), FIELD(major), FIELD(minor), FIELD(access);
}
template <typename F, typename V>
void fields(F& f, V& v, const BlkioDevice& d) {
    FIELD(path), FIELD(value);
}
template <typename F, typename V>
void fields(F& f, V& v, const HugepageLimit& d) {
    FIELD(page_size), FIELD(bytes);
}
template <typename F, typename V>
void fields(F& f, V& v, const Namespace& d) {
    fields_of_enum(f, "mode", v.mode, d.mode);
    FIELD(path);
}
template <typename F, typename V>
void fields(F& f, V& v, const Capabilities& d) {
    FIELD(bounding), FIELD(effective), FIELD(permitted), FIELD(inheritable), FIELD(ambient);
}
template <typename F, typename V>
void fields(F& f, V& v, const User& d) {
    FIELD(name), FIELD(groups);
}
template <typename F, typename V>
void fields(F& f, V& v, const Overlay& d) {
    FIELD(lower), FIELD(upper), FIELD(work);
}
template <typename F, typename V>
void fields(F& f, V& v, const Seccomp& d) {
    fields_of_enum(f, "kind", v.kind, d.kind);
    FIELD(json), FIELD(source_name);
}
template <typename F, typename V>
void fields(F& f, V& v, const Resources& d) {
    FIELD(memory), FIELD(reservation), FIELD(memory_swap), FIELD(swappiness), FIELD(oom_kill_disable),
        FIELD(cpu_shares);
    FIELD(cpu_quota), FIELD(cpu_period), FIELD(cpu_rt_runtime), FIELD(cpu_rt_period), FIELD(cpuset_cpus),
        FIELD(cpuset_mems);
    FIELD(pids), FIELD(blkio_weight), FIELD(blkio_weight_device), FIELD(read_bps), FIELD(write_bps), FIELD(read_iops);
    FIELD(write_iops), FIELD(hugepages), FIELD(devices), FIELD(unified);
}

template <typename F, typename V>
void fields(F& f, V& v, const Process& d) {
    FIELD(args), FIELD(env), FIELD(cwd), FIELD(user), FIELD(umask), FIELD(terminal), FIELD(rows), FIELD(columns),
        FIELD(stdin_open);
    FIELD(caps), FIELD(rlimits), FIELD(no_new_privileges), FIELD(oom_score_adj), FIELD(apparmor_profile);
}
template <typename F, typename V>
void fields(F& f, V& v, const Root& d) {
    FIELD(overlay), FIELD(path), FIELD(readonly);
}
template <typename F, typename V>
void fields(F& f, V& v, const Namespaces& d) {
    FIELD(pid), FIELD(net), FIELD(ipc), FIELD(uts), FIELD(private_cgroup);
}

template <typename F, typename V>
void fields(F& f, V& v, const Spec& d) {
    FIELD(id), FIELD(cgroup), FIELD(process), FIELD(root), FIELD(hostname), FIELD(domainname), FIELD(mounts),
        FIELD(devices);
    FIELD(symlinks), FIELD(ns), FIELD(resources), FIELD(sysctls), FIELD(open_ports_and_ping), FIELD(masked_paths);
    FIELD(readonly_paths), FIELD(seccomp), FIELD(init), FIELD(annotations);
}

#undef FIELD

template <typename T, typename... Records>
inline constexpr bool is_one_of = (std::is_same_v<T, Records> || ...);
template <typename T>
inline constexpr bool is_record = is_one_of<T, Rlimit, Mount, Device, DeviceRule, BlkioDevice, HugepageLimit, Namespace,
                                            Capabilities, User, Overlay, Seccomp, Resources, Process, Root, Namespaces>;
template <typename T>
inline constexpr bool is_record_list = false;
template <typename T>
inline constexpr bool is_record_list<std::vector<T>> = is_record<T>;

template <typename T>
json encode(const T& value) {
    if constexpr (is_record<T>) {
        Writer w;
        fields(w, value, T{});
        return w.out;
    } else if constexpr (is_record_list<T>) {
        json out = json::array();
        for (const auto& v : value) out.push_back(encode(v));
        return out;
    } else return value;
}

template <typename T>
void decode(const json& j, T& out) {
    if constexpr (is_record<T>) {
        Reader r{j};
        fields(r, out, T{});
    } else if constexpr (is_record_list<T>) {
        out.clear();
        for (const json& one : j) decode(one, out.emplace_back());
    } else out = j.get<T>();
}

// ---- the OCI view

json caps_json(CapSet set) {
    json out = json::array();
    for (int i = 0; capability_name(i); ++i)
        if (set >> i & 1) out.push_back(capability_name(i));
    return out;
}

json process_json(const Process& p) {
    json j{{"terminal", p.terminal},
           {"args", p.args},
           {"env", p.env},
           {"cwd", p.cwd},
           {"noNewPrivileges", p.no_new_privileges},
           {"oomScoreAdj", p.oom_score_adj}};
    if (p.rows && p.columns) j["consoleSize"] = {{"height", p.rows}, {"width", p.columns}};
    j["user"] = {{"uid", 0}, {"gid", 0}, {"umask", p.umask}};
    if (!p.user.name.empty()) j["user"]["username"] = p.user.name;
    j["capabilities"] = {{"bounding", caps_json(p.caps.bounding)},
                         {"effective", caps_json(p.caps.effective)},
                         {"permitted", caps_json(p.caps.permitted)},
                         {"inheritable", caps_json(p.caps.inheritable)},
                         {"ambient", caps_json(p.caps.ambient)}};
    for (const Rlimit& r : p.rlimits) {
        std::string name = std::string("RLIMIT_") + (rlimit_name(r.resource) ? rlimit_name(r.resource) : "?");
        for (char& c : name) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
        j["rlimits"].push_back({{"type", name}, {"soft", r.soft}, {"hard", r.hard}});
    }
    if (!p.apparmor_profile.empty()) j["apparmorProfile"] = p.apparmor_profile;
    return j;
}

json mount_json(const Mount& m) {
    json options = json::array();
    auto add = [&](bool on, const char* word) {
        if (on) options.push_back(word);
    };
    bool bind = m.kind == Mount::Kind::bind || m.kind == Mount::Kind::peer;
    add(bind, m.recursive ? "rbind" : "bind");
    add(m.nosuid, "nosuid"), add(m.nodev, "nodev"), add(m.noexec, "noexec"), add(m.noatime, "noatime"),
        add(m.nodiratime, "nodiratime");
    add(m.relatime, "relatime"), add(m.strictatime, "strictatime"), add(m.nosymfollow, "nosymfollow");
    add(m.readonly_recursive, "rro");
    options.push_back(m.readonly ? "ro" : "rw");
    static const char* const propagations[] = {"rprivate", "private", "rshared", "shared", "rslave", "slave"};
    if (bind) options.push_back(propagations[static_cast<int>(m.propagation)]);
    for (std::size_t at = 0; at < m.data.size();) {
        std::size_t comma = std::min(m.data.find(',', at), m.data.size());
        options.push_back(m.data.substr(at, comma - at));
        at = comma + 1;
    }
    if (m.kind == Mount::Kind::overlay) {
        std::string lower;
        for (const std::string& layer : m.layers) lower += (lower.empty() ? "lowerdir=" : ":") + layer;
        options.push_back(lower);
    }
    std::string source = m.subpath.empty() ? m.source : m.source + "/" + m.subpath;
    return {{"destination", m.destination},
            {"type", bind                             ? "bind"
                     : m.kind == Mount::Kind::cgroup  ? "cgroup"
                     : m.kind == Mount::Kind::overlay ? "overlay"
                                                      : m.type},
            {"source", source},
            {"options", options}};
}

json resources_json(const Resources& r) {
    json j = json::object();
    auto set = [&j](const char* group, const char* key, const auto& value) {
        if (value) j[group][key] = *value;
    };
    set("memory", "limit", r.memory), set("memory", "reservation", r.reservation), set("memory", "swap", r.memory_swap);
    set("memory", "swappiness", r.swappiness);
    if (r.oom_kill_disable) j["memory"]["disableOOMKiller"] = true;
    set("cpu", "shares", r.cpu_shares), set("cpu", "quota", r.cpu_quota), set("cpu", "period", r.cpu_period);
    set("cpu", "realtimeRuntime", r.cpu_rt_runtime), set("cpu", "realtimePeriod", r.cpu_rt_period);
    if (!r.cpuset_cpus.empty()) j["cpu"]["cpus"] = r.cpuset_cpus;
    if (!r.cpuset_mems.empty()) j["cpu"]["mems"] = r.cpuset_mems;
    set("pids", "limit", r.pids);
    set("blockIO", "weight", r.blkio_weight);
    for (const DeviceRule& d : r.devices) {
        json rule{{"allow", d.allow}, {"type", std::string(1, d.type)}, {"access", d.access}};
        if (d.major) rule["major"] = *d.major;
        if (d.minor) rule["minor"] = *d.minor;
        j["devices"].push_back(rule);
    }
    for (const HugepageLimit& h : r.hugepages)
        j["hugepageLimits"].push_back({{"pageSize", h.page_size}, {"limit", h.bytes}});
    if (!r.unified.empty()) j["unified"] = r.unified;
    return j;
}

json linux_json(const Spec& s) {
    json j{{"cgroupsPath", "/" + s.cgroup},
           {"maskedPaths", s.masked_paths},
           {"readonlyPaths", s.readonly_paths},
           {"resources", resources_json(s.resources)}};
    if (!s.sysctls.empty()) j["sysctl"] = s.sysctls;
    j["namespaces"].push_back({{"type", "mount"}});
    auto ns = [&](const char* type, const Namespace& n) {
        if (n.mode == NsMode::host) return;
        json one{{"type", type}};
        if (n.mode == NsMode::path) one["path"] = n.path;
        j["namespaces"].push_back(one);
    };
    ns("pid", s.ns.pid), ns("network", s.ns.net), ns("ipc", s.ns.ipc), ns("uts", s.ns.uts);
    if (s.ns.private_cgroup.value_or(false)) j["namespaces"].push_back({{"type", "cgroup"}});
    for (const Device& d : s.devices)
        j["devices"].push_back({{"path", d.path},
                                {"type", std::string(1, d.type)},
                                {"major", d.major},
                                {"minor", d.minor},
                                {"fileMode", d.mode},
                                {"uid", d.uid},
                                {"gid", d.gid}});
    return j;
}

} // namespace

std::string to_json(const Spec& spec) {
    json j{{"ociVersion", oci_version}, {"process", process_json(spec.process)}, {"hostname", spec.hostname}};
    // An overlay has no one directory; the topmost layer stands for it, the rest is in the annotation.
    const std::string& root = spec.root.overlay.lower.empty() ? spec.root.path : spec.root.overlay.lower.front();
    j["root"] = {{"path", root}, {"readonly", spec.root.readonly}};
    if (!spec.domainname.empty()) j["domainname"] = spec.domainname;
    j["mounts"] = json::array();
    for (const Mount& m : spec.mounts) j["mounts"].push_back(mount_json(m));
    j["linux"] = linux_json(spec);
    j["annotations"] = spec.annotations;
    Writer own;
    fields(own, spec, Spec{});
    j["annotations"]["davit.spec"] = own.out.dump();
    return j.dump(1) + "\n";
}

Spec spec_from_json(const std::string& text, const std::string& file) {
    Spec spec;
    try {
        json j = json::parse(text);
        json own = json::parse(j.at("annotations").at("davit.spec").get_ref<const std::string&>());
        Reader r{own};
        fields(r, spec, Spec{});
    } catch (const json::exception& e) {
        throw error(Errc::failed, "{} is not a container's configuration as davit writes it: {}", file, e.what())
            .with_hint("remove the container and create it anew with 'davit up'");
    }
    return spec;
}

} // namespace davit::runtime
