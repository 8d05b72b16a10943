#include "cli/display/display.hpp"

#include "base/error.hpp"
#include "cli/terminal.hpp"

#include <cstdio>
#include <cstdlib>
#include <unistd.h>

namespace davit::cli {

namespace {

class QuietDisplay : public Display {
public:
    // Warnings are no progress: they are shown all the same.
    void on(const Event& event) override {
        if (event.kind == EventKind::warning) std::fprintf(stderr, "warning: %s\n", event.text.c_str());
    }
};

} // namespace

ProgressMode progress_mode(const Globals& globals) {
    std::string mode = globals.progress;
    if (mode.empty()) {
        const char* env = std::getenv("COMPOSE_PROGRESS");
        mode = env ? env : "";
    }
    if (mode == "tty") return ProgressMode::tty;
    if (mode == "plain") return ProgressMode::plain;
    if (mode == "json") return ProgressMode::json;
    if (mode == "quiet") return ProgressMode::quiet;
    if (!mode.empty() && mode != "auto")
        throw error(Errc::usage, "unsupported progress value \"{}\"", mode).with_hint("one of auto, tty, plain, json, quiet");
    const char* term = std::getenv("TERM");
    const bool dumb = term && std::string(term) == "dumb";
    return is_terminal(STDERR_FILENO) && use_ansi(globals, STDERR_FILENO) && !dumb ? ProgressMode::tty : ProgressMode::plain;
}

std::unique_ptr<Display> make_display(ProgressMode mode, bool dry_run) {
    switch (mode) {
    case ProgressMode::tty: return make_tty_display();
    case ProgressMode::plain: return make_plain_display(dry_run);
    case ProgressMode::json: return make_json_display(dry_run);
    case ProgressMode::quiet: break;
    }
    return std::make_unique<QuietDisplay>();
}

} // namespace davit::cli
