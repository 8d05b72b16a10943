// net::StaleFlows as text, for the helper.
#pragma once

#include "net/vips.hpp"

#include <string>

namespace davit::supervisor {

std::string encode_flows(const net::StaleFlows& flows); // without ports of the host
net::StaleFlows decode_flows(const std::string& text);

} // namespace davit::supervisor
