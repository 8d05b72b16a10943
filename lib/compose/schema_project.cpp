#include "compose/schema.hpp"

namespace davit::compose {

using namespace shapes;

namespace {

const Field external_fields[] = {{"name", &text}};
const Shape external{.noun = "external", .types = t_bool | t_str | t_map, .fields = external_fields};
const Shape external_open{
    .noun = "external", .types = t_bool | t_str | t_map, .fields = external_fields, .closed = false};

const Shape aux_addresses{.types = t_map, .values = &text, .extensions = false};
const Field pool_fields[] = {
    {"subnet", &text}, {"ip_range", &text}, {"gateway", &text}, {"aux_addresses", &aux_addresses}};
const Shape pool{.noun = "an ipam pool", .types = t_map, .fields = pool_fields};
const Shape pools{.types = t_list, .items = &pool};
const Field ipam_fields[] = {{"driver", &text}, {"config", &pools}, {"options", &aux_addresses}};
const Shape ipam{.noun = "ipam", .types = t_map, .fields = ipam_fields};

const Field network_fields[] = {
    {"name", &text},
    {"driver", &text},
    {"driver_opts", &driver_opts},
    {"ipam", &ipam},
    {"external", &external},
    {"internal", &bool_or_text},
    {"enable_ipv4", &bool_or_text},
    {"enable_ipv6", &bool_or_text},
    {"attachable", &bool_or_text},
    {"labels", &list_or_map},
};
const Shape network{.noun = "a network", .types = t_map | t_null, .fields = network_fields};

const Field volume_fields[] = {
    {"name", &text},         {"driver", &text},        {"driver_opts", &driver_opts},
    {"external", &external}, {"labels", &list_or_map},
};
const Shape volume{.noun = "a volume", .types = t_map | t_null, .fields = volume_fields};

const Field secret_fields[] = {
    {"name", &text},
    {"environment", &text},
    {"file", &text},
    {"external", &external_open},
    {"labels", &list_or_map},
    {"driver", &text},
    {"driver_opts", &driver_opts},
    {"template_driver", &text},
};
const Shape secret{.noun = "a secret", .types = t_map, .fields = secret_fields};

const Field config_fields[] = {
    {"name", &text},
    {"content", &text},
    {"environment", &text},
    {"file", &text},
    {"external", &external_open},
    {"labels", &list_or_map},
    {"template_driver", &text},
};
const Shape config{.noun = "a config", .types = t_map, .fields = config_fields};

const Shape integer{.types = t_int};
const Field model_fields[] = {
    {"name", &text}, {"model", &text}, {"context_size", &integer}, {"runtime_flags", &text_list}};
constexpr std::string_view model_required[] = {"model"};
const Shape model{.noun = "a model", .types = t_map, .fields = model_fields, .required = model_required};

const Shape services{
    .noun = "services", .types = t_map, .values = &schema_service, .keys = Keys::resource, .extensions = false};
const Shape networks{.noun = "networks",
                     .types = t_map,
                     .values = &network,
                     .keys = Keys::resource,
                     .closed = false,
                     .extensions = false};
const Shape volumes{.noun = "volumes", .types = t_map, .values = &volume, .keys = Keys::resource, .extensions = false};
const Shape secrets{.noun = "secrets", .types = t_map, .values = &secret, .keys = Keys::resource, .extensions = false};
const Shape configs{.noun = "configs", .types = t_map, .values = &config, .keys = Keys::resource, .extensions = false};
const Shape models{
    .noun = "models", .types = t_map, .values = &model, .keys = Keys::resource, .closed = false, .extensions = false};
const Shape includes{.types = t_list, .items = &anything};

const Field project_fields[] = {
    {"version", &text},      {"name", &text},       {"include", &includes},
    {"services", &services}, {"models", &models},   {"networks", &networks},
    {"volumes", &volumes},   {"secrets", &secrets}, {"configs", &configs},
};

} // namespace

const Shape schema_project{.noun = "a compose file", .types = t_map, .fields = project_fields};

} // namespace davit::compose
