// Ports of EXPOSE.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace davit::dockerfile {

// Of [[ADDRESS:]HOST:]PORT[-PORT][/PROTOCOL], before its numbers are read. Both throw Errc::invalid_project without a
// place.
struct PortForm {
    std::string port, protocol; // that one in lower case: "80-82", "tcp"
    bool odd_protocol = false;  // not lower case
    bool odd_form = false;      // with an address or a port of the host
};
PortForm port_form(std::string_view text);
// "80/tcp": one for each of a range.
std::vector<std::string> exposed_ports(std::string_view text);

// As STOPSIGNAL takes it: a number but 0, or a name with or without SIG, in any case.
bool is_signal(std::string_view text);

} // namespace davit::dockerfile
