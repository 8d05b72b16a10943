// What one container costs in the shim. Not run with the tests; see tests/bench/README.md.
#include "unit/runtime/box.hpp"

#include "base/file.hpp"

#include <algorithm>
#include <doctest/doctest.h>
#include <filesystem>
#include <fmt/format.h>
#include <memory>
#include <sstream>
#include <thread>

using namespace davit;
using namespace davit::runtime;
using namespace davit::runtime::test;

namespace {

using Clock = std::chrono::steady_clock;

double ms_since(Clock::time_point start) {
    return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

struct Series {
    const char* what;
    std::vector<double> values{};
    ~Series() {
        std::sort(values.begin(), values.end());
        auto at = [&](std::size_t part) { return values[(values.size() - 1) * part / 100]; };
        fmt::print("{:<46} median {:7.2f}  min {:7.2f}  p90 {:7.2f}\n", what, at(50), at(0), at(90));
    }
};

// kB of one line of smaps_rollup
long memory_of(pid_t pid, const std::string& key) {
    std::istringstream lines(read_file(fmt::format("/proc/{}/smaps_rollup", pid)));
    for (std::string line; std::getline(lines, line);)
        if (line.starts_with(key + ":")) return std::stol(line.substr(key.size() + 1));
    return 0;
}

void start_and_end(int rounds, std::chrono::milliseconds gap, const char* names[2]) {
    Series running{names[0]}, whole{names[1]};
    for (int i = 0; i < rounds; ++i) {
        Box box({"true"});
        auto start = Clock::now();
        box.launch();
        box.wait_started();
        double started = ms_since(start);
        box.wait_exited();
        box.shim.process.wait();
        if (i < rounds / 10) continue; // warms up
        running.values.push_back(started);
        whole.values.push_back(ms_since(start));
        std::this_thread::sleep_for(gap);
    }
}

} // namespace

TEST_CASE("benchmark: start, end and exec of one container, ms" * doctest::skip()) {
    const char* tight[] = {"start_shim to exec of true, back to back", "... to the shim's end, back to back"};
    const char* apart[] = {"start_shim to exec of true, 50 ms apart", "... to the shim's end, 50 ms apart"};
    start_and_end(200, std::chrono::milliseconds(0), tight);
    start_and_end(40, std::chrono::milliseconds(50), apart);
    Series exec{"exec of true, from the request to its end"}, compile_time{"compiling the steps, filter cached"};
    Box box({"sleep", "1000"});
    box.launch();
    box.wait_started();
    for (int i = 0; i < 200; ++i) {
        auto start = Clock::now();
        box.exec({"true"});
        exec.values.push_back(ms_since(start));
    }
    CompileOptions options;
    options.bpf_cache_dir = "/tmp/bpf";
    for (int i = 0; i < 200; ++i) {
        auto start = Clock::now();
        compile(box.spec, host(), options);
        compile_time.values.push_back(ms_since(start));
    }
}

TEST_CASE("benchmark: memory of 50 shims" * doctest::skip()) {
    std::vector<std::unique_ptr<Box>> boxes;
    for (int i = 0; i < 50; ++i) {
        boxes.push_back(std::make_unique<Box>(std::vector<std::string>{"sleep", "1000"}));
        boxes.back()->launch();
    }
    long pss = 0, own = 0, rss = 0;
    for (auto& box : boxes) {
        box->wait_started();
        pid_t pid = box->shim.process.pid();
        pss += memory_of(pid, "Pss"), own += memory_of(pid, "Private_Dirty"), rss += memory_of(pid, "Rss");
    }
    fmt::print("one of 50 idle shims: PSS {:.1f} KiB, private {:.1f} KiB, RSS {:.1f} KiB; the program has {} KiB\n",
               static_cast<double>(pss) / 50, static_cast<double>(own) / 50, static_cast<double>(rss) / 50,
               std::filesystem::file_size("/proc/self/fd/" + std::to_string(shim_exe())) / 1024);
    CHECK(pss / 50 < 120); // DESIGN §4
}
