#include "cli/display/display.hpp"

#include "base/error.hpp"
#include "base/printable.hpp"
#include "cli/environment.hpp"
#include "cli/terminal.hpp"

#include <cstdio>
#include <cstdlib>
#include <unistd.h>

namespace davit::cli {

namespace {

class QuietDisplay : public Display {
public:
    explicit QuietDisplay(FILE* out) : out_(out) {}

    // Warnings are no progress: they are shown all the same.
    void on(const Event& event) override {
        if (event.kind == EventKind::warning)
            std::fprintf(out_, "warning: %s\n", printable(event.text, "\n\t").c_str());
    }
    void tell(Step) override {}

private:
    FILE* out_;
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
        throw error(Errc::usage, "unsupported COMPOSE_PROGRESS value \"{}\"", mode)
            .with_hint("one of auto, tty, plain, json, quiet");
    const char* term = std::getenv("TERM");
    const bool dumb = term && std::string(term) == "dumb";
    const int out = ::fileno(progress_stream());
    return is_terminal(out) && use_ansi(globals, out) && !dumb ? ProgressMode::tty : ProgressMode::plain;
}

FILE* progress_stream() { return env_flag("COMPOSE_STATUS_STDOUT") ? stdout : stderr; }

std::unique_ptr<Display> make_display(const Globals& globals) {
    FILE* out = progress_stream();
    switch (progress_mode(globals)) {
    case ProgressMode::tty: return make_tty_display(out, use_ansi(globals, ::fileno(out)), globals.dry_run);
    case ProgressMode::plain: return make_plain_display(out, globals.dry_run);
    case ProgressMode::json: return make_json_display(out, globals.dry_run);
    case ProgressMode::quiet: break;
    }
    return std::make_unique<QuietDisplay>(out);
}

} // namespace davit::cli
