// Progress on stderr: a redrawn block on a terminal, lines elsewhere, JSON lines, or nothing.
#pragma once

#include "cli/app.hpp"
#include "davit/event.hpp"

#include <memory>
#include <string>

namespace davit::cli {

enum class ProgressMode { tty, plain, json, quiet };

// --progress, else COMPOSE_PROGRESS, else tty when stderr is a terminal that takes escape sequences.
ProgressMode progress_mode(const Globals& globals);

class Display {
public:
    virtual ~Display() = default;
    // Never called by two threads at once.
    virtual void on(const Event& event) = 0;
    // Other output on the terminal follows until the next event: what is shown stays as it is.
    virtual void pause() {}
};

// dry_run: every line says that nothing happens.
std::unique_ptr<Display> make_display(ProgressMode mode, bool dry_run = false);

// One JSON line as `--progress json` prints it for errors: {"error":true,"message":…}
std::string json_error_line(const std::string& message);

std::unique_ptr<Display> make_tty_display();
std::unique_ptr<Display> make_plain_display(bool dry_run);
std::unique_ptr<Display> make_json_display(bool dry_run);

} // namespace davit::cli
