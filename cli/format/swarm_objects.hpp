// Swarm's objects as docker's formatters show them. Pure.
#pragma once

#include "davit/swarm_look.hpp"

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

namespace davit::cli {

nlohmann::json service_row(const swarm::Service& service, const swarm::Counts& counts);
const nlohmann::json& service_headers();
std::string mode_text(const swarm::ServiceMode& mode);    // "replicated", "global job" …
std::string mode_keyword(const swarm::ServiceMode& mode); // "replicated", "global-job" …, as filters and flags have it
// "*:8080->80/tcp, *:9000-9002->90-92/tcp": what every task answers for; neighbours join to ranges.
std::string endpoint_ports_text(std::vector<swarm::PortConfig> ports);
// Without the digest of what has a tag, and without Docker Hub's prefixes.
std::string familiar_image(const std::string& image);

struct TaskRow {
    swarm::Task task;
    std::string name, node; // as they are shown
    std::vector<PublishedPort> ports;
};
// With the tree's " \_ " before the name of a task of the same slot as the one above.
nlohmann::json task_row(const TaskRow& row, bool below, bool truncate, std::int64_t now_ns);
const nlohmann::json& task_headers();

nlohmann::json file_row(swarm::FileKind kind, const swarm::Config& file, std::int64_t now_ns);
const nlohmann::json& file_headers();
nlohmann::json node_row(const swarm::Node& node);
const nlohmann::json& node_headers();

// inspect --pretty
std::string pretty(const swarm::Service& service);
std::string pretty(swarm::FileKind kind, const swarm::Config& file);
// Of the document of inspect.
std::string pretty_node(const nlohmann::ordered_json& document);

} // namespace davit::cli
