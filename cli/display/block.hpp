// The lines a terminal shows of the work in progress. Pure: the time and the size come from outside.
#pragma once

#include "cli/display/step.hpp"
#include "cli/terminal.hpp"

#include <chrono>
#include <string>
#include <vector>

namespace davit::cli {

class Block {
public:
    using Clock = std::chrono::steady_clock;
    static constexpr auto redraw_every = std::chrono::milliseconds(100);

    void update(const Step& step, Clock::time_point now);
    void clear() { rows_.clear(); }
    bool empty() const { return rows_.empty(); }
    bool working() const;
    // "[+] 2/3" and a line for each step, none wider than the terminal and together less high; those at
    // work come first when there are too many. Without newlines.
    std::vector<std::string> lines(TerminalSize size, Clock::time_point now, bool colour) const;

private:
    struct Row {
        Step step;
        Clock::time_point begun, ended;
        bool over() const { return step.state != Step::State::working; }
    };
    static std::string line(const Row& row, std::size_t widest, std::size_t width, Clock::time_point now, bool colour);

    std::vector<Row> rows_;
};

} // namespace davit::cli
