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
        : out_(out), colour_(colour), prefix_(dry_run ? "DRY-RUN MODE - " : ""),
          ticker_([this](const std::stop_token& stop) { tick(stop); }) {}

    ~TtyDisplay() override {
        ticker_.request_stop();
        wake_.notify_all();
        ticker_.join();
        keys_.clear();
        if (dirty_ || keys_drawn_) draw();
    }

    void on(const Event& event) override {
        std::lock_guard lock(mutex_);
        // A build draws its own block: one below it that is redrawn, too, would tear it.
        if (event.op == OpKind::build_image && event.kind == EventKind::operation_started) return;
        auto step = steps_.read(event);
        if (!step) return;
        make_printable(*step);
        if (event.kind == EventKind::warning) {
            erase();
            fmt::print(out_, "{} {}\n", colour_ ? "\x1b[33mwarning:\x1b[0m" : "warning:", step->text);
        } else {
            step->id.insert(0, prefix_);
            block_.update(*step, Block::Clock::now());
        }
        dirty_ = true;
    }

    void tell(Step step) override {
        std::lock_guard lock(mutex_);
        make_printable(step);
        step.id.insert(0, prefix_);
        block_.update(step, Block::Clock::now());
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
        dirty_ = !block_.empty() || !keys_.empty();
        if (dirty_) draw();
    }

    void suspended() override {
        std::lock_guard lock(mutex_);
        if (!keys_.empty()) erase(); // the shell's prompt does not stand among them
        suspended_ = true;
    }

    void resumed() override {
        std::lock_guard lock(mutex_);
        suspended_ = false;
        drawn_ = 0; // the shell has written below
        dirty_ = !block_.empty() || !keys_.empty();
    }

    void keys(std::vector<Key> keys) override {
        std::lock_guard lock(mutex_);
        keys_ = std::move(keys);
        draw();
    }

private:
    void tick(const std::stop_token& stop) {
        std::unique_lock lock(mutex_);
        while (!stop.stop_requested()) {
            wake_.wait_for(lock, Block::redraw_every, [&] { return stop.stop_requested(); });
            if (!suspended_ && (dirty_ || block_.working())) draw();
        }
    }

    // What is shown stays as it is; what comes later starts a block of its own below.
    void leave() {
        if (dirty_ || keys_drawn_) draw(false);
        block_.clear();
        drawn_ = 0;
        dirty_ = false;
    }

    void erase() {
        if (drawn_) fmt::print(out_, "\x1b[{}A\r\x1b[J", drawn_);
        std::fflush(out_);
        drawn_ = 0;
        keys_drawn_ = false;
    }

    // "w Enable Watch   d Detach"; what finds no room is left out.
    std::string keys_line(std::size_t width) const {
        std::string out;
        std::size_t used = 0;
        for (const Key& k : keys_) {
            used += (used ? 3 : 0) + 2 + k.meaning.size();
            if (used >= width) break;
            if (!out.empty()) out += "   ";
            out += colour_ ? fmt::format("\x1b[1m{}\x1b[0m \x1b[2m{}\x1b[0m", k.key, k.meaning)
                           : fmt::format("{} {}", k.key, k.meaning);
        }
        return out;
    }

    void draw(bool with_keys = true) {
        const TerminalSize size = terminal_size(::fileno(out_));
        // A terminal that became narrower may have wrapped our lines or cut them: nobody knows how many
        // there are now, and something else could be overwritten.
        if (size.columns < columns_) drawn_ = 0;
        columns_ = size.columns;
        if (size.rows) drawn_ = std::min(drawn_, size.rows - 1);
        auto lines = block_.lines(size, Block::Clock::now(), colour_);
        keys_drawn_ = with_keys && !keys_.empty();
        if (keys_drawn_) lines.push_back(keys_line(size.columns ? size.columns : 80));
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
    bool dirty_ = false, suspended_ = false, keys_drawn_ = false;
    std::vector<Key> keys_;
    std::jthread ticker_;
};

} // namespace

std::unique_ptr<Display> make_tty_display(FILE* out, bool colour, bool dry_run) {
    return std::make_unique<TtyDisplay>(out, colour, dry_run);
}

} // namespace davit::cli
