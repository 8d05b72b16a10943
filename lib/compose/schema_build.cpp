#include "compose/schema.hpp"

namespace davit::compose {

using namespace shapes;

namespace {

const Field build_fields[] = {
    {"context", &text},
    {"dockerfile", &text},
    {"dockerfile_inline", &text},
    {"entitlements", &text_list},
    {"args", &list_or_map},
    {"ssh", &list_or_map},
    {"labels", &list_or_map},
    {"cache_from", &text_list},
    {"cache_to", &text_list},
    {"no_cache", &bool_or_text},
    {"no_cache_filter", &text_or_list},
    {"additional_contexts", &list_or_map},
    {"network", &text},
    {"provenance", &bool_or_text},
    {"sbom", &bool_or_text},
    {"pull", &bool_or_text},
    {"target", &text},
    {"shm_size", &integer_or_text},
    {"extra_hosts", &extra_hosts},
    {"isolation", &text},
    {"privileged", &bool_or_text},
    {"secrets", &file_references},
    {"tags", &text_list},
    {"ulimits", &ulimits},
    {"platforms", &text_list},
};

constexpr std::string_view watch_actions[] = {"rebuild", "sync", "restart", "sync+restart", "sync+exec"};
const Shape watch_action{.types = t_str, .words = watch_actions};
const Field watch_fields[] = {
    {"ignore", &text_or_list},  {"include", &text_or_list}, {"path", &text},
    {"action", &watch_action},  {"target", &text},          {"exec", &hook},
    {"initial_sync", &boolean},
};
constexpr std::string_view watch_required[] = {"path", "action"};
const Shape watch_rule{.noun = "a watch rule", .types = t_map, .fields = watch_fields, .required = watch_required};
const Shape watch{.types = t_list, .items = &watch_rule};
const Field develop_fields[] = {{"watch", &watch}};

} // namespace

const Shape schema_build{.noun = "build", .types = t_str | t_map, .fields = build_fields};
const Shape schema_develop{.noun = "develop", .types = t_map | t_null, .fields = develop_fields};

} // namespace davit::compose
