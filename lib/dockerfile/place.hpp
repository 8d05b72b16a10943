// Errors that say where in the Dockerfile they are.
#pragma once

#include "base/error.hpp"
#include "dockerfile/steps.hpp"

#include <utility>

namespace davit::dockerfile {

inline SourcePos position_of(const Place& place) { return {place.file, place.first_line, place.column}; }

// A Dockerfile that is wrong: Errc::invalid_project.
template <typename... Args>
Error mistake(const Place& place, fmt::format_string<Args...> text, Args&&... args) {
    return error(Errc::invalid_project, text, std::forward<Args>(args)...).with_at(position_of(place));
}

// Runs fn; an Error that leaves it without a place gets this one.
template <typename F>
decltype(auto) at_place(const Place& place, F&& fn) {
    try {
        return std::forward<F>(fn)();
    } catch (Error& e) {
        if (e.at().line == 0) e.with_at(position_of(place));
        throw;
    }
}

} // namespace davit::dockerfile
