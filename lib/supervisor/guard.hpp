// A process that outlives the supervisor of a scope by a moment. A supervisor that is killed together with the scope's
// owner before any container runs has no shim that would start a successor; the guard does, and that one takes down
// what is there. It sleeps until the supervisor's end, and shares all of its memory with it.
#pragma once

#include "base/fd.hpp"
#include "project/paths.hpp"

#include <string>
#include <sys/types.h>

namespace davit::supervisor {

class Guard {
public:
    Guard() = default;
    Guard(Guard&&) noexcept = default;
    Guard& operator=(Guard&&) = delete;
    ~Guard() = default; // it goes on: what follows is for it to see

    // Forks the calling process, which must have one thread and stays what is guarded, with all that it forks itself.
    void start(const Roots& roots, const std::string& project);
    // Ends it and waits for its end; without one nothing happens.
    void stop();
    // Readable when it has ended; -1: there is none.
    int fd() const { return process_.get(); }
    explicit operator bool() const { return static_cast<bool>(process_); }

private:
    UniqueFd process_; // pidfd
    UniqueFd alive_;   // the end of the pipe that closes with this process and its forks
};

} // namespace davit::supervisor
