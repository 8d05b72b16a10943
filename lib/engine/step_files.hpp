// The compiled steps beside a container's bundle: of its start, its healthcheck and its hooks.
#pragma once

#include "project/record.hpp"
#include "runtime/steps.hpp"

#include <string>
#include <vector>

namespace davit {

// Into directory, over those that are there. Throws as runtime::compile() does.
void compile_step_files(const std::string& directory, const ContainerRecord& record, const runtime::Spec& spec,
                        const runtime::HostFacts& host, const runtime::CompileOptions& options,
                        std::vector<std::string>* warnings);

} // namespace davit
