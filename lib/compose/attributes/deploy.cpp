// `deploy:` and `gpus:` of a service.
#include "compose/attributes/rows.hpp"
#include "compose/formats.hpp"

namespace davit::compose {

using namespace shapes;

namespace {

constexpr std::string_view all[] = {"all"};
constexpr Row<DeviceRequest> request_rows[] = {
    row<&DeviceRequest::capabilities>("capabilities", unique_texts),
    row<&DeviceRequest::driver>("driver", text),
    row<&DeviceRequest::count, DeviceCount>("count", integer_or_text),
    row<&DeviceRequest::device_ids>("device_ids", unique_texts),
    row<&DeviceRequest::options>("options", list_or_map),
};
constexpr Table request_table(request_rows);
constexpr std::string_view request_required[] = {"capabilities"};
constinit const Shape request{
    .noun = "a device reservation", .types = t_map, .fields = request_table, .required = request_required};
constinit const Shape gpu{.noun = "a gpu", .types = t_map, .fields = request_table, .closed = false};

constexpr Row<GenericResource> discrete_rows[] = {
    row<&GenericResource::kind>("kind", text),
    row<&GenericResource::value>("value", number_or_text),
};
constexpr Table discrete_table(discrete_rows);
constinit const Shape discrete{.noun = "a resource", .types = t_map, .fields = discrete_table};
struct GenericItem {};
constexpr Row<GenericItem> generic_rows[] = {row_of_shape<GenericItem>("discrete_resource_spec", discrete)};
constexpr Table generic_table(generic_rows);
constinit const Shape generic{.noun = "a generic resource", .types = t_map, .fields = generic_table};
constinit const Shape generics{.types = t_list, .items = &generic};

constexpr Row<Resources> limit_rows[] = {
    row<&Resources::cpus>("cpus", number_or_text),
    row<&Resources::memory, Bytes>("memory", text),
    row<&Resources::pids>("pids", integer_or_text),
};
constexpr Table limit_table(limit_rows);
constinit const Shape limits{.noun = "limits", .types = t_map, .fields = limit_table};

constexpr Row<Resources> reservation_rows[] = {
    row<&Resources::cpus>("cpus", number_or_text).without_effect({"a CPU cannot be reserved; use cpu_shares"}),
    row<&Resources::memory, Bytes>("memory", text),
    row<&Resources::devices, ObjectList<DeviceRequest>>("devices", device_requests)
        .each_item({.filled = Default::device_request, .check = Check::device_request}),
    row<&Resources::generic_resources, GenericResources>("generic_resources", generics)
        .without_effect({"there is one machine"}),
};
constexpr Table reservation_table(reservation_rows);
constinit const Shape reservations{.noun = "reservations", .types = t_map, .fields = reservation_table};

constexpr Row<Deploy::ResourcesSet> resources_rows[] = {
    row<&Deploy::ResourcesSet::limits, OptionalObject<Limits>>("limits", limits),
    row<&Deploy::ResourcesSet::reservations, OptionalObject<Reservations>>("reservations", reservations),
};
constexpr Table resources_table(resources_rows);
constinit const Shape resources{.noun = "resources", .types = t_map, .fields = resources_table};

constexpr Row<DeployRestartPolicy> restart_rows[] = {
    row<&DeployRestartPolicy::condition>("condition", text),
    row<&DeployRestartPolicy::delay>("delay", text).without_effect({"the delay doubles from 100 ms to a minute"}),
    row<&DeployRestartPolicy::max_attempts>("max_attempts", integer_or_text, {.cast = Cast::integer}),
    row<&DeployRestartPolicy::window>("window", text)
        .without_effect({"a container that ran for ten seconds counts as started"}),
};
constexpr Table restart_table(restart_rows);
constinit const Shape restart{.noun = "a restart policy", .types = t_map, .fields = restart_table};

constexpr std::string_view orders[] = {"start-first", "stop-first"};
constinit const Shape order{.types = t_str, .words = orders};
constexpr std::string_view pause_only[] = {"pause"};
constexpr Row<UpdateConfig> update_rows[] = {
    row<&UpdateConfig::parallelism>("parallelism", integer_or_text, {.cast = Cast::integer}),
    row<&UpdateConfig::delay>("delay", text),
    row<&UpdateConfig::failure_action>("failure_action", text)
        .without_effect(
            {.why = "the first that fails stops the replacing; those before it stay new", .acted = pause_only}),
    row<&UpdateConfig::monitor>("monitor", text),
    row<&UpdateConfig::max_failure_ratio>("max_failure_ratio", number_or_text, {.cast = Cast::real})
        .without_effect({"the first that fails stops the replacing"}),
    row<&UpdateConfig::order>("order", order),
};
constexpr Table update_table(update_rows);
constinit const Shape update{.noun = "an update configuration", .types = t_map, .fields = update_table};

constexpr Row<Placement::Preference> preference_rows[] = {
    row<&Placement::Preference::spread>("spread", text),
};
constexpr Table preference_table(preference_rows);
constinit const Shape preference{.noun = "a placement preference", .types = t_map, .fields = preference_table};
constinit const Shape preferences{.types = t_list, .items = &preference};
constexpr Row<Placement> placement_rows[] = {
    row<&Placement::constraints>("constraints", text_list),
    row<&Placement::preferences, ObjectList<Placement::Preference>>("preferences", preferences),
    row<&Placement::max_replicas_per_node>("max_replicas_per_node", integer_or_text, {.cast = Cast::integer}),
};
constexpr Table placement_table(placement_rows);
constinit const Shape placement{.noun = "placement", .types = t_map, .fields = placement_table};

constexpr Row<Deploy> deploy_rows[] = {
    row<&Deploy::mode>("mode", text).without_effect({"there is one machine", "global"}),
    row<&Deploy::replicas>("replicas", integer_or_text, {.cast = Cast::integer}),
    row<&Deploy::labels>("labels", list_or_map, {.merging = Merging::to_sequence, .identity = Identity::name})
        .without_effect({"they are for services of Swarm; those of containers are  labels:"}),
    row<&Deploy::update_config, OptionalObject<UpdateConfig>>("update_config", update),
    row<&Deploy::rollback_config, OptionalObject<UpdateConfig>>("rollback_config", update)
        .without_effect({"there is nothing to roll back to"}),
    row<&Deploy::resources, Object<Deploy::ResourcesSet>>("resources", resources),
    row<&Deploy::restart_policy, OptionalObject<DeployRestartPolicy>>("restart_policy", restart),
    row<&Deploy::placement, Object<Placement>>("placement", placement).without_effect({"there is one machine"}),
    row<&Deploy::endpoint_mode>("endpoint_mode", text).without_effect({"names resolve to all replicas (dnsrr)", "vip"}),
};
constexpr Table deploy_table(deploy_rows);

} // namespace

constinit const Shape shapes::device_requests{.types = t_list, .items = &request};
constinit const Shape shapes::gpus{.types = t_str | t_list, .items = &gpu, .words = all};
constinit const Shape shapes::deploy{.noun = "deploy", .types = t_map | t_null, .fields = deploy_table};

template <>
Rows<DeviceRequest> rows<DeviceRequest>() {
    return request_table;
}

template <>
Rows<GenericResource> rows<GenericResource>() {
    return discrete_table;
}

template <>
Rows<Resources> rows<Limits>() {
    return limit_table;
}

template <>
Rows<Resources> rows<Reservations>() {
    return reservation_table;
}

template <>
Rows<Deploy::ResourcesSet> rows<Deploy::ResourcesSet>() {
    return resources_table;
}

template <>
Rows<DeployRestartPolicy> rows<DeployRestartPolicy>() {
    return restart_table;
}

template <>
Rows<UpdateConfig> rows<UpdateConfig>() {
    return update_table;
}

template <>
Rows<Placement::Preference> rows<Placement::Preference>() {
    return preference_table;
}

template <>
Rows<Placement> rows<Placement>() {
    return placement_table;
}

template <>
Rows<Deploy> rows<Deploy>() {
    return deploy_table;
}

} // namespace davit::compose
