// The short forms of values: sizes, durations, numbers, ports, volumes, devices, addresses, commands, patterns.
#include "base/glob.hpp"
#include "base/units.hpp"
#include "base/words.hpp"
#include "compose/short_forms.hpp"

#include <array>
#include <cmath>
#include <cstdint>
#include <cstdlib>

using namespace davit;

namespace {

void numbers(std::string_view text) {
    if (auto bytes = parse_bytes(text); bytes && *bytes < -1) __builtin_trap();
    if (auto ns = parse_duration(text); ns && parse_duration(format_duration(*ns)) != ns)
        __builtin_trap(); // what is printed reads the same
    if (auto number = parse_int(text); number && parse_int(std::to_string(*number)) != number) __builtin_trap();
    const double value = std::strtod(std::string(text).c_str(), nullptr);
    if (std::isfinite(value) && std::strtod(format_float(value).c_str(), nullptr) != value) __builtin_trap();
    parse_bool_word(text);
}

void mounts(std::string_view text) {
    const compose::ShortVolume volume = compose::parse_volume(text);
    if (volume.error.empty() && volume.target.empty()) __builtin_trap();
    const compose::ShortDevice device = compose::parse_device(text);
    if (device.error.empty() && device.target.empty() && !device.source.empty()) __builtin_trap();
    compose::volume_target(text);
    compose::device_target(text);
}

void words(std::string_view text) {
    std::string_view rest;
    if (auto list = split_words(text, &rest); list && rest.size() > text.size()) __builtin_trap();
    const std::string_view pattern = text.substr(0, text.find('\n'));
    const std::string_view name = text.substr(std::min(text.size(), pattern.size() + 1));
    glob_match(pattern, name);
    if (edit_distance(pattern, name) > std::max(pattern.size(), name.size())) __builtin_trap();
    nearest(pattern, std::array<std::string_view, 3>{"image", "environment", name});
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    numbers(text);
    mounts(text);
    words(text);
    const compose::ShortPorts ports = compose::parse_ports(text);
    if (ports.error.empty() == ports.ports.empty() || ports.ports.size() > 65536) __builtin_trap();
    compose::is_ip_address(text);
    return 0;
}
