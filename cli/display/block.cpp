#include "cli/display/block.hpp"

#include "cli/format/size.hpp"
#include "cli/format/table.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace davit::cli {

namespace {

constexpr const char* spinner[] = {"⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"};

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

struct Sign {
    std::string text;
    const char* colour;
};

Sign sign_of(Step::State state, std::size_t frame) {
    switch (state) {
    case Step::State::working: return {spinner[frame % std::size(spinner)], "36"};
    case Step::State::done: return {"✔", "32"};
    case Step::State::warning: return {"!", "33"};
    case Step::State::error: return {"✘", "31"};
    }
    return {};
}

} // namespace

bool Block::working() const {
    return std::any_of(rows_.begin(), rows_.end(), [](const Row& r) { return !r.over(); });
}

void Block::update(const Step& step, Clock::time_point now) {
    auto row = std::find_if(rows_.begin(), rows_.end(), [&](const Row& r) { return r.step.id == step.id; });
    if (row == rows_.end()) row = rows_.insert(rows_.end(), Row{step, now, {}});
    if (row->over() && step.state == Step::State::working) row->begun = now;
    row->step = step;
    if (row->over()) row->ended = now;
}

std::vector<std::string> Block::lines(TerminalSize size, Clock::time_point now, bool colour) const {
    std::vector<std::string> out;
    if (rows_.empty()) return out;
    const std::size_t width = size.columns ? size.columns : 80;
    const std::size_t room = size.rows > 3 ? size.rows - 3u : 1000;
    const auto over = std::count_if(rows_.begin(), rows_.end(), [](const Row& r) { return r.over(); });
    out.push_back(cut(fmt::format("[+] {}/{}", over, rows_.size()), width));
    std::vector<const Row*> shown;
    for (const Row& row : rows_) shown.push_back(&row);
    if (shown.size() > room) std::stable_partition(shown.begin(), shown.end(), [](const Row* r) { return !r->over(); });
    std::size_t widest = 0;
    for (const Row* row : shown) widest = std::max(widest, row->step.id.size());
    for (std::size_t i = 0; i < std::min(room, shown.size()); ++i)
        out.push_back(line(*shown[i], widest, width, now, colour));
    if (shown.size() > room) out.push_back(cut(fmt::format(" ... {} more", shown.size() - room), width));
    return out;
}

std::string Block::line(const Row& row, std::size_t widest, std::size_t width, Clock::time_point now, bool colour) {
    const auto spent = (row.over() ? row.ended : now) - row.begun;
    const Sign sign = sign_of(
        row.step.state, static_cast<std::size_t>(
                            std::chrono::duration_cast<std::chrono::milliseconds>(now - row.begun) / redraw_every));
    std::string text = fmt::format("{:<{}} {}", row.step.id, widest, row.step.text);
    if (!row.step.details.empty()) text += " " + row.step.details;
    if (row.step.total && !row.over())
        text += fmt::format(" {} / {}", human_size(static_cast<double>(row.step.current)),
                            human_size(static_cast<double>(row.step.total)));
    // An error may have several lines; it is told in full once the command ends.
    std::replace(text.begin(), text.end(), '\n', ' ');
    std::string time = fmt::format("{:.1f}s", std::chrono::duration<double>(spent).count());
    if (width < time.size() + 12) time.clear(); // hardly a terminal: what it is about matters more
    text = cut(text, width > time.size() + 5 ? width - time.size() - 5 : 1);
    const std::size_t used = 3 + display_width(text) + time.size() + 1;
    const std::string mark = colour ? fmt::format("\x1b[{}m{}\x1b[0m", sign.colour, sign.text) : sign.text;
    std::string out = fmt::format(" {} {}", mark, text);
    if (!time.empty()) out += std::string(width > used ? width - used : 1, ' ') + time;
    return out;
}

} // namespace davit::cli
