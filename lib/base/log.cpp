#include "base/log.hpp"

#include "base/printable.hpp"

#include <cstdio>

namespace davit::diagnostics::log {

namespace {
Sink& sink() {
    static Sink instance = [](Level level, std::string_view text) {
        if (level >= Level::warning) std::fprintf(stderr, "davit: %s\n", printable(text, "\n\t").c_str());
    };
    return instance;
}
} // namespace

void set_sink(Sink s) { sink() = std::move(s); }
void write(Level level, std::string_view text) {
    if (sink()) sink()(level, text);
}

} // namespace davit::diagnostics::log
