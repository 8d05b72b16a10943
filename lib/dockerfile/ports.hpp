// Ports of EXPOSE.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace davit::dockerfile {

struct ExposedPorts {
    std::vector<std::string> ports; // "80/tcp": one for each of a range
    bool odd_protocol = false;      // not lower case
    bool odd_form = false;          // with an address or a port of the host
};

// [[ADDRESS:]HOST:]PORT[-PORT][/PROTOCOL]. Throws Errc::invalid_project without a place.
ExposedPorts exposed_ports(std::string_view text);

// As STOPSIGNAL takes it: a number but 0, or a name with or without SIG, in any case.
bool is_signal(std::string_view text);

} // namespace davit::dockerfile
