// A build on a terminal: what is at work, redrawn in place; what is done, one line each.
#include "cli/display/build_display.hpp"

#include "base/printable.hpp"
#include "cli/terminal.hpp"

#include <algorithm>
#include <condition_variable>
#include <cstdio>
#include <fmt/format.h>
#include <map>
#include <mutex>
#include <thread>
#include <unistd.h>
#include <vector>

namespace davit::cli {

namespace {

using Kind = BuildEvent::Kind;
using Clock = std::chrono::steady_clock;

constexpr auto redraw_every = std::chrono::milliseconds(100);
constexpr std::size_t tail_lines = 6; // of what a step writes

class TtyBuild : public BuildDisplay {
public:
    TtyBuild() : ticker_([this](const std::stop_token& stop) { tick(stop); }) {}
    ~TtyBuild() override { finish(); }

    void on(const BuildEvent& e) override {
        const std::lock_guard hold(mutex_);
        if (e.kind == Kind::warning) {
            erase();
            std::fprintf(stderr, "WARNING: %s\n", printable(e.text).c_str());
        } else {
            note(e);
        }
        dirty_ = true;
    }

    void close() override { finish(); }

private:
    struct Step {
        std::string name, status;
        Clock::time_point began = Clock::now(), ended;
        bool over = false, failed = false, cached = false;
        std::vector<std::string> tail;
        std::string open;
    };

    void note(const BuildEvent& e) {
        Step& step = steps_[e.vertex];
        switch (e.kind) {
        case Kind::started: step.name = e.name; break;
        case Kind::cached:
            step.name = e.name;
            step.cached = step.over = true;
            step.ended = step.began;
            break;
        case Kind::progress:
            if (!e.text.empty()) step.status = e.text;
            else if (e.total)
                step.status = fmt::format("{:.1f} / {:.1f} MB", static_cast<double>(e.current) / 1e6,
                                          static_cast<double>(e.total) / 1e6);
            break;
        case Kind::log:
            for (char c : e.text) {
                if (c != '\n') {
                    step.open += c;
                    continue;
                }
                step.tail.push_back(step.open);
                step.open.clear();
                if (step.tail.size() > tail_lines) step.tail.erase(step.tail.begin());
            }
            break;
        default:
            step.over = true;
            step.failed = e.kind != Kind::done;
            step.ended = Clock::now();
        }
    }

    void tick(const std::stop_token& stop) {
        std::unique_lock hold(mutex_);
        while (!stop.stop_requested()) {
            if (dirty_ || working()) draw();
            wake_.wait_for(hold, redraw_every);
        }
    }

    bool working() const {
        return std::any_of(steps_.begin(), steps_.end(), [](const auto& s) { return !s.second.over; });
    }

    void finish() {
        if (!ticker_.joinable()) return;
        ticker_.request_stop();
        wake_.notify_all();
        ticker_.join();
        const std::lock_guard hold(mutex_);
        draw();
    }

    // With mutex_ held. The size is asked for each time: a terminal may be resized.
    void erase() {
        if (drawn_) std::fprintf(stderr, "\x1b[%zuA\x1b[J", drawn_);
        drawn_ = 0;
    }

    static std::string fitting(const std::string& text, std::size_t width) {
        if (text.size() <= width) return text;
        return text.substr(0, width > 1 ? width - 1 : 0) + "…";
    }

    static std::string line(const Step& step, std::size_t width) {
        const double seconds =
            std::chrono::duration<double>((step.over ? step.ended : Clock::now()) - step.began).count();
        const std::string end = step.cached ? "CACHED" : fmt::format("{:.1f}s", seconds);
        const std::string begin = std::string(step.failed ? " X " : step.over ? " => " : " => ");
        const std::size_t room = width > end.size() + begin.size() + 2 ? width - end.size() - begin.size() - 2 : 10;
        const std::string name =
            fitting(printable(step.name + (step.over || step.status.empty() ? "" : "  " + step.status)), room);
        return begin + name + std::string(room > name.size() ? room - name.size() + 1 : 1, ' ') + end;
    }

    void draw() {
        dirty_ = false;
        const TerminalSize size = terminal_size(STDERR_FILENO);
        const std::size_t width = size.columns ? size.columns : 80, height = size.rows ? size.rows : 24;
        const auto done = std::count_if(steps_.begin(), steps_.end(), [](const auto& s) { return s.second.over; });
        std::vector<std::string> lines{fmt::format("[+] Building ({}/{})", done, steps_.size())};
        for (const auto& [number, step] : steps_) {
            lines.push_back(line(step, width));
            if (step.over) continue;
            for (const auto& text : step.tail) lines.push_back(fitting(" => => # " + printable(text), width - 1));
        }
        // What is done goes first when there is too much.
        while (lines.size() + 1 > height && lines.size() > 2) lines.erase(lines.begin() + 1);
        erase();
        for (const auto& text : lines) std::fprintf(stderr, "%s\n", text.c_str());
        std::fflush(stderr);
        drawn_ = lines.size();
    }

    std::mutex mutex_;
    std::condition_variable wake_;
    std::map<int, Step> steps_;
    std::size_t drawn_ = 0;
    bool dirty_ = false;
    std::jthread ticker_; // last: it uses the others
};

} // namespace

std::unique_ptr<BuildDisplay> make_tty_build() { return std::make_unique<TtyBuild>(); }

} // namespace davit::cli
