// JSON of what crosses the control socket. For .cpp files only: it pulls in nlohmann/json.
#pragma once

#include "davit/event.hpp"
#include "project/json_fields.hpp"

#include <optional>

namespace davit::supervisor {

json::Value error_to_json(const Error& error);
Error error_from_json(const json::Value& value);
// null, or absent: none.
std::optional<Error> optional_error(const json::Value& message, const char* key);
json::Value event_to_json(const Event& event);
Event event_from_json(const json::Value& value);

} // namespace davit::supervisor
