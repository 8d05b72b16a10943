// Queries and answers as another program writes and reads them: nothing of net/dns is asked.
#pragma once

#include "net/dns/message.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace davit::net::dns {

std::string make_query(std::uint16_t id, std::string_view name, std::uint16_t type, bool edns = false,
                       std::uint16_t udp_size = 1232);
// The records of the answer section, whose names are pointers to the question's.
std::vector<Record> parse_records(std::string_view answer);

} // namespace davit::net::dns
