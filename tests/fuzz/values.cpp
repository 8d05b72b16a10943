// The short forms of values: sizes, durations, ports, volumes, devices, commands.
#include "base/units.hpp"
#include "base/words.hpp"
#include "compose/short_forms.hpp"

#include <cstdint>

using namespace davit;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::string_view text(reinterpret_cast<const char*>(data), size);
    if (auto bytes = parse_bytes(text); bytes && *bytes < -1) __builtin_trap();
    if (auto ns = parse_duration(text); ns && parse_duration(format_duration(*ns)) != ns) __builtin_trap(); // what is printed reads the same
    if (auto number = parse_int(text); number && parse_int(std::to_string(*number)) != number) __builtin_trap();
    const compose::ShortPorts ports = compose::parse_ports(text);
    if (ports.error.empty() == ports.ports.empty() || ports.ports.size() > 65536) __builtin_trap();
    const compose::ShortVolume volume = compose::parse_volume(text);
    if (volume.error.empty() && volume.target.empty()) __builtin_trap();
    compose::parse_device(text);
    compose::volume_target(text);
    std::string_view rest;
    if (auto words = split_words(text, &rest); words && rest.size() > size) __builtin_trap();
    return 0;
}
