// The progress of a build in BuildKit's words, on standard error.
#pragma once

#include "cli/app.hpp"
#include "davit/build.hpp"

#include <chrono>
#include <deque>
#include <map>
#include <memory>
#include <string>

namespace davit::cli {

// json: an event a line, in davit's words; rawjson: in BuildKit's.
enum class BuildProgress { automatic, tty, plain, quiet, json, rawjson };
// --progress, else BUILDKIT_PROGRESS. Throws Error(usage).
BuildProgress build_progress(const std::string& option);
// That of a project's builds: as the command's own progress was chosen, JSON for JSON; else as above.
BuildProgress project_build_progress(const Globals& globals, const std::string& option);

class BuildDisplay {
public:
    virtual ~BuildDisplay() = default;
    virtual void on(const BuildEvent& event) = 0;
    // After the last event: nothing is redrawn any more, and what failed is shown with its last lines.
    virtual void close() {}
};
std::unique_ptr<BuildDisplay> make_build_display(BuildProgress mode);
std::unique_ptr<BuildDisplay> make_tty_build(); // build_tty.cpp

// What failed, told once the progress is closed: the step with its last lines.
class FailedStep {
public:
    void see(const BuildEvent& event);
    std::string text() const; // empty: nothing failed
    const std::string& name() const { return name_; }

private:
    struct Step {
        std::string name;
        std::deque<std::string> lines; // the last ones, with the time since the step began
        std::string open;              // without its line end yet
        std::int64_t began = 0;
    };
    std::map<int, Step> steps_;
    int failed_ = 0;
    std::string name_; // of what failed
};

} // namespace davit::cli
