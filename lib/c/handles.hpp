// What the handles of davit/davit.h are, and the border that no exception crosses.
#pragma once

#include "davit/davit.h"
#include "davit/engine.hpp"
#include "davit/error.hpp"
#include "davit/scope.hpp"

#include <exception>
#include <stop_token>
#include <string>
#include <utility>

struct davit_error {
    int kind;
    std::string message, description, json;
};
struct davit_stop {
    std::stop_source source;
};
struct davit_engine {
    davit::Engine engine;
};
struct davit_scope {
    davit::Scope scope;
};

namespace davit::c {

// Of the exception that is handled at this moment; its kind. error may be null.
int caught(davit_error** error) noexcept;

template <typename F>
int guarded(davit_error** error, F&& call) noexcept {
    try {
        std::forward<F>(call)();
        return DAVIT_OK;
    } catch (...) {
        return caught(error);
    }
}

// A pointer that the call makes, or nullptr.
template <typename F>
auto made(davit_error** error, F&& call) noexcept -> decltype(call()) {
    try {
        return std::forward<F>(call)();
    } catch (...) {
        caught(error);
        return nullptr;
    }
}

char* text_for_caller(const std::string& text); // for davit_free()
inline std::stop_token token(const davit_stop* stop) { return stop ? stop->source.get_token() : std::stop_token(); }
std::string required(const char* text, const char* what); // Errors: usage (null)
Engine& engine_of(davit_engine* engine);                  // Errors: usage (null)
// The service's first container. Errors: usage (null), not_found.
ContainerInfo first_of(davit_engine* engine, const char* project, const char* service);

// Stops when the caller wants no more, or its own stop is requested.
class Leaving {
public:
    explicit Leaving(const davit_stop* stop) : on_stop_(c::token(stop), Forward{source_}) {}
    std::stop_token token() const { return source_.get_token(); }
    void leave() {
        left_ = true;
        source_.request_stop();
    }
    bool left() const { return left_; }

private:
    struct Forward {
        std::stop_source source;
        void operator()() { source.request_stop(); }
    };
    std::stop_source source_;
    bool left_ = false;
    std::stop_callback<Forward> on_stop_;
};

} // namespace davit::c
