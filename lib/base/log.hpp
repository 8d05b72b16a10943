// Diagnostics of what stays (supervisor, helpers). Library code never writes to stderr itself.
#pragma once

#include <fmt/format.h>
#include <functional>
#include <string_view>

// Found as log:: in all of davit: the namespace stands one further in, for davit::log() is a public function
// (wait.hpp).
namespace davit::diagnostics::log {

enum class Level { debug, info, warning, error };
using Sink = std::function<void(Level, std::string_view)>;
// Not thread-safe: set once at start. The default drops everything below warning and writes the rest to stderr.
void set_sink(Sink sink);
void write(Level level, std::string_view text);

template <typename... Args>
void debug(fmt::format_string<Args...> f, Args&&... a) {
    write(Level::debug, fmt::format(f, std::forward<Args>(a)...));
}
template <typename... Args>
void info(fmt::format_string<Args...> f, Args&&... a) {
    write(Level::info, fmt::format(f, std::forward<Args>(a)...));
}
template <typename... Args>
void warning(fmt::format_string<Args...> f, Args&&... a) {
    write(Level::warning, fmt::format(f, std::forward<Args>(a)...));
}

} // namespace davit::diagnostics::log

namespace davit {
using namespace diagnostics;
} // namespace davit
