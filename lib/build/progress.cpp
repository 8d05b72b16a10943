#include "build/progress.hpp"

#include "base/sys.hpp"
#include "base/text_code.hpp"

namespace davit::build {

using Kind = BuildEvent::Kind;

void Progress::tell(BuildEvent event) {
    event.time_ns = sys::realtime_ns();
    const std::lock_guard hold(mutex_);
    if (sink_) sink_(event);
}

int Progress::started(const std::string& name) {
    BuildEvent event;
    event.kind = Kind::started;
    event.name = hide_userinfo(name);
    event.time_ns = sys::realtime_ns();
    const std::lock_guard hold(mutex_); // numbered as they are told
    event.vertex = ++last_;
    if (sink_) sink_(event);
    return event.vertex;
}

void Progress::cached(const std::string& name) {
    BuildEvent event;
    event.kind = Kind::cached;
    event.name = hide_userinfo(name);
    event.time_ns = sys::realtime_ns();
    const std::lock_guard hold(mutex_);
    event.vertex = ++last_;
    if (sink_) sink_(event);
}

void Progress::log(int vertex, int stream, std::string_view text) {
    BuildEvent event;
    event.kind = Kind::log;
    event.vertex = vertex;
    event.stream = stream;
    event.text = text;
    tell(std::move(event));
}

void Progress::text(int vertex, const std::string& text) {
    BuildEvent event;
    event.kind = Kind::progress;
    event.vertex = vertex;
    event.text = hide_userinfo(text);
    tell(std::move(event));
}

void Progress::amount(int vertex, std::uint64_t current, std::uint64_t total) {
    BuildEvent event;
    event.kind = Kind::progress;
    event.vertex = vertex;
    event.current = current;
    event.total = total;
    tell(std::move(event));
}

void Progress::done(int vertex) {
    BuildEvent event;
    event.kind = Kind::done;
    event.vertex = vertex;
    tell(std::move(event));
}

void Progress::failed(int vertex, const std::string& why, bool cancelled) {
    BuildEvent event;
    event.kind = cancelled ? Kind::cancelled : Kind::failed;
    event.vertex = vertex;
    event.text = hide_userinfo(why);
    tell(std::move(event));
}

void Progress::warning(const std::string& text) {
    BuildEvent event;
    event.kind = Kind::warning;
    event.text = hide_userinfo(text);
    tell(std::move(event));
}

} // namespace davit::build
