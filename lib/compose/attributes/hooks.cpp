// What runs beside a service: hooks, and the rules of develop.watch.
#include "compose/attributes/rows.hpp"

namespace davit::compose {

using namespace shapes;

namespace {

constexpr Row<ServiceHook> pre_start_rows[] = {
    row<&ServiceHook::command>("command", command),
    row<&ServiceHook::image>("image", text),
    row<&ServiceHook::user>("user", text),
    row<&ServiceHook::privileged>("privileged", bool_or_text),
    row<&ServiceHook::working_dir>("working_dir", text),
    row<&ServiceHook::environment>("environment", list_or_map),
    row<&ServiceHook::per_replica>("per_replica", bool_or_text)
        .without_effect({"the hook runs once, before the first replica"}),
};
constexpr Table pre_start_table(pre_start_rows);
constexpr Row<ServiceHook> hook_rows[] = {
    row<&ServiceHook::command>("command", command),
    row<&ServiceHook::user>("user", text),
    row<&ServiceHook::privileged>("privileged", bool_or_text),
    row<&ServiceHook::working_dir>("working_dir", text),
    row<&ServiceHook::environment>("environment", list_or_map),
};
constexpr Table hook_table(hook_rows);
constexpr std::string_view hook_required[] = {"command"};
constinit const Shape pre_start_hook{.noun = "a pre_start hook", .types = t_map, .fields = pre_start_table};

// A watch rule's exec is written in JSON even if it is not given.
struct WatchExec {
    static void decode(Decoder& d, Node& n, std::optional<ServiceHook>& out) {
        OptionalObject<ServiceHook>::decode(d, n, out);
    }
    static Node* encode(Encoder& e, const std::optional<ServiceHook>& v) {
        if (!v && !e.json) return nullptr;
        Node* out = encode_struct<ServiceHook>(e, v ? *v : ServiceHook());
        return out->empty() ? nullptr : out; // in YAML, without a command
    }
};
constexpr std::string_view watch_actions[] = {"rebuild", "sync", "restart", "sync+restart", "sync+exec"};
constinit const Shape watch_action{.types = t_str, .words = watch_actions};
constexpr Row<WatchRule> watch_rows[] = {
    row<&WatchRule::path>("path", text, {.path = HostPath::watch, .check = Check::watch_path}),
    row<&WatchRule::action>("action", watch_action),
    row<&WatchRule::target>("target", text),
    row<&WatchRule::exec, WatchExec>("exec", hook),
    row<&WatchRule::include>("include", text_or_list, {.written = ShortForm::text_or_list}),
    row<&WatchRule::ignore>("ignore", text_or_list, {.written = ShortForm::text_or_list}),
    row<&WatchRule::initial_sync>("initial_sync", boolean),
};
constexpr Table watch_table(watch_rows);
constexpr std::string_view watch_required[] = {"path", "action"};
constinit const Shape watch_rule{
    .noun = "a watch rule", .types = t_map, .fields = watch_table, .required = watch_required};
constinit const Shape watch{.types = t_list, .items = &watch_rule};
constexpr Row<Develop> develop_rows[] = {
    row<&Develop::watch, ObjectList<WatchRule>>("watch", watch),
};
constexpr Table develop_table(develop_rows);

} // namespace

constinit const Shape shapes::pre_start{.types = t_list, .items = &pre_start_hook};
constinit const Shape shapes::hook{.noun = "a hook", .types = t_map, .fields = hook_table, .required = hook_required};
constinit const Shape shapes::hooks{.types = t_list, .items = &shapes::hook};
constinit const Shape shapes::develop{.noun = "develop", .types = t_map | t_null, .fields = develop_table};

template <>
Rows<ServiceHook> rows<PreStartHook>() {
    return pre_start_table;
}

template <>
Rows<ServiceHook> rows<ServiceHook>() {
    return hook_table;
}

template <>
Rows<WatchRule> rows<WatchRule>() {
    return watch_table;
}

template <>
Rows<Develop> rows<Develop>() {
    return develop_table;
}

} // namespace davit::compose
