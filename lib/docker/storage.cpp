#include "docker/parts.hpp"
#include "docker/values.hpp"

#include "base/error.hpp"
#include "base/local_path.hpp"
#include "compose/paths.hpp"
#include "compose/short_forms.hpp"
#include "davit/short_forms.hpp"
#include "stack/flag_values.hpp"

#include <algorithm>
#include <cctype>
#include <iterator>
#include <optional>
#include <set>

namespace davit::docker {

namespace {

bool is_here(const std::string& source) { // relative to the working directory
    return source == "." || source == ".." || source.starts_with("./") || source.starts_with("../");
}

Error refused(const std::string& type, std::string_view why) {
    return error(Errc::invalid_project, "invalid mount config for type \"{}\": {}", type, why);
}

// -v, with a source of this machine made absolute.
struct Bind {
    compose::ShortVolume parsed;
    std::string text;
};

Bind bind_of(const std::string& text, const std::string& directory) {
    if (text.empty()) throw error(Errc::usage, "invalid empty volume spec");
    constexpr std::size_t most = 3;
    Bind out{compose::parse_volume(text), text};
    if (!out.parsed.error.empty()) {
        const bool empty = out.parsed.error.find("empty") != std::string::npos;
        throw error(Errc::usage, "invalid spec: {}: {}", text,
                    empty ? "empty section between colons" : "too many colons");
    }
    if (compose::split(text, ':').size() > most && out.parsed.source.size() != 1)
        throw error(Errc::invalid_project, "invalid volume specification: '{}'", text);
    std::string& source = out.parsed.source;
    // A drive to docker's client, a volume of one letter to its engine.
    const bool one_letter = text.size() > 1 && text[1] == ':' && std::isalpha(static_cast<unsigned char>(text[0])) != 0;
    if (const auto parts = compose::split(text, ':'); one_letter && parts.size() == most) {
        out.parsed = compose::parse_volume("volume:/target:" + std::string(parts[2]));
        source = parts[0];
        out.parsed.target = parts[1];
    }
    if (out.parsed.bind && source.starts_with('.')) {
        const std::string rest = text.substr(source.size());
        source = compose::clean_path(compose::join_path(directory, source));
        out.text = source + rest;
    }
    return out;
}

// Words of one kind exclude each other: "rw,ro", "z,Z".
bool is_bind_mode(const std::string& mode) {
    static const std::set<std::string_view> kinds[] = {{"ro", "rw"},
                                                       {"z", "Z"},
                                                       {"private", "rprivate", "shared", "rshared", "slave", "rslave"},
                                                       {"nocopy"},
                                                       {"consistent", "cached", "delegated", "default"}};
    std::set<const void*> seen;
    for (const std::string_view word : compose::split(mode, ',')) {
        const auto* kind =
            std::find_if(std::begin(kinds), std::end(kinds), [&](const auto& one) { return one.contains(word); });
        if (kind == std::end(kinds) || !seen.insert(kind).second) return false;
    }
    return true;
}

void check_volume_name(const std::string& name) {
    if (name.size() == 1)
        throw error(Errc::invalid_project,
                    "create {}: volume name is too short, names should be at least two alphanumeric characters", name);
    if (!is_volume_name(name))
        throw error(Errc::invalid_project,
                    "create {0}: \"{0}\" includes invalid characters for a local volume name, only "
                    "\"[a-zA-Z0-9][a-zA-Z0-9_.-]\" are allowed. If you intended to pass a host directory, use absolute "
                    "path",
                    name);
}

void check_bind(const Bind& bind) {
    const compose::ShortVolume& v = bind.parsed;
    const auto parts = compose::split(bind.text, ':');
    if (parts.size() == 3 && !is_bind_mode(std::string(parts[2])))
        throw error(Errc::invalid_project, "invalid mode: {}", parts[2]);
    if (parts.size() == 2 && is_bind_mode(std::string(parts[1]))) // a volume without a name has no mode
        throw error(Errc::invalid_project, "invalid volume specification: '{}'", bind.text);
    if (!v.target.starts_with('/') && !v.source.empty()) // of an anonymous volume it is from the root on
        throw error(
            Errc::invalid_project,
            "invalid volume specification: '{}': invalid mount config for type \"{}\": invalid mount path: '{}' "
            "mount path must be absolute",
            bind.text, v.source.starts_with('/') ? "bind" : "volume", v.target);
    if (compose::clean_path(v.target) == "/")
        throw error(Errc::invalid_project,
                    "invalid volume specification: '{}': invalid mount config for type \"{}\": invalid specification: "
                    "destination can't be '/'",
                    bind.text, v.source.starts_with('/') ? "bind" : "volume");
    const bool of_host = v.source.starts_with('/');
    const auto refuse_field = [&](const char* type, const char* field) {
        throw error(Errc::invalid_project,
                    "invalid volume specification: '{}': invalid mount config for type \"{}\": field {} must not be "
                    "specified",
                    bind.text, type, field);
    };
    if (of_host && v.nocopy) refuse_field("bind", "VolumeOptions");
    if (!of_host && !v.propagation.empty()) refuse_field("volume", "BindOptions");
    if (!v.source.empty() && !of_host) check_volume_name(v.source);
}

Mount mount_of(const Bind& bind) {
    Mount out;
    const compose::ShortVolume& v = bind.parsed;
    out.source = v.source;
    out.target = v.target.starts_with('/') ? v.target : "/" + v.target;
    out.read_only = v.read_only;
    out.type = v.source.starts_with('/') ? MountType::bind : MountType::volume;
    if (out.type == MountType::bind) {
        out.bind.emplace();
        out.bind->propagation = v.propagation;
        out.bind->selinux = v.selinux;
    } else if (v.nocopy) {
        out.volume.emplace().nocopy = true;
    }
    return out;
}

void check_mount(const swarm::Mount& m) {
    static const std::set<std::string> known{"bind", "volume", "tmpfs", "image"};
    static const std::set<std::string> propagations{"", "private", "rprivate", "shared", "rshared", "slave", "rslave"};
    if (m.target.empty()) throw refused(m.type, "field Target must not be empty");
    if (!known.contains(m.type)) throw refused(m.type, "mount type unknown");
    if ((m.type == "bind" || m.type == "image") && m.source.empty())
        throw refused(m.type, "field Source must not be empty");
    if (m.type == "tmpfs" && !m.source.empty()) throw refused(m.type, "field Source must not be specified");
    if (m.type == "bind" && m.source.front() != '/')
        throw refused(m.type, fmt::format("invalid mount path: '{}' mount path must be absolute", m.source));
    if (m.target.front() != '/')
        throw refused(m.type, fmt::format("invalid mount path: '{}' mount path must be absolute", m.target));
    if (m.type == "volume" && m.source.empty() && !m.subpath.empty())
        throw refused(m.type, "must not set Subpath when using anonymous volumes");
    if ((m.type == "volume" || m.type == "image") && !m.subpath.empty() && !is_local_path(m.subpath))
        throw refused(m.type, "subpath must be a relative path within the volume");
    if (m.type == "bind" && !propagations.contains(m.propagation))
        throw refused(m.type, "invalid propagation mode: " + m.propagation);
    if (compose::clean_path(m.target) == "/") throw refused(m.type, "invalid specification: destination can't be '/'");
    if (m.type == "volume" && !m.source.empty()) check_volume_name(m.source);
    if (m.type == "bind" && m.read_only_force_recursive && !m.read_only)
        throw refused(m.type, "option 'bind-recursive=readonly' requires 'readonly' to be specified in conjunction");
}

std::string recursive_of(const swarm::Mount& m) {
    if (m.non_recursive) return "disabled";
    if (m.read_only_non_recursive) return "writable";
    return m.read_only_force_recursive ? "readonly" : "";
}

Mount mount_of(const swarm::Mount& m) {
    Mount out;
    out.source = m.source;
    out.target = m.target;
    out.read_only = m.read_only;
    out.consistency = m.consistency;
    if (m.type == "bind") {
        out.type = MountType::bind;
        out.bind.emplace();
        out.bind->propagation = m.propagation;
        out.bind->create_host_path = m.create_mountpoint;
        out.bind->recursive = recursive_of(m);
    } else if (m.type == "tmpfs") {
        out.type = MountType::tmpfs;
        out.tmpfs = MountTmpfs{m.tmpfs_size, m.tmpfs_mode, {}};
    } else if (m.type == "image") {
        out.type = MountType::image;
        out.image = MountImage{m.subpath, {}};
    } else {
        // Labels of one with a name go to the volume, in take_mounts().
        out.volume = MountVolume{m.no_copy, m.subpath, m.source.empty() ? m.volume_labels : Labels{}, {}};
    }
    return out;
}

} // namespace

Binds binds_of(const ContainerFlags& flags, const ContainerFlagSurroundings& around) {
    Binds out;
    for (const std::string& text : flags.all("volume")) {
        const Bind bind = bind_of(text, around.current_dir);
        if (bind.parsed.source.empty()) out.anonymous.push_back(bind.parsed.target);
        else out.binds.push_back(bind.text);
    }
    return out;
}

std::vector<swarm::Mount> mounts_of(const ContainerFlags& flags, const ContainerFlagSurroundings& around) {
    std::vector<swarm::Mount> out;
    for (const std::string& text : flags.all("mount")) {
        out.push_back(stack::mount_value(text, around.current_dir, stack::MountOf::container));
        if (out.back().type == "bind" && is_here(out.back().source))
            out.back().source = compose::clean_path(compose::join_path(around.current_dir, out.back().source));
    }
    return out;
}

void take_mounts(const ContainerFlags& flags, const ContainerFlagSurroundings& around, ContainerSpec& to) {
    std::vector<Bind> binds;
    for (const std::string& text : flags.all("volume")) binds.push_back(bind_of(text, around.current_dir));
    std::set<std::string> targets;
    const auto once = [&](const std::string& target) {
        if (!targets.insert(compose::clean_path(target)).second)
            throw error(Errc::invalid_project, "Duplicate mount point: {}", target);
    };
    std::vector<Mount> anonymous;
    const std::string driver = flags.text("volume-driver");
    const auto volume_with = [&](const std::string& name, Volume made) {
        if (made.driver.empty() && made.driver_opts.empty() && made.labels.empty()) return;
        if (name.empty() && !made.driver_opts.empty())
            throw error(Errc::unsupported, "a volume with driver options needs a name").with_hint("source=NAME");
        if (name.empty() && !made.driver.empty() && made.driver != "local")
            throw error(Errc::not_found, "error looking up volume plugin {0}: plugin \"{0}\" not found", made.driver);
        if (name.empty()) return;
        made.name = name;
        to.volumes[name] = std::move(made);
    };
    const auto driven = [](std::string by, std::map<std::string, std::string> options, Labels labels) {
        Volume out;
        out.driver = std::move(by);
        out.driver_opts = std::move(options);
        out.labels = std::move(labels);
        return out;
    };
    for (const Bind& bind : binds) {
        check_bind(bind);
        Mount mount = mount_of(bind);
        if (mount.type == MountType::volume) volume_with(mount.source, driven(driver, {}, {}));
        if (mount.source.empty()) {
            anonymous.push_back(std::move(mount));
            continue;
        }
        once(mount.target);
        to.service.volumes.push_back(std::move(mount));
    }
    for (const swarm::Mount& m : mounts_of(flags, around)) {
        check_mount(m);
        once(m.target);
        if (m.type == "volume")
            volume_with(m.source, driven(m.driver.empty() ? driver : m.driver, m.driver_options, m.volume_labels));
        to.service.volumes.push_back(mount_of(m));
    }
    for (const std::string& text : flags.all("tmpfs")) {
        if (!text.starts_with('/'))
            throw error(Errc::invalid_project, "invalid mount path: '{}' mount path must be absolute",
                        text.substr(0, text.find(':')));
        if (compose::clean_path(text.substr(0, text.find(':'))) == "/")
            throw error(Errc::invalid_project, "invalid specification: destination can't be '/'");
        once(text.substr(0, text.find(':')));
        to.service.tmpfs.push_back(text);
    }
    // A volume without a name yields to what is mounted at its place by name.
    for (Mount& mount : anonymous)
        if (targets.insert(compose::clean_path(mount.target)).second) to.service.volumes.push_back(std::move(mount));
    // Donors are containers of this machine.
    to.service.volumes_from = flags.all("volumes-from");
    for (const std::string& from : to.service.volumes_from) {
        if (from.empty()) throw error(Errc::invalid_project, "volumes-from specification cannot be an empty string");
        const std::size_t colon = from.find(':');
        const std::string mode = colon == std::string::npos ? "rw" : from.substr(colon + 1);
        if (colon == 0) throw error(Errc::invalid_project, "invalid name or ID supplied: \"\"");
        if (mode != "ro" && mode != "rw" && mode != "z" && mode != "Z")
            throw error(Errc::invalid_project, "invalid mode: {}", mode);
    }
}

} // namespace davit::docker
