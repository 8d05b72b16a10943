// Values of docker's flags that have a grammar of their own. All throw Error(usage) with docker's text.
#pragma once

#include "davit/service.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace davit::docker {

// --network: a name, or name=…,alias=…,ip=….
struct NetworkUse {
    std::string target;
    ServiceNetwork endpoint;
    bool has_options = false;
};
NetworkUse network_use(const std::string& text);

// --device: a path of this machine with the place and the access in the container.
Device device_of(const std::string& text);
bool is_cdi_device(std::string_view text); // vendor.com/class=name

DeviceRequest gpus_of(const std::string& text); // all, 2, device=0, "driver=x,capabilities=…"

std::pair<std::string, std::string> device_value(const std::string& text); // /dev/x:VALUE
BlkioConfig::Rate rate_of(const std::string& text, bool bytes);
BlkioConfig::Weight weight_of(const std::string& text);

std::int64_t size_of(const std::string& text); // bytes, not negative
std::int64_t swap_of(const std::string& text); // or -1
std::int64_t int_of(const std::string& text);  // as Go reads an int
double cpus_of(const std::string& text);

struct RestartText {
    std::string name;
    std::int64_t retries = 0;
};
RestartText restart_of(const std::string& text);
std::string restart_text(const std::string& text); // checked, without a number that says nothing: "always:0"

// "host:1.2.3.4" as HostConfig.ExtraHosts has it.
std::string extra_host(const std::string& text);
std::map<std::string, std::string> pairs(const std::vector<std::string>& list);
bool is_volume_name(std::string_view name);

// Checks of flags' values, for the table.
namespace check {
void switch_value(const std::string&);
void integer(const std::string&);
void uint16(const std::string&);
void unsigned_number(const std::string&);
void bytes(const std::string&);
void swap(const std::string&);
void cpus(const std::string&);
void duration(const std::string&);
void host(const std::string&);
void stream(const std::string&);
void weight_device(const std::string&);
void rate_bytes(const std::string&);
void rate_operations(const std::string&);
void device_rule(const std::string&);
void address(const std::string&);
void ip(const std::string&);
void search_domain(const std::string&);
void variable(const std::string&);
void label(const std::string&);
void link(const std::string&);
void mount(const std::string&);
void network(const std::string&);
void gpus(const std::string&);
void ulimit(const std::string&);
void sysctl(const std::string&);
void annotation(const std::string&);
} // namespace check

} // namespace davit::docker
