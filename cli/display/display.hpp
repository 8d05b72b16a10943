// Progress: a redrawn block on a terminal, lines elsewhere, JSON lines, or nothing.
#pragma once

#include "cli/app.hpp"
#include "cli/display/step.hpp"
#include "davit/event.hpp"

#include <cstdio>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace davit::cli {

enum class ProgressMode { tty, plain, json, quiet };

// --progress, else COMPOSE_PROGRESS, else tty when stderr is a terminal that takes escape sequences.
ProgressMode progress_mode(const Globals& globals);

class Display {
public:
    virtual ~Display() = default;
    // Never called by two threads at once.
    virtual void on(const Event& event) = 0;
    // A step of the command's own, which is no operation of the engine: "shop-web-1 Copying".
    virtual void tell(Step step) = 0;
    // Other output on the terminal follows until the next event: what is shown stays as it is.
    virtual void pause() {}
    // Prints something else between the lines: what is shown of work in progress stays below it. Thread-safe.
    virtual void beside(const std::function<void()>& print) { print(); }
    // The process is about to be stopped; it was stopped and goes on: the terminal is not as it was. Thread-safe.
    virtual void suspended() {}
    virtual void resumed() {}
    // What may be typed, in a line of its own below everything else, until it is taken away again (empty). Thread-safe.
    struct Key {
        char key;
        std::string meaning;
    };
    virtual void keys(std::vector<Key>) {}
};

// Where progress is written: stderr, or stdout with COMPOSE_STATUS_STDOUT.
FILE* progress_stream();

// As the globals ask. With --dry-run every line says that nothing happens.
std::unique_ptr<Display> make_display(const Globals& globals);

// One JSON line as `--progress json` prints it for errors: {"error":true,"message":…}
std::string json_error_line(const std::string& message);

std::unique_ptr<Display> make_tty_display(FILE* out, bool colour, bool dry_run);
std::unique_ptr<Display> make_plain_display(FILE* out, bool dry_run);
std::unique_ptr<Display> make_json_display(FILE* out, bool dry_run);

} // namespace davit::cli
