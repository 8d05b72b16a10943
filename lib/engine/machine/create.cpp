// Containers outside of compose files: made, and started.
#include "engine/machine/machine.hpp"

#include "base/error.hpp"
#include "base/shared_with.hpp"
#include "base/sys.hpp"
#include "engine/image_lookup.hpp"
#include "engine/live/attachable.hpp"
#include "engine/network_info.hpp"
#include "model/image_reference.hpp"
#include "project/names.hpp"
#include "reconcile/machine.hpp"
#include "reconcile/plan_builder.hpp"

#include <algorithm>
#include <chrono>
#include <optional>
#include <thread>
#include <utility>

namespace davit {

using machine::ContainerLock;
using machine::Impl;

namespace {

// One container on its way from its specification to the supervisor.
class Creation {
public:
    Creation(Impl& impl, const ContainerSpec& spec, bool start, std::stop_token stop)
        : impl_(impl), spec_(spec), stop_(std::move(stop)) {
        container_.start = start;
        container_.id = sys::random_hex(64);
    }

    ContainerInfo run() {
        if (!spec_.name.empty()) check_container_name(spec_.name);
        if (spec_.service.image.empty())
            throw error(Errc::usage, "invalid reference format").with_hint("the container's image is not named");
        container_.name = spec_.name.empty() ? machine::made_up_name(0) : spec_.name;
        look();
        if (!impl_.approved(plan().result.plan)) return {};
        Impl::check_user_of_containers();
        const image::Hold image = provide_image();
        const ContainerLock own(impl_, container_.id, "container " + container_.name, stop_);
        claim_name();
        auto planned = plan(); // with the image, which may have been missing
        const ContainerRecord record = apply(planned);
        // It may have ended, and with --rm be gone, by now.
        return impl_.info(record, impl_.store.status(record));
    }

private:
    ContainerRecord apply(Impl::Planned& planned) {
        try {
            return impl_.apply(project_, planned, stop_).back();
        } catch (const Error&) {
            await_removal();
            throw;
        }
    }

    // With --rm one that could not start goes, and is gone when the command ends.
    void await_removal() const {
        constexpr std::chrono::seconds patience{2};
        const std::string place = ProjectPaths(impl_.store.roots(), machine_project).container(container_.id);
        const auto until = std::chrono::steady_clock::now() + patience;
        while (spec_.auto_remove && exists(place) && std::chrono::steady_clock::now() < until)
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }

    // What the specification names, and nothing else: others' containers and volumes may be many.
    void look() {
        observed_.project = machine_project;
        Project named;
        named.services["it"] = spec_.service;
        auto& service = named.services["it"];
        for (std::string& from : service.volumes_from) from = mode_of_container(from);
        service.external_links.insert(service.external_links.end(), service.links.begin(), service.links.end());
        for (const auto& name : foreign_containers(named)) observed_.foreign.emplace(name, find_named(name));
        for (const Mount& mount : spec_.service.volumes) {
            if (mount.type != MountType::volume || mount.source.empty()) continue;
            if (auto volume = impl_.store.volume(mount.source)) observed_.volumes.emplace(mount.source, *volume);
        }
        std::vector<std::string> networks;
        for (const auto& [network, unused] : spec_.service.networks) networks.push_back(network);
        if (!spec_.service.network_mode.empty()) networks.push_back(spec_.service.network_mode);
        if (std::all_of(networks.begin(), networks.end(), [](const std::string& n) {
                return n == machine_bridge || n == "default" || n == "host" || n == "none" ||
                       n.find(':') != std::string::npos;
            }))
            return;
        for (auto& network : impl_.store.networks()) observed_.networks.emplace(network.name, network);
        check_addresses();
    }

    // As docker tells what a container is missed for.
    ObservedContainer find_named(const std::string& name) const {
        try {
            return machine::find(impl_, name);
        } catch (const Error& e) {
            const Service& service = spec_.service;
            const auto is_of = [&](const std::string& link) { return link.substr(0, link.find(':')) == name; };
            std::string before;
            if (service.network_mode == mode_of_container(name)) before = "joining network namespace of container: ";
            else if (std::any_of(service.links.begin(), service.links.end(), is_of))
                before = "could not get container for " + name + ": ";
            throw Error(e.kind(), before + e.what());
        }
    }

    // What no subnet of a network has is refused before there is a container.
    void check_addresses() const {
        for (const auto& [name, attachment] : spec_.service.networks) {
            const auto network = observed_.networks.find(name);
            if (!attachment || name == machine_bridge || network == observed_.networks.end()) continue;
            ConnectOptions asked;
            asked.ipv4 = attachment->ipv4_address;
            asked.ipv6 = attachment->ipv6_address;
            try {
                check_endpoint(info_of(network->second), asked);
            } catch (const Error& e) {
                throw error(e.kind(), "invalid config for network {}: {}", name, e.what()).with_hint(e.hint());
            }
        }
    }

    Impl::Planned plan() {
        Impl::Planned out;
        const image::Store& images = impl_.images();
        const auto image = images.find(spec_.service.image);
        project_ = machine_project_of(spec_, container_.name, observed_, image ? image->config : image::Config());
        out.observed = observed_;
        out.wanted.hashes[container_.name] = {}; // nothing compares it
        out.wanted.images[container_.name] = spec_.service.image;
        for (const auto& [key, unused] : project_.networks) out.wanted.network_hashes[key] = {};
        for (const auto& [key, unused] : project_.volumes) out.wanted.volume_hashes[key] = {};
        out.result = plan_container(project_, spec_, container_);
        return out;
    }

    image::Hold provide_image() {
        return impl_.provide_images(project_, {project_.find(container_.name)},
                                    {spec_.pull, spec_.quiet_pull, false, true}, stop_);
    }

    void claim_name() {
        for (unsigned attempt = 1;; ++attempt) {
            name_.emplace(impl_, "name-" + container_.name, "the name " + container_.name, stop_);
            const std::string owner = owner_of(container_.name);
            if (owner.empty()) return;
            name_.reset();
            if (!spec_.name.empty()) throw name_in_use(container_.name, owner);
            container_.name = machine::made_up_name(attempt);
        }
    }

    std::string owner_of(const std::string& name) const {
        const auto holder = NameIndex(impl_.store.roots()).find(name);
        return holder ? holder->id : std::string();
    }

    Impl& impl_;
    const ContainerSpec& spec_;
    std::stop_token stop_;
    MachineContainer container_;
    ObservedState observed_;
    Project project_;
    std::optional<ContainerLock> name_;
};

} // namespace

ContainerInfo create_container(Engine& engine, const ContainerSpec& spec, std::stop_token stop) {
    return Creation(EngineAccess::of(engine), spec, false, std::move(stop)).run();
}

ContainerInfo run_container(Engine& engine, const ContainerSpec& spec, std::stop_token stop) {
    return Creation(EngineAccess::of(engine), spec, true, std::move(stop)).run();
}

} // namespace davit
