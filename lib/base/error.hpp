// Makers of davit::Error. errno is taken first so that formatting cannot clobber it.
#pragma once

#include "davit/error.hpp"

#include <fmt/format.h>
#include <stop_token>
#include <utility>

namespace davit {

template <typename... Args>
Error error(Errc kind, fmt::format_string<Args...> text, Args&&... args) {
    return Error(kind, fmt::format(text, std::forward<Args>(args)...));
}

// The kind that an errno means to a caller: ENOENT not_found, EACCES/EPERM denied, EEXIST conflict …
Errc errc_of(int errnum) noexcept;
Error make_sys_error(int errnum, std::string what);

// "opening /x: No such file or directory"
template <typename... Args>
Error sys_error(int errnum, fmt::format_string<Args...> text, Args&&... args) {
    return make_sys_error(errnum, fmt::format(text, std::forward<Args>(args)...));
}

// Throws interrupted once a stop is requested.
inline void heed(const std::stop_token& stop) {
    if (stop.stop_requested()) throw Error(Errc::interrupted, "interrupted");
}

// Runs fn; an Error that leaves it carries the context.
template <typename F>
decltype(auto) in_context(std::string what, F&& fn) {
    try {
        return std::forward<F>(fn)();
    } catch (Error& e) {
        e.with_context(std::move(what));
        throw;
    }
}

// Runs fn; an Error that leaves it is about this resource ("image:nginx") unless it says better.
template <typename F>
decltype(auto) about(const std::string& resource, F&& fn) {
    try {
        return std::forward<F>(fn)();
    } catch (Error& e) {
        if (e.resource().empty()) e.with_resource(resource);
        throw;
    }
}

// The same, with no user or password of a URL in what it says: hide_userinfo().
Error without_userinfo(const Error& e);

// Teardown goes on after a failure; the first error is thrown at the end, the others as its context.
class ErrorList {
public:
    template <typename F>
    void run(F&& fn) {
        try {
            std::forward<F>(fn)();
        } catch (Error& e) {
            add(std::move(e));
        }
    }
    void add(Error e) { errors_.push_back(std::move(e)); }
    bool empty() const { return errors_.empty(); }
    const std::vector<Error>& errors() const { return errors_; }
    void throw_if_any();

private:
    std::vector<Error> errors_;
};

} // namespace davit
