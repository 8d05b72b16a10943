// Bytes from one descriptor to another in a thread of its own, so that a slow reader of one stream
// holds up no other.
#pragma once

#include "base/fd.hpp"

#include <functional>
#include <string>
#include <string_view>
#include <thread>

namespace davit {

class Pump {
public:
    struct Ends {
        int from = -1;              // read; not closed
        UniqueFd owned_from;        // read instead of `from`; closed at the end
        int to = -1;                // written; not closed
        UniqueFd owned_to;          // written instead of `to`; closed at the end of the input
        bool wait_for_room = false; // `to` may be full for long: watch for the end meanwhile (it is made non-blocking)
        std::function<bool(std::string&)> typed; // as Session::typed
        std::function<void()> left;              // it has returned false
    };
    explicit Pump(Ends ends);
    ~Pump(); // abandons what is not yet passed on
    Pump(const Pump&) = delete;

    // Passes on what can be read now and ends.
    void finish();

private:
    void run();
    bool pass(std::string_view bytes);
    Ends ends_;
    UniqueFd end_;
    std::thread thread_;
};

} // namespace davit
