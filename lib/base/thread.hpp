// Threads of the library's own.
#pragma once

#include "base/error.hpp"

#include <cerrno>
#include <future>
#include <new>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

namespace davit {

// Errors: failed (no thread or memory is left): std::system_error is no exception that callers of the library know.
template <typename Thread, typename... Args>
Thread started(Args&&... args) {
    try {
        return Thread(std::forward<Args>(args)...);
    } catch (const std::system_error& e) {
        throw sys_error(e.code().value(), "starting a thread");
    } catch (const std::bad_alloc&) {
        throw sys_error(ENOMEM, "starting a thread");
    }
}

// std::async in a thread of its own. Errors: as above.
template <typename... Args>
auto async_started(Args&&... args) {
    try {
        return std::async(std::launch::async, std::forward<Args>(args)...);
    } catch (const std::system_error& e) {
        throw sys_error(e.code().value(), "starting a thread");
    } catch (const std::bad_alloc&) {
        throw sys_error(ENOMEM, "starting a thread");
    }
}

// False: it could not be made, and the caller does the work itself.
template <typename F>
bool try_start(std::vector<std::jthread>& pool, F&& work) {
    try {
        pool.emplace_back(std::forward<F>(work));
        return true;
    } catch (const std::system_error&) {
    } catch (const std::bad_alloc&) {}
    return false;
}

// Beside the caller, who is one of the workers: as many as can be had.
template <typename F>
void add_workers(std::vector<std::jthread>& pool, std::size_t with_caller, const F& work) {
    for (std::size_t i = 1; i < with_caller && try_start(pool, work); ++i) {}
}

} // namespace davit
