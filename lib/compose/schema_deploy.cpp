#include "compose/schema.hpp"

namespace davit::compose {

using namespace shapes;

namespace {

constexpr std::string_view orders[] = {"start-first", "stop-first"};
const Shape order{.types = t_str, .words = orders};
const Field update_fields[] = {
    {"parallelism", &integer_or_text},      {"delay", &text},  {"failure_action", &text}, {"monitor", &text},
    {"max_failure_ratio", &number_or_text}, {"order", &order},
};
const Shape update{.noun = "an update configuration", .types = t_map, .fields = update_fields};

const Field request_fields[] = {
    {"capabilities", &unique_texts}, {"count", &integer_or_text}, {"device_ids", &unique_texts}, {"driver", &text},
    {"options", &list_or_map},
};
constexpr std::string_view request_required[] = {"capabilities"};
const Shape request{
    .noun = "a device reservation", .types = t_map, .fields = request_fields, .required = request_required};

const Field discrete_fields[] = {{"kind", &text}, {"value", &number_or_text}};
const Shape discrete{.noun = "a resource", .types = t_map, .fields = discrete_fields};
const Field generic_fields[] = {{"discrete_resource_spec", &discrete}};
const Shape generic{.noun = "a generic resource", .types = t_map, .fields = generic_fields};
const Shape generics{.types = t_list, .items = &generic};

const Field limit_fields[] = {{"cpus", &number_or_text}, {"memory", &text}, {"pids", &integer_or_text}};
const Shape limits{.noun = "limits", .types = t_map, .fields = limit_fields};
const Field reservation_fields[] = {
    {"cpus", &number_or_text},
    {"memory", &text},
    {"generic_resources", &generics},
    {"devices", &schema_device_requests},
};
const Shape reservations{.noun = "reservations", .types = t_map, .fields = reservation_fields};
const Field resource_fields[] = {{"limits", &limits}, {"reservations", &reservations}};
const Shape resources{.noun = "resources", .types = t_map, .fields = resource_fields};

const Field restart_fields[] = {
    {"condition", &text}, {"delay", &text}, {"max_attempts", &integer_or_text}, {"window", &text}};
const Shape restart{.noun = "a restart policy", .types = t_map, .fields = restart_fields};

const Field preference_fields[] = {{"spread", &text}};
const Shape preference{.noun = "a placement preference", .types = t_map, .fields = preference_fields};
const Shape preferences{.types = t_list, .items = &preference};
const Field placement_fields[] = {
    {"constraints", &text_list},
    {"preferences", &preferences},
    {"max_replicas_per_node", &integer_or_text},
};
const Shape placement{.noun = "placement", .types = t_map, .fields = placement_fields};

const Field deploy_fields[] = {
    {"mode", &text},           {"endpoint_mode", &text},     {"replicas", &integer_or_text},
    {"labels", &list_or_map},  {"rollback_config", &update}, {"update_config", &update},
    {"resources", &resources}, {"restart_policy", &restart}, {"placement", &placement},
};

} // namespace

const Shape schema_device_requests{.types = t_list, .items = &request};
const Shape schema_deploy{.noun = "deploy", .types = t_map | t_null, .fields = deploy_fields};

} // namespace davit::compose
