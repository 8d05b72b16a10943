// Numbers the steps of a build in the order in which they begin, and tells its sink one event at a time. Thread-safe.
// No user or password of a URL is told but in what the steps themselves write (log).
#pragma once

#include "davit/build.hpp"

#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <type_traits>

namespace davit::build {

class Progress {
public:
    explicit Progress(const BuildSink& sink) : sink_(sink) {}

    int started(const std::string& name);
    void cached(const std::string& name);
    void log(int vertex, int stream, std::string_view text);
    void text(int vertex, const std::string& text);
    void amount(int vertex, std::uint64_t current, std::uint64_t total);
    void done(int vertex);
    void failed(int vertex, const std::string& why, bool cancelled);
    void warning(const std::string& text);

    // The step of a scope: done at its end, failed when an exception ends it.
    template <typename F>
    auto during(const std::string& name, F&& fn);

private:
    void tell(BuildEvent event);
    const BuildSink& sink_;
    std::mutex mutex_;
    int last_ = 0;
};

template <typename F>
auto Progress::during(const std::string& name, F&& fn) {
    const int vertex = started(name);
    try {
        if constexpr (std::is_void_v<decltype(fn(vertex))>) {
            fn(vertex);
            done(vertex);
        } else {
            auto result = fn(vertex);
            done(vertex);
            return result;
        }
    } catch (const Error& e) {
        failed(vertex, e.what(), e.kind() == Errc::interrupted);
        throw;
    }
}

} // namespace davit::build
