#include "cli/format/size.hpp"

#include <fmt/format.h>

namespace davit::cli {

namespace {

std::string scaled(double size, double step, const char* const* units, int digits) {
    int unit = 0;
    while (size >= step && unit < 8) {
        size /= step;
        ++unit;
    }
    return fmt::format("{:.{}g}{}", size, digits, units[unit]);
}

} // namespace

std::string human_size(double bytes, int digits) {
    static const char* const units[] = {"B", "kB", "MB", "GB", "TB", "PB", "EB", "ZB", "YB"};
    return scaled(bytes, 1000, units, digits);
}

std::string human_size_binary(double bytes, int digits) {
    static const char* const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB", "ZiB", "YiB"};
    return scaled(bytes, 1024, units, digits);
}

} // namespace davit::cli
