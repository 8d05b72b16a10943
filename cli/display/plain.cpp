#include "cli/display/display.hpp"
#include "cli/display/step.hpp"

#include <cstdio>

namespace davit::cli {

namespace {

// " Container shop-web-1 Created", one line each.
class PlainDisplay : public Display {
public:
    explicit PlainDisplay(bool dry_run) : prefix_(dry_run ? "DRY-RUN MODE - " : "") {}

    void on(const Event& event) override {
        const auto step = step_of(event);
        if (!step) return;
        if (event.kind == EventKind::warning) {
            std::fprintf(stderr, "warning: %s\n", step->text.c_str());
            return;
        }
        // The bytes of a pull come many times a second; its layers' states are enough for a log.
        if (event.kind == EventKind::operation_progress && (step->details.empty() || step->details == last_)) return;
        last_ = step->details;
        std::string line = " " + prefix_ + step->id + " " + step->text;
        if (!step->details.empty()) line += " " + step->details;
        std::fprintf(stderr, "%s\n", line.c_str());
    }

private:
    std::string prefix_, last_;
};

} // namespace

std::unique_ptr<Display> make_plain_display(bool dry_run) { return std::make_unique<PlainDisplay>(dry_run); }

} // namespace davit::cli
