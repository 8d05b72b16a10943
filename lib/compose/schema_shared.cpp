#include "compose/schema.hpp"

namespace davit::compose::shapes {

namespace {
constexpr Types scalar = t_str | t_num | t_bool | t_null;
const Shape scalar_value{.types = scalar};
const Shape text_or_number{.types = t_str | t_num};
const Shape hosts{.types = t_str | t_list, .items = &text};

const Field ulimit_fields[] = {{"soft", &integer_or_text}, {"hard", &integer_or_text}};
constexpr std::string_view ulimit_required[] = {"soft", "hard"};
const Shape ulimit{
    .noun = "a limit", .types = t_int | t_str | t_map, .fields = ulimit_fields, .required = ulimit_required};

const Field reference_fields[] = {
    {"source", &text}, {"target", &text}, {"uid", &text}, {"gid", &text}, {"mode", &number_or_text},
};
const Shape reference{.noun = "a config or secret of a service", .types = t_str | t_map, .fields = reference_fields};

const Field hook_fields[] = {
    {"command", &command},         {"user", &text}, {"privileged", &bool_or_text}, {"working_dir", &text},
    {"environment", &list_or_map},
};
constexpr std::string_view hook_required[] = {"command"};
const Field pre_start_fields[] = {
    {"command", &command},          {"image", &text},       {"user", &text},
    {"privileged", &bool_or_text},  {"working_dir", &text}, {"environment", &list_or_map},
    {"per_replica", &bool_or_text},
};
} // namespace

const Shape anything{};
const Shape text{.types = t_str};
const Shape text_or_null{.types = t_str | t_null};
const Shape boolean{.types = t_bool};
const Shape bool_or_text{.types = t_bool | t_str};
const Shape integer_or_text{.types = t_int | t_str};
const Shape number_or_text{.types = t_num | t_str};
const Shape number{.types = t_num};
const Shape text_list{.types = t_list, .items = &text};
const Shape unique_texts{.types = t_list, .items = &text, .unique = true};
const Shape text_or_list{.types = t_str | t_list, .items = &text, .unique = true};
const Shape list_or_map{
    .types = t_list | t_map, .values = &scalar_value, .extensions = false, .items = &text, .unique = true};
const Shape text_or_number_list{.types = t_list, .items = &text_or_number, .unique = true};
const Shape extra_hosts{.types = t_list | t_map, .values = &hosts, .extensions = false, .items = &text, .unique = true};
const Shape command{.types = t_null | t_str | t_list, .items = &text};
const Shape ulimits{
    .noun = "ulimits", .types = t_map, .values = &ulimit, .keys = Keys::lower, .closed = false, .extensions = false};
const Shape file_references{.types = t_list, .items = &reference};
const Shape driver_opts{.types = t_map, .values = &text_or_number, .extensions = false};
const Shape hook{.noun = "a hook", .types = t_map, .fields = hook_fields, .required = hook_required};
const Shape pre_start_hook{.noun = "a pre_start hook", .types = t_map, .fields = pre_start_fields};

} // namespace davit::compose::shapes
