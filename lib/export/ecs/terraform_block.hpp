// ECS's objects and texts in Terraform's words.
#pragma once

#include "export/ecs/plan.hpp"

#include <string>
#include <string_view>

namespace davit::exports::ecs {

// The name of a resource.
std::string tf_id(std::string_view text);
// "${" and "%{" of the file's own are none of Terraform's; words become references.
std::string tf_text(const std::string& text);
// As a text that holds JSON: container definitions, policies.
std::string tf_json(const Document& document);
// networkMode: network_mode.
std::string tf_key(const std::string& key);
// A block of the API's object: maps of people's own words stay as they are.
Document tf_block(const Document& document);

// terraform_service.cpp: what x-aws-service says (CreateService's parameters) over what stands in an aws_ecs_service.
// Keys that the resource has not are dropped in the report.
void put_given_service(const Document& given, Report& report, Document& service);

} // namespace davit::exports::ecs
