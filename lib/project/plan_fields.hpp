// Plans in JSON, and the names of operation kinds. For .cpp files only.
#pragma once

#include "davit/plan.hpp"
#include "project/json_fields.hpp"

namespace davit {

DAVIT_JSON_ENUM(OpKind, {OpKind::pull_image, "pull_image"}, {OpKind::build_image, "build_image"},
                {OpKind::push_image, "push_image"}, {OpKind::stage_container, "stage_container"},
                {OpKind::create_network, "create_network"}, {OpKind::remove_network, "remove_network"},
                {OpKind::create_volume, "create_volume"}, {OpKind::remove_volume, "remove_volume"},
                {OpKind::create_container, "create_container"}, {OpKind::start_container, "start_container"},
                {OpKind::stop_container, "stop_container"}, {OpKind::restart_container, "restart_container"},
                {OpKind::kill_container, "kill_container"}, {OpKind::pause_container, "pause_container"},
                {OpKind::unpause_container, "unpause_container"}, {OpKind::remove_container, "remove_container"},
                {OpKind::rename_container, "rename_container"}, {OpKind::update_container, "update_container"},
                {OpKind::connect_network, "connect_network"}, {OpKind::disconnect_network, "disconnect_network"},
                {OpKind::hand_over_container, "hand_over_container"}, {OpKind::wait_container, "wait_container"})

void to_json(json::Value& out, const Plan& plan);
void from_json(const json::Value& in, Plan& plan);

} // namespace davit
