#include "cli/display/block.hpp"
#include "cli/display/display.hpp"
#include "cli/terminal.hpp"

#include <algorithm>
#include <condition_variable>
#include <fmt/format.h>
#include <mutex>
#include <thread>
#include <unistd.h>

namespace davit::cli {

namespace {

// A block that is redrawn in place ten times a second while something works.
class TtyDisplay : public Display {
public:
    TtyDisplay(FILE* out, bool colour, bool dry_run)
        : out_(out), colour_(colour), prefix_(dry_run ? "DRY-RUN MODE - " : ""), ticker_([this](const std::stop_token& stop) { tick(stop); }) {}

    ~TtyDisplay() override {
        ticker_.request_stop();
        wake_.notify_all();
        ticker_.join();
        if (dirty_) draw();
    }

    void on(const Event& event) override {
        std::lock_guard lock(mutex_);
        auto step = steps_.read(event);
        if (!step) return;
        if (event.kind == EventKind::warning) {
            erase();
            fmt::print(out_, "{} {}\n", colour_ ? "\x1b[33mwarning:\x1b[0m" : "warning:", step->text);
        } else {
            step->id.insert(0, prefix_);
            block_.update(*step, Block::Clock::now());
        }
        dirty_ = true;
    }

    void pause() override {
        std::lock_guard lock(mutex_);
        leave();
    }

    void beside(const std::function<void()>& print) override {
        std::lock_guard lock(mutex_);
        if (block_.working()) erase();
        else leave();
        print();
        dirty_ = !block_.empty();
        if (dirty_) draw();
    }

    void resumed() override {
        std::lock_guard lock(mutex_);
        drawn_ = 0; // the shell has written below
        dirty_ = !block_.empty();
    }

private:
    void tick(const std::stop_token& stop) {
        std::unique_lock lock(mutex_);
        while (!stop.stop_requested()) {
            wake_.wait_for(lock, Block::redraw_every, [&] { return stop.stop_requested(); });
            if (dirty_ || block_.working()) draw();
        }
    }

    // What is shown stays as it is; what comes later starts a block of its own below.
    void leave() {
        if (dirty_) draw();
        block_.clear();
        drawn_ = 0;
        dirty_ = false;
    }

    void erase() {
        if (drawn_) fmt::print(out_, "\x1b[{}A\r\x1b[J", drawn_);
        drawn_ = 0;
    }

    void draw() {
        const TerminalSize size = terminal_size(::fileno(out_));
        // A terminal that became narrower may have wrapped our lines or cut them: nobody knows how many
        // there are now, and something else could be overwritten.
        if (size.columns < columns_) drawn_ = 0;
        columns_ = size.columns;
        if (size.rows) drawn_ = std::min(drawn_, size.rows - 1);
        const auto lines = block_.lines(size, Block::Clock::now(), colour_);
        std::string text = "\x1b[?25l";
        if (drawn_) text += fmt::format("\x1b[{}A", drawn_);
        text += '\r';
        for (const std::string& line : lines) text += "\x1b[K" + line + "\n";
        text += "\x1b[J\x1b[?25h";
        std::fwrite(text.data(), 1, text.size(), out_);
        std::fflush(out_);
        drawn_ = static_cast<int>(lines.size());
        dirty_ = false;
    }

    FILE* out_;
    bool colour_;
    std::string prefix_;
    std::mutex mutex_;
    std::condition_variable wake_;
    StepReader steps_;
    Block block_;
    int drawn_ = 0; // lines above the cursor that are ours
    int columns_ = 0;
    bool dirty_ = false;
    std::jthread ticker_;
};

} // namespace

std::unique_ptr<Display> make_tty_display(FILE* out, bool colour, bool dry_run) { return std::make_unique<TtyDisplay>(out, colour, dry_run); }

} // namespace davit::cli
