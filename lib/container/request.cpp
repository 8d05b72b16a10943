// What inspect shows of a container as it was asked for, where what became of it does not tell: Docker keeps the
// request.
#include "base/json_text.hpp"
#include "container/builder.hpp"
#include "davit/labels.hpp"
#include "runtime/defaults.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

namespace davit {

namespace {

using Json = nlohmann::ordered_json;

Json list_or_null(const std::vector<std::string>& list) { return list.empty() ? Json() : Json(list); }

// The image's variables stand behind those that were asked for and have another name.
Json environment_of(const Service& service, const image::Config& image, const Json& asked) {
    std::vector<std::string> out;
    if (asked.is_array()) out = asked.get<std::vector<std::string>>();
    else
        for (const auto& [key, value] : service.environment) out.push_back(value ? key + "=" + *value : key);
    const auto key_of = [](const std::string& entry) { return entry.substr(0, entry.find('=')); };
    std::vector<std::string> names;
    for (const std::string& entry : out) names.push_back(key_of(entry));
    for (const std::string& entry : image.env)
        if (std::find(names.begin(), names.end(), key_of(entry)) == names.end()) out.push_back(entry);
    return list_or_null(out);
}

Json healthcheck_of(const Service& service, const image::Config& image) {
    image::Healthcheck h = image.healthcheck.value_or(image::Healthcheck{});
    if (!service.healthcheck && !image.healthcheck) return nullptr;
    if (service.healthcheck) {
        const HealthCheck& own = *service.healthcheck;
        const auto take = [](const auto& from, auto& to) {
            if (from && from->count() > 0) to = *from;
        };
        if (!own.test.empty()) h.test = own.test;
        if (own.disable) h.test = {"NONE"};
        take(own.interval, h.interval);
        take(own.timeout, h.timeout);
        take(own.start_period, h.start_period);
        take(own.start_interval, h.start_interval);
        if (own.retries && *own.retries > 0) h.retries = static_cast<int>(*own.retries);
    }
    Json out = Json::object();
    if (!h.test.empty()) out["Test"] = h.test;
    const std::pair<const char*, std::chrono::nanoseconds> times[] = {{"Interval", h.interval},
                                                                      {"Timeout", h.timeout},
                                                                      {"StartPeriod", h.start_period},
                                                                      {"StartInterval", h.start_interval}};
    for (const auto& [name, time] : times)
        if (time.count()) out[name] = time.count();
    if (h.retries) out["Retries"] = h.retries;
    return out;
}

std::string capability(const std::string& name) {
    std::string out;
    for (const char c : name) out += c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    return out == "ALL" || out.starts_with("CAP_") ? out : "CAP_" + out;
}

Json capabilities_of(const std::vector<std::string>& names) {
    Json out = Json::array();
    for (const std::string& name : names)
        if (const Json one = capability(name); std::find(out.begin(), out.end(), one) == out.end()) out.push_back(one);
    return out.empty() ? Json() : out;
}

Json devices_of(const Service& service) {
    Json out = Json::array();
    for (const Device& d : service.devices)
        if (d.source.starts_with('/'))
            out.push_back({{"PathOnHost", d.source},
                           {"PathInContainer", d.target.empty() ? d.source : d.target},
                           {"CgroupPermissions", d.permissions.empty() ? "rwm" : d.permissions}});
    return out;
}

Json device_requests(const Service& service) {
    Json out = Json::array();
    const auto add = [&](const DeviceRequest& r) {
        out.push_back({{"Driver", r.driver},
                       {"Count", r.count},
                       {"DeviceIDs", list_or_null(r.device_ids)},
                       {"Capabilities", Json::array({r.capabilities.empty() ? Json{"gpu"} : Json(r.capabilities)})},
                       {"Options", Json(r.options)}});
    };
    for (const DeviceRequest& request : service.gpus) add(request);
    if (service.deploy && service.deploy->resources.reservations)
        for (const DeviceRequest& request : service.deploy->resources.reservations->devices) add(request);
    std::vector<std::string> named;
    for (const Device& d : service.devices)
        if (!d.source.starts_with('/')) named.push_back(d.source);
    if (!named.empty())
        out.push_back(
            {{"Driver", "cdi"}, {"Count", 0}, {"DeviceIDs", named}, {"Capabilities", nullptr}, {"Options", nullptr}});
    return out.empty() ? Json() : out;
}

Json ulimits_of(const Service& service) {
    Json out = Json::array();
    for (const auto& [name, limit] : service.ulimits)
        out.push_back({{"Name", name}, {"Hard", limit.hard}, {"Soft", limit.soft}});
    return out.empty() ? Json() : out;
}

Json security_options(const Service& service) {
    std::vector<std::string> out;
    for (const std::string& option : service.security_opt)
        if (option != "systempaths=unconfined" && option != "systempaths:unconfined") out.push_back(option);
    return list_or_null(out);
}

Json tmpfs_of(const Service& service) {
    std::map<std::string, std::string> out; // as Go writes a map
    for (const std::string& text : service.tmpfs) {
        const std::size_t colon = text.find(':');
        out[text.substr(0, colon)] = colon == std::string::npos ? "" : text.substr(colon + 1);
    }
    return Json(out);
}

// How Docker Compose asks the engine for mounts: as HostConfig.Binds unless only HostConfig.Mounts has a word for it.
struct AskedMounts {
    Json binds, mounts;
};

bool fits_binds(const Mount& mount, const MountRecord& made) {
    if (made.type == "bind")
        return mount.type == MountType::bind &&
               (!mount.bind ||
                (mount.bind->create_host_path && mount.bind->propagation.empty() && mount.bind->recursive.empty()));
    return !made.anonymous && !mount.source.empty() &&
           (!mount.volume || (mount.volume->labels.empty() && mount.volume->subpath.empty() && !mount.volume->nocopy));
}

Json mount_options(const Mount& mount, const MountRecord& made) {
    Json out = {{"Type", made.type}};
    const std::string& source = made.type == "volume" ? made.name : made.source;
    if (!made.anonymous && !source.empty()) out["Source"] = source;
    out["Target"] = made.target;
    if (made.read_only && made.type != "image") out["ReadOnly"] = true;
    if (made.type == "bind" && mount.bind) {
        Json& options = out["BindOptions"] = Json::object();
        if (!mount.bind->propagation.empty()) options["Propagation"] = mount.bind->propagation;
        if (mount.bind->recursive == "disabled") options["NonRecursive"] = true;
        if (mount.bind->create_host_path) options["CreateMountpoint"] = true;
    }
    if (made.type == "volume" && mount.volume) {
        Json& options = out["VolumeOptions"] = Json::object();
        if (mount.volume->nocopy) options["NoCopy"] = true;
        if (!mount.volume->subpath.empty()) options["Subpath"] = mount.volume->subpath;
    }
    if (made.type == "tmpfs" && mount.tmpfs) {
        Json& options = out["TmpfsOptions"] = Json::object();
        if (mount.tmpfs->size) options["SizeBytes"] = mount.tmpfs->size;
        if (mount.tmpfs->mode) options["Mode"] = mount.tmpfs->mode;
    }
    return out;
}

AskedMounts mounts_of(const Service& service, const std::vector<MountRecord>& made) {
    AskedMounts out{Json::array(), Json::array()};
    std::map<std::string, const Mount*> by_target;
    for (const Mount& mount : service.volumes) by_target[mount.target] = &mount;
    const Mount none; // of configs, secrets, and what the image or another container brings
    for (const MountRecord& m : made) {
        const auto found = by_target.find(m.target);
        if (m.type == "tmpfs" && found == by_target.end()) continue; // in Tmpfs
        const Mount& mount = found == by_target.end() ? none : *found->second;
        if (m.type == "tmpfs" || m.type == "image" || !fits_binds(mount, m)) {
            out.mounts.push_back(mount_options(mount, m));
            continue;
        }
        std::string text = (m.name.empty() ? m.source : m.name) + ":" + m.target + (m.read_only ? ":ro" : ":rw");
        if (mount.bind && !mount.bind->selinux.empty()) text += "," + mount.bind->selinux;
        out.binds.push_back(std::move(text));
    }
    return out;
}

} // namespace

void ContainerBuilder::request() {
    const image::Config& image = in_.image.config;
    const ContainerRecord& r = out_.record;
    const Json asked = in_.container.asked.empty() ? Json::object() : Json::parse(in_.container.asked);
    const Json asked_config = asked.value("Config", Json::object()),
               asked_host = asked.value("HostConfig", Json::object());

    Json volumes = asked_config.value("Volumes", Json::object());
    for (const std::string& target : image.volumes) volumes[target] = Json::object();
    if (!outside_)
        for (const MountRecord& m : r.mounts)
            if (m.anonymous) volumes[m.target] = Json::object();
    const bool own = service_.entrypoint && !service_.entrypoint->empty();
    const std::vector<std::string> none, &command = service_.command.value_or(none);
    Json config = {{"Hostname", r.hostname},
                   {"Domainname", r.domainname},
                   {"User", r.user},
                   {"AttachStdin", asked_config.value("AttachStdin", false)},
                   {"AttachStdout", asked_config.value("AttachStdout", true)},
                   {"AttachStderr", asked_config.value("AttachStderr", true)}};
    for (const std::string& port : std::set<std::string>(r.expose.begin(), r.expose.end()))
        config["ExposedPorts"][port] = Json::object(); // in the order of the alphabet, as Go has it
    config["Tty"] = r.tty;
    config["OpenStdin"] = r.open_stdin;
    config["StdinOnce"] = asked_config.value("StdinOnce", false);
    // A compose file's values may be secrets: inspect shows their names alone, so they are not written here either.
    if (outside_) config["Env"] = environment_of(service_, image, asked_config.value("Env", Json()));
    const bool image_command = command.empty() && !own && !(outside_ && service_.entrypoint);
    config["Cmd"] = list_or_null(image_command ? image.cmd : command);
    if (Json check = healthcheck_of(service_, image); !check.is_null()) config["Healthcheck"] = std::move(check);
    config["Image"] = r.image;
    config["Volumes"] = volumes.empty() ? Json() : volumes;
    config["WorkingDir"] = service_.working_dir.empty() ? image.working_dir : service_.working_dir;
    // `entrypoint: []` of a compose file is asked for as such; docker run's empty --entrypoint is asked for as none.
    if (service_.entrypoint && !outside_) config["Entrypoint"] = *service_.entrypoint;
    else config["Entrypoint"] = list_or_null(service_.entrypoint ? *service_.entrypoint : image.entrypoint);
    config["Labels"] = Json(r.labels);
    const std::string signal = service_.stop_signal.empty() ? image.stop_signal : service_.stop_signal;
    if (!signal.empty()) config["StopSignal"] = signal;
    if (service_.stop_grace_period)
        config["StopTimeout"] = std::chrono::duration_cast<std::chrono::seconds>(*service_.stop_grace_period).count();
    if (!image.shell.empty()) config["Shell"] = image.shell;

    Json host = {{"CapAdd", capabilities_of(service_.cap_add)},
                 {"CapDrop", capabilities_of(service_.cap_drop)},
                 {"GroupAdd", list_or_null(service_.group_add)},
                 {"SecurityOpt", security_options(service_)},
                 {"UsernsMode", service_.userns_mode},
                 {"UTSMode", service_.uts},
                 {"CgroupParent", service_.cgroup_parent},
                 {"Isolation", service_.isolation},
                 {"Devices", devices_of(service_)},
                 {"DeviceCgroupRules", list_or_null(service_.device_cgroup_rules)},
                 {"DeviceRequests", device_requests(service_)},
                 {"Ulimits", ulimits_of(service_)},
                 {"Privileged", service_.privileged},
                 {"CpuQuota", service_.cpu_quota}};
    if (r.labels.contains(label::project)) { // not of a task of Swarm
        AskedMounts mounts = mounts_of(service_, r.mounts);
        host["Binds"] = mounts.binds.empty() ? Json() : std::move(mounts.binds);
        if (!mounts.mounts.empty()) host["Mounts"] = std::move(mounts.mounts);
    }
    if (!service_.tmpfs.empty()) host["Tmpfs"] = tmpfs_of(service_);
    if (!service_.sysctls.empty()) host["Sysctls"] = Json(service_.sysctls);
    if (!service_.annotations.empty()) host["Annotations"] = Json(service_.annotations);
    if (service_.ipc == "none") host["IpcMode"] = service_.ipc;
    if (const auto& given = service_.security_opt;
        std::any_of(given.begin(), given.end(), [](const std::string& o) { return o.starts_with("systempaths"); })) {
        host["MaskedPaths"] = host["ReadonlyPaths"] = Json::array();
        if (host["SecurityOpt"].is_null()) host["SecurityOpt"] = Json::array();
    }
    if (service_.init) host["Init"] = *service_.init;
    host.update(asked_host);
    out_.request = json::text(Json{{"Config", std::move(config)}, {"HostConfig", std::move(host)}});
}

} // namespace davit
