#include "supervisor/client/wire.hpp"

#include "project/plan_fields.hpp"

namespace davit {

DAVIT_JSON_ENUM(
    EventKind, {EventKind::operation_started, "operation_started"},
    {EventKind::operation_progress, "operation_progress"}, {EventKind::operation_done, "operation_done"},
    {EventKind::operation_failed, "operation_failed"}, {EventKind::operation_skipped, "operation_skipped"},
    {EventKind::container_created, "container_created"}, {EventKind::container_started, "container_started"},
    {EventKind::container_exited, "container_exited"}, {EventKind::container_restarting, "container_restarting"},
    {EventKind::container_removed, "container_removed"}, {EventKind::container_paused, "container_paused"},
    {EventKind::container_unpaused, "container_unpaused"}, {EventKind::container_health, "container_health"},
    {EventKind::container_attachable, "container_attachable"}, {EventKind::container_oom, "container_oom"},
    {EventKind::container_renamed, "container_renamed"}, {EventKind::container_updated, "container_updated"},
    {EventKind::container_restarted, "container_restarted"}, {EventKind::network_connected, "network_connected"},
    {EventKind::network_disconnected, "network_disconnected"}, {EventKind::network_created, "network_created"},
    {EventKind::network_removed, "network_removed"}, {EventKind::volume_created, "volume_created"},
    {EventKind::volume_removed, "volume_removed"}, {EventKind::container_signalled, "container_signalled"},
    {EventKind::container_stopped, "container_stopped"}, {EventKind::service_changed, "service_changed"},
    {EventKind::service_removed, "service_removed"}, {EventKind::task_changed, "task_changed"},
    {EventKind::task_removed, "task_removed"}, {EventKind::warning, "warning"},
    {EventKind::container_hook, "container_hook"})
DAVIT_JSON_ENUM(Errc, {Errc::usage, "usage"}, {Errc::invalid_project, "invalid_project"},
                {Errc::not_found, "not_found"}, {Errc::conflict, "conflict"}, {Errc::unsupported, "unsupported"},
                {Errc::denied, "denied"}, {Errc::unavailable, "unavailable"}, {Errc::interrupted, "interrupted"},
                {Errc::failed, "failed"})

NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(Event, kind, time_ns, operation, op, resource, project, service,
                                                container_id, container_name, text, exit_code, current, total,
                                                attributes)

namespace supervisor {

json::Value error_to_json(const Error& e) {
    json::Value v{{"kind", e.kind()}, {"message", e.what()}};
    if (e.os()) v["errno"] = e.os().value();
    if (!e.at().file.empty()) v["at"] = {{"file", e.at().file}, {"line", e.at().line}, {"column", e.at().column}};
    if (!e.context().empty()) v["context"] = e.context();
    if (!e.hint().empty()) v["hint"] = e.hint();
    if (e.exit_code() != 0) v["exit_code"] = e.exit_code();
    return v;
}

Error error_from_json(const json::Value& v) {
    Error e(v.value("kind", Errc::failed), v.value("message", std::string("unknown failure")));
    if (v.contains("errno")) e.with_os({v["errno"].get<int>(), std::generic_category()});
    if (v.contains("at")) e.with_at({v["at"].value("file", ""), v["at"].value("line", 0), v["at"].value("column", 0)});
    if (v.contains("context"))
        for (const auto& c : v["context"]) e.with_context(c.get<std::string>());
    if (v.contains("hint")) e.with_hint(v["hint"].get<std::string>());
    e.with_exit_code(v.value("exit_code", 0));
    return e;
}

std::optional<Error> optional_error(const json::Value& message, const char* key) {
    auto it = message.find(key);
    if (it == message.end() || it->is_null()) return std::nullopt;
    return error_from_json(*it);
}

json::Value event_to_json(const Event& event) { return event; }
Event event_from_json(const json::Value& value) { return value.get<Event>(); }

} // namespace supervisor
} // namespace davit
