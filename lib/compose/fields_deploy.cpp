#include "compose/fields.hpp"

namespace davit::compose {

template <>
std::span<const Row<DeviceRequest>> rows<DeviceRequest>() {
    using S = DeviceRequest;
    static constexpr Row<S> table[] = {
        row<&S::capabilities>("capabilities"), row<&S::driver>("driver"),   row<&S::count, DeviceCount>("count"),
        row<&S::device_ids>("device_ids"),     row<&S::options>("options"),
    };
    return table;
}

template <>
std::span<const Row<GenericResource>> rows<GenericResource>() {
    using S = GenericResource;
    static constexpr Row<S> table[] = {row<&S::kind>("kind"), row<&S::value>("value")};
    return table;
}

template <>
std::span<const Row<Resources>> rows<Resources>() {
    using S = Resources;
    static constexpr Row<S> table[] = {
        row<&S::cpus>("cpus"),
        row<&S::memory, Bytes>("memory"),
        row<&S::pids>("pids"),
        row<&S::devices, ObjectList<DeviceRequest>>("devices"),
        row<&S::generic_resources, GenericResources>("generic_resources"),
    };
    return table;
}

template <>
std::span<const Row<Deploy::ResourcesSet>> rows<Deploy::ResourcesSet>() {
    using S = Deploy::ResourcesSet;
    static constexpr Row<S> table[] = {
        row<&S::limits, OptionalObject<Resources>>("limits"),
        row<&S::reservations, OptionalObject<Resources>>("reservations"),
    };
    return table;
}

template <>
std::span<const Row<DeployRestartPolicy>> rows<DeployRestartPolicy>() {
    using S = DeployRestartPolicy;
    static constexpr Row<S> table[] = {
        row<&S::condition>("condition"),
        row<&S::delay>("delay"),
        row<&S::max_attempts>("max_attempts"),
        row<&S::window>("window"),
    };
    return table;
}

template <>
std::span<const Row<UpdateConfig>> rows<UpdateConfig>() {
    using S = UpdateConfig;
    static constexpr Row<S> table[] = {
        row<&S::parallelism>("parallelism"),
        row<&S::delay>("delay"),
        row<&S::failure_action>("failure_action"),
        row<&S::monitor>("monitor"),
        row<&S::max_failure_ratio>("max_failure_ratio"),
        row<&S::order>("order"),
    };
    return table;
}

template <>
std::span<const Row<Placement::Preference>> rows<Placement::Preference>() {
    using S = Placement::Preference;
    static constexpr Row<S> table[] = {row<&S::spread>("spread")};
    return table;
}

template <>
std::span<const Row<Placement>> rows<Placement>() {
    using S = Placement;
    static constexpr Row<S> table[] = {
        row<&S::constraints>("constraints"),
        row<&S::preferences, ObjectList<Placement::Preference>>("preferences"),
        row<&S::max_replicas_per_node>("max_replicas_per_node"),
    };
    return table;
}

template <>
std::span<const Row<Deploy>> rows<Deploy>() {
    using S = Deploy;
    static constexpr Row<S> table[] = {
        row<&S::mode>("mode"),
        row<&S::replicas>("replicas"),
        row<&S::labels>("labels"),
        row<&S::update_config, OptionalObject<UpdateConfig>>("update_config"),
        row<&S::rollback_config, OptionalObject<UpdateConfig>>("rollback_config"),
        row<&S::resources, Object<Deploy::ResourcesSet>>("resources"),
        row<&S::restart_policy, OptionalObject<DeployRestartPolicy>>("restart_policy"),
        row<&S::placement, Object<Placement>>("placement"),
        row<&S::endpoint_mode>("endpoint_mode"),
    };
    return table;
}

} // namespace davit::compose
