// Containers in docker's words. Pure.
#pragma once

#include "davit/container.hpp"

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

namespace davit::cli {

// "Up 5 seconds (healthy)", "Exited (3) 2 minutes ago", "Created" …
std::string status_text(const ContainerInfo& container, std::int64_t now_ns);
// "0.0.0.0:8080->80/tcp, [::]:8080->80/tcp, 9000/tcp"; neighbours join to ranges.
std::string ports_text(const ContainerInfo& container);
// Entrypoint and command as one line; words with spaces in single quotes.
std::string command_text(const ContainerInfo& container);
// At most `columns` characters, the last one "…" when something is cut.
std::string ellipsis(const std::string& text, std::size_t columns);
std::string short_id(const std::string& id); // "sha256:0123…" → its first 12 digits

// The fields of docker compose's `ps --format`, with "Label" as an object of all labels.
nlohmann::json container_row(const ContainerInfo& container, std::int64_t now_ns, bool truncate);
// Field → title of its column.
const nlohmann::json& container_headers();
// The same of docker's own `ps`.
nlohmann::json docker_container_row(const ContainerInfo& container, std::int64_t now_ns, bool truncate);
const nlohmann::json& docker_container_headers();

} // namespace davit::cli
