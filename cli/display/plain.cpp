#include "cli/display/display.hpp"
#include "cli/display/step.hpp"

#include <cstdio>

namespace davit::cli {

namespace {

// " Container shop-web-1 Created", one line each.
class PlainDisplay : public Display {
public:
    PlainDisplay(FILE* out, bool dry_run) : out_(out), prefix_(dry_run ? "DRY-RUN MODE - " : "") {}

    void on(const Event& event) override {
        auto step = steps_.read(event);
        if (!step) return;
        make_printable(*step);
        if (event.kind == EventKind::warning) {
            std::fprintf(out_, "warning: %s\n", step->text.c_str());
            return;
        }
        // The bytes of a pull come many times a second; its layers' states are enough for a log.
        if (event.kind == EventKind::operation_progress && (step->details.empty() || step->details == last_)) return;
        last_ = step->details;
        print(*step);
    }

    void tell(Step step) override {
        make_printable(step);
        print(step);
    }

private:
    void print(const Step& step) {
        std::string line = " " + prefix_ + step.id + " " + step.text;
        if (!step.details.empty()) line += " " + step.details;
        std::fprintf(out_, "%s\n", line.c_str());
    }

    FILE* out_;
    StepReader steps_;
    std::string prefix_, last_;
};

} // namespace

std::unique_ptr<Display> make_plain_display(FILE* out, bool dry_run) {
    return std::make_unique<PlainDisplay>(out, dry_run);
}

} // namespace davit::cli
