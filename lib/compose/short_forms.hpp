// The short forms of ports, volumes and devices. Each parser says what is wrong in plain words.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace davit::compose {

struct ShortPort {
    std::uint32_t target = 0;
    std::string published;
    std::string host_ip;
    std::string protocol;
};

// Either the ports or, in error, why not.
struct ShortPorts {
    std::vector<ShortPort> ports;
    std::string error;
};
// [[IP:][HOST]:]CONTAINER[/PROTOCOL]; ranges give one entry per container port, in textual order.
ShortPorts parse_ports(std::string_view text);

struct ShortVolume {
    bool bind = false;
    bool drive = false; // starts with a letter and a colon, as paths of Windows do
    bool bare = false;  // one or two characters: a target and nothing more
    std::string source;
    std::string target;
    bool read_only = false;
    bool nocopy = false;
    std::string propagation;
    std::string selinux;
    std::vector<std::string> unknown_options;
    std::string error;
};
ShortVolume parse_volume(std::string_view text);

struct ShortDevice {
    std::string source;
    std::string target;
    std::string permissions = "rwm";
    std::string error;
};
ShortDevice parse_device(std::string_view text);

// The mount target of a short volume or device.
std::string volume_target(std::string_view text);
std::string device_target(std::string_view text);

bool is_ip_address(std::string_view text);
std::vector<std::string_view> split(std::string_view text, char separator);

} // namespace davit::compose
