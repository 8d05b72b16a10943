#include "cli/display/display.hpp"
#include "cli/display/step.hpp"
#include "cli/format/size.hpp"
#include "cli/format/table.hpp"
#include "cli/terminal.hpp"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <fmt/format.h>
#include <mutex>
#include <thread>
#include <unistd.h>
#include <vector>

namespace davit::cli {

namespace {

using Clock = std::chrono::steady_clock;
constexpr auto redraw_every = std::chrono::milliseconds(100);
constexpr const char* spinner[] = {"⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"};

struct Row {
    Step step;
    Clock::time_point begun, ended;
    bool over() const { return step.state != Step::State::working; }
};

// The line cut to the terminal's width; `visible` is the text without colours.
std::string cut(const std::string& text, std::size_t width) {
    if (display_width(text) <= width) return text;
    std::string out;
    for (std::size_t i = 0; i < text.size() && display_width(out) + 1 < width;) {
        std::size_t n = 1;
        while (i + n < text.size() && (static_cast<unsigned char>(text[i + n]) & 0xc0) == 0x80) ++n;
        out += text.substr(i, n);
        i += n;
    }
    return out + "…";
}

// A header and one line a resource, redrawn in place ten times a second while something works.
class TtyDisplay : public Display {
public:
    TtyDisplay() : ticker_([this](const std::stop_token& stop) { tick(stop); }) {}

    ~TtyDisplay() override {
        ticker_.request_stop();
        wake_.notify_all();
        ticker_.join();
        draw();
    }

    void on(const Event& event) override {
        const auto step = step_of(event);
        if (!step) return;
        std::lock_guard lock(mutex_);
        if (event.kind == EventKind::warning) {
            erase();
            std::fprintf(stderr, "\x1b[33mwarning:\x1b[0m %s\n", step->text.c_str());
            drawn_ = 0;
        } else {
            update(*step);
        }
        dirty_ = true;
    }

    void pause() override {
        std::lock_guard lock(mutex_);
        draw_locked();
        rows_.clear(); // what comes later starts a block of its own below
        drawn_ = 0;
        dirty_ = false;
    }

private:
    void update(const Step& step) {
        auto row = std::find_if(rows_.begin(), rows_.end(), [&](const Row& r) { return r.step.id == step.id; });
        if (row == rows_.end()) row = rows_.insert(rows_.end(), Row{step, Clock::now(), {}});
        const bool again = row->over() && step.state == Step::State::working;
        if (again) row->begun = Clock::now();
        row->step = step;
        if (row->over()) row->ended = Clock::now();
    }

    void tick(const std::stop_token& stop) {
        std::unique_lock lock(mutex_);
        while (!stop.stop_requested()) {
            wake_.wait_for(lock, redraw_every, [&] { return stop.stop_requested(); });
            const bool working = std::any_of(rows_.begin(), rows_.end(), [](const Row& r) { return !r.over(); });
            if (dirty_ || working) draw_locked();
        }
    }

    void draw() {
        std::lock_guard lock(mutex_);
        draw_locked();
    }

    void erase() {
        if (drawn_) std::fprintf(stderr, "\x1b[%dA\x1b[J", drawn_);
    }

    void draw_locked() {
        if (rows_.empty()) return;
        const TerminalSize size = terminal_size(STDERR_FILENO);
        const std::size_t width = size.columns ? size.columns : 80;
        const std::size_t room = size.rows > 3 ? size.rows - 3u : 1000;
        const auto over = std::count_if(rows_.begin(), rows_.end(), [](const Row& r) { return r.over(); });
        std::string out = "\x1b[?25l";
        if (drawn_) out += fmt::format("\x1b[{}A", drawn_);
        out += fmt::format("\r\x1b[K[+] {}/{}\n", over, rows_.size());
        int lines = 1;
        // What is at work matters more than what is done, when not everything fits.
        std::vector<const Row*> shown;
        for (const Row& row : rows_) shown.push_back(&row);
        if (shown.size() > room) std::stable_partition(shown.begin(), shown.end(), [](const Row* r) { return !r->over(); });
        std::size_t widest = 0;
        for (const Row* row : shown) widest = std::max(widest, row->step.id.size());
        for (std::size_t i = 0; i < std::min(room, shown.size()); ++i, ++lines) out += line(*shown[i], widest, width);
        if (shown.size() > room) {
            out += fmt::format("\x1b[K ... {} more\n", shown.size() - room);
            ++lines;
        }
        out += "\x1b[J\x1b[?25h";
        std::fwrite(out.data(), 1, out.size(), stderr);
        drawn_ = lines;
        dirty_ = false;
    }

    std::string line(const Row& row, std::size_t widest, std::size_t width) const {
        const auto now = Clock::now();
        const double seconds = std::chrono::duration<double>((row.over() ? row.ended : now) - row.begun).count();
        const auto frame = static_cast<std::size_t>(std::chrono::duration_cast<std::chrono::milliseconds>(now - row.begun) / redraw_every) % std::size(spinner);
        std::string sign = spinner[frame], colour = "\x1b[36m";
        if (row.step.state == Step::State::done) sign = "✔", colour = "\x1b[32m";
        if (row.step.state == Step::State::warning) sign = "!", colour = "\x1b[33m";
        if (row.step.state == Step::State::error) sign = "✘", colour = "\x1b[31m";
        std::string text = fmt::format("{:<{}} {}", row.step.id, widest, row.step.text);
        if (!row.step.details.empty()) text += " " + row.step.details;
        if (row.step.total && !row.over()) text += fmt::format(" {} / {}", human_size(static_cast<double>(row.step.current)), human_size(static_cast<double>(row.step.total)));
        const std::string time = fmt::format("{:.1f}s", seconds);
        text = cut(text, width > time.size() + 6 ? width - time.size() - 6 : 10);
        const std::size_t used = 3 + display_width(text) + time.size() + 1;
        return fmt::format("\x1b[K {}{}\x1b[0m {}{}{}\n", colour, sign, text, std::string(width > used ? width - used : 1, ' '), time);
    }

    std::mutex mutex_;
    std::condition_variable wake_;
    std::vector<Row> rows_;
    int drawn_ = 0; // lines above the cursor that are ours
    bool dirty_ = false;
    std::jthread ticker_;
};

} // namespace

std::unique_ptr<Display> make_tty_display() { return std::make_unique<TtyDisplay>(); }

} // namespace davit::cli
