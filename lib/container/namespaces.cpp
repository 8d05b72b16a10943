#include "container/builder.hpp"

#include "base/error.hpp"
#include "base/shared_with.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace davit {

namespace {

std::optional<Donor> donor_of(const std::string& mode, Surroundings& around) {
    const SharedWith other = SharedWith::parse(mode);
    if (other.is_service()) return around.of_service(std::string(other.name));
    if (other.is_container()) return around.by_name(std::string(other.name));
    return std::nullopt;
}

} // namespace

void ContainerBuilder::namespaces() {
    about("ipc", [&] { ipc(service_.ipc); });
    about("pid", [&] { pid(service_.pid); });
    about("uts", [&] {
        if (service_.uts == "host" && !service_.hostname.empty())
            throw error(Errc::invalid_project, "conflicting options: hostname and the UTS mode");
        if (service_.uts == "host") out_.spec.ns.uts.mode = runtime::NsMode::host;
        else if (!service_.uts.empty()) throw error(Errc::invalid_project, "invalid UTS mode: {}", service_.uts);
    });
    about("cgroup", [&] {
        if (service_.cgroup == "private") out_.spec.ns.private_cgroup = true;
        else if (service_.cgroup == "host") out_.spec.ns.private_cgroup = false;
        else if (!service_.cgroup.empty())
            throw error(Errc::invalid_project, "invalid cgroup namespace mode: {}", service_.cgroup);
    });
    about("userns_mode", [&] {
        if (!service_.userns_mode.empty() && service_.userns_mode != "host")
            throw error(Errc::invalid_project, "invalid USER mode: {}", service_.userns_mode);
    });
}

void ContainerBuilder::ipc(const std::string& mode) {
    runtime::Mount shm;
    shm.kind = runtime::Mount::Kind::bind;
    shm.source = shm.destination = "/dev/shm";
    if (mode == "host") {
        out_.spec.ns.ipc.mode = runtime::NsMode::host;
        out_.record.ipc_mode = mode;
        mounts_["/dev/shm"] = shm;
        return;
    }
    if (mode == "none") {
        auto& list = out_.spec.mounts;
        list.erase(std::remove_if(list.begin(), list.end(), [](const auto& m) { return m.destination == "/dev/shm"; }),
                   list.end());
        return;
    }
    if (auto donor = donor_of(mode, around_)) {
        out_.record.ipc_mode = mode_of_container(donor->record.id);
        out_.spec.ns.ipc.mode = runtime::NsMode::passed;
        shm.kind = runtime::Mount::Kind::peer;
        mounts_["/dev/shm"] = shm;
        // A donor of this project says in its service whether it may be joined, any other in its record.
        const Service* other = in_.project.find(donor->record.service);
        const bool own = donor->record.project == in_.project.name && other;
        const std::string& given = own ? other->ipc : donor->record.ipc_mode;
        if (!(given == "shareable" || given == "host" || (!own && SharedWith::parse(given).is_container())))
            at_start("ipc", [&] {
                const std::string how = own ? fmt::format("ipc: shareable for service \"{}\"", donor->record.service)
                                            : std::string("IpcMode:shareable for the donor container");
                throw error(Errc::invalid_project,
                            "failed to join IPC namespace: container {}: non-shareable IPC (hint: use {})",
                            donor->record.id, how);
            });
        return;
    }
    if (!mode.empty() && mode != "private" && mode != "shareable")
        throw error(Errc::invalid_project, "invalid IPC mode: {}", mode);
    if (mode == "shareable") out_.record.ipc_mode = mode;
}

void ContainerBuilder::pid(const std::string& mode) {
    if (mode == "host") out_.spec.ns.pid.mode = runtime::NsMode::host;
    else if (auto donor = donor_of(mode, around_)) {
        out_.record.pid_mode = mode_of_container(donor->record.id);
        out_.spec.ns.pid.mode = runtime::NsMode::passed;
    } else if (!mode.empty()) throw error(Errc::invalid_project, "invalid PID mode: {}", mode);
}

} // namespace davit
