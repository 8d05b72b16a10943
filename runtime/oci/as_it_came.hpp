// What a document says in its own way, kept beside the Spec that was read from it.
#pragma once

#include "runtime/oci/types.hpp"

#include <nlohmann/json_fwd.hpp>
#include <vector>

namespace davit::runtime::oci {

// came: the document; written: what its Spec gives.
std::vector<AsItCame> differences(const nlohmann::json& came, const nlohmann::json& written);
void put_back(nlohmann::json& written, const std::vector<AsItCame>& kept);

} // namespace davit::runtime::oci
