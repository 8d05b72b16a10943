// The streams of davit/davit.h: those of davit/streams.hpp, with JSON for items.
#include "base/error.hpp"
#include "c/handles.hpp"
#include "c/options.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <utility>

// One kind of items behind functions: C knows only the one handle.
struct davit_stream {
    int fd;
    std::function<std::optional<std::string>()> next;
    std::function<bool()> done;
};

namespace {

using namespace davit;

template <typename T, typename Print>
davit_stream* stream_of(Stream<T> stream, Print print) {
    auto kept = std::make_shared<Stream<T>>(std::move(stream));
    const int fd = kept->fd();
    return new davit_stream{fd,
                            [kept, print]() -> std::optional<std::string> {
                                while (auto item = kept->next())
                                    if (std::string text = print(*item); !text.empty()) return text;
                                return std::nullopt;
                            },
                            [kept] { return kept->done(); }};
}

} // namespace

extern "C" {

davit_stream* davit_log_stream(davit_engine* engine, const char* name, const char* options, davit_error** error) {
    return c::made(error, [&] {
        return stream_of(
            log_stream(c::engine_of(engine), c::required(name, "the project's name"), c::log_stream_options(options)),
            [](const LogEntry& e) { return c::to_json(e.container, e.line); });
    });
}

davit_stream* davit_event_stream(davit_engine* engine, const char* name, const char* options, davit_error** error) {
    return c::made(error, [&] {
        const auto range = c::event_options(options);
        const auto of = name ? std::optional<std::string>(name) : std::nullopt;
        return stream_of(event_stream(c::engine_of(engine), {range.since, range.until}), [of](const MachineEvent& e) {
            return !of || e.project == *of ? c::to_json(e) : std::string();
        });
    });
}

davit_stream* davit_stats_stream(davit_engine* engine, const char* name, const char* options, davit_error** error) {
    return c::made(error, [&] {
        StatsStreamOptions how = c::stats_stream_options(options);
        if (name) how.project = name;
        return stream_of(stats_stream(c::engine_of(engine), how), [](const StatsSample& s) { return c::to_json(s); });
    });
}

int davit_stream_fd(const davit_stream* stream) { return stream ? stream->fd : -1; }

char* davit_stream_next(davit_stream* stream, davit_error** error) {
    return c::made(error, [&]() -> char* {
        if (!stream) throw davit::error(Errc::usage, "the stream is NULL");
        const auto item = stream->next();
        return item ? c::text_for_caller(*item) : nullptr;
    });
}

int davit_stream_done(const davit_stream* stream) { return !stream || stream->done() ? 1 : 0; }

void davit_stream_free(davit_stream* stream) { delete stream; }

} // extern "C"
