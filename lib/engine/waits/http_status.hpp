// One HTTP request, for its status.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace davit {

// The status of GET path; 0: nobody answers with HTTP within the limit, and why says what happened. host: an address.
int http_status(const std::string& host, std::uint16_t port, const std::string& path, std::chrono::milliseconds limit,
                std::string& why);

} // namespace davit
