// What the programs that measure share: tests/bench builds each of them by itself.
#pragma once

#include <algorithm>
#include <chrono>
#include <vector>

using Clock = std::chrono::steady_clock;

inline double since(Clock::time_point begin) {
    return std::chrono::duration<double, std::milli>(Clock::now() - begin).count();
}

inline double median(std::vector<double> all) {
    std::sort(all.begin(), all.end());
    return all.at(all.size() / 2);
}
