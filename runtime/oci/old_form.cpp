#include "runtime/oci/old_form.hpp"

#include "base/error.hpp"
#include "base/json_text.hpp"
#include "runtime/oci/json_text.hpp"

#include <nlohmann/json.hpp>
#include <optional>

namespace davit::runtime::oci {
namespace {

using nlohmann::json;

constexpr char whole_spec[] = "davit.spec";

// Defined below, when the fields of all records are known.
template <typename T>
void decode(const json& j, T& out);

struct Reader {
    const json& in;
    template <typename T>
    void operator()(const char* key, T& value) const {
        if (auto found = in.find(key); found != in.end()) decode(*found, value);
    }
    template <typename T>
    void operator()(const char* key, std::optional<T>& value) const {
        if (auto found = in.find(key); found != in.end()) value = found->get<T>();
    }
    template <typename E>
    void word(const char* key, E& value, E last) const {
        auto found = in.find(key);
        if (found == in.end()) return;
        const int number = found->get<int>();
        if (number < 0 || number > static_cast<int>(last))
            throw error(Errc::failed, "/annotations/{}: {} {} is not known", whole_spec, key, number);
        value = static_cast<E>(number);
    }
    void letter(const char* key, char& value) const {
        if (auto found = in.find(key); found != in.end()) value = static_cast<char>(found->get<int>());
    }
};

#define FIELD(name) f(#name, v.name)

void fields(const Reader& f, Rlimit& v) { FIELD(resource), FIELD(soft), FIELD(hard); }
void fields(const Reader& f, Mount& v) {
    f.word("kind", v.kind, Mount::Kind::peer);
    FIELD(source), FIELD(destination), FIELD(type), FIELD(data), FIELD(subpath), FIELD(layers), FIELD(recursive),
        FIELD(readonly);
    FIELD(readonly_recursive), FIELD(nosuid), FIELD(nodev), FIELD(noexec), FIELD(noatime), FIELD(nodiratime),
        FIELD(relatime);
    FIELD(strictatime), FIELD(nosymfollow);
    f.word("propagation", v.propagation, Propagation::slave);
}
void fields(const Reader& f, Device& v) {
    f.letter("type", v.type);
    FIELD(path), FIELD(major), FIELD(minor), FIELD(mode), FIELD(uid), FIELD(gid);
}
void fields(const Reader& f, DeviceRule& v) {
    f.letter("type", v.type);
    FIELD(allow), FIELD(major), FIELD(minor), FIELD(access);
}
void fields(const Reader& f, BlkioDevice& v) { FIELD(path), FIELD(value); }
void fields(const Reader& f, HugepageLimit& v) { FIELD(page_size), FIELD(bytes); }
void fields(const Reader& f, Namespace& v) {
    f.word("mode", v.mode, NsMode::passed);
    FIELD(path);
}
void fields(const Reader& f, Capabilities& v) {
    FIELD(bounding), FIELD(effective), FIELD(permitted), FIELD(inheritable), FIELD(ambient);
}
void fields(const Reader& f, User& v) { FIELD(name), FIELD(groups); }
void fields(const Reader& f, Overlay& v) { FIELD(lower), FIELD(upper), FIELD(work); }
void fields(const Reader& f, Seccomp& v) {
    f.word("kind", v.kind, Seccomp::Kind::profile);
    FIELD(json), FIELD(source_name);
}
void fields(const Reader& f, Resources& v) {
    FIELD(memory), FIELD(reservation), FIELD(memory_swap), FIELD(swappiness), FIELD(oom_kill_disable),
        FIELD(cpu_shares);
    FIELD(cpu_quota), FIELD(cpu_period), FIELD(cpu_rt_runtime), FIELD(cpu_rt_period), FIELD(cpuset_cpus),
        FIELD(cpuset_mems);
    FIELD(pids), FIELD(blkio_weight), FIELD(blkio_weight_device), FIELD(read_bps), FIELD(write_bps), FIELD(read_iops);
    FIELD(write_iops), FIELD(hugepages), FIELD(devices), FIELD(unified);
}

void fields(const Reader& f, Process& v) {
    FIELD(args), FIELD(env), FIELD(cwd), FIELD(user), FIELD(umask), FIELD(terminal), FIELD(rows), FIELD(columns),
        FIELD(stdin_open);
    FIELD(caps), FIELD(rlimits), FIELD(no_new_privileges), FIELD(oom_score_adj), FIELD(apparmor_profile);
}
void fields(const Reader& f, Root& v) { FIELD(overlay), FIELD(path), FIELD(readonly); }
void fields(const Reader& f, Namespaces& v) { FIELD(pid), FIELD(net), FIELD(ipc), FIELD(uts), FIELD(private_cgroup); }

void fields(const Reader& f, Spec& v) {
    FIELD(id), FIELD(cgroup), FIELD(process), FIELD(root), FIELD(hostname), FIELD(domainname), FIELD(mounts),
        FIELD(devices);
    FIELD(symlinks), FIELD(ns), FIELD(resources), FIELD(sysctls), FIELD(open_ports_and_ping), FIELD(masked_paths);
    FIELD(readonly_paths), FIELD(seccomp), FIELD(init), FIELD(annotations);
}

#undef FIELD

template <typename T, typename... Records>
inline constexpr bool is_one_of = (std::is_same_v<T, Records> || ...);
template <typename T>
inline constexpr bool is_record =
    is_one_of<T, Rlimit, Mount, Device, DeviceRule, BlkioDevice, HugepageLimit, Namespace, Capabilities, User, Overlay,
              Seccomp, Resources, Process, Root, Namespaces, Spec>;
template <typename T>
inline constexpr bool is_record_list = false;
template <typename T>
inline constexpr bool is_record_list<std::vector<T>> = is_record<T>;

template <typename T>
void decode(const json& j, T& out) {
    if constexpr (is_record<T>) {
        if (!j.is_object())
            throw error(Errc::failed, "/annotations/{}: {} is no object", whole_spec, davit::json::text(j));
        fields(Reader{j}, out);
    } else if constexpr (is_record_list<T>) {
        if (!j.is_array())
            throw error(Errc::failed, "/annotations/{}: {} is no list", whole_spec, davit::json::text(j));
        out.clear();
        for (const json& one : j) decode(one, out.emplace_back());
    } else out = j.get<T>();
}

} // namespace

bool is_old_form(const std::map<std::string, std::string>& annotations) {
    return annotations.contains(whole_spec) && !annotations.contains("dev.davit.format");
}

Spec from_old_form(const std::map<std::string, std::string>& annotations) {
    try {
        Spec spec;
        decode(parsed(annotations.at(whole_spec)), spec);
        return spec;
    } catch (const json::exception& e) {
        throw error(Errc::failed, "/annotations/{}: {}", whole_spec, e.what());
    }
}

} // namespace davit::runtime::oci
