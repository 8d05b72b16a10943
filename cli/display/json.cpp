#include "cli/display/display.hpp"
#include "cli/display/step.hpp"
#include "cli/format/json_text.hpp"

#include <cstdio>
#include <nlohmann/json.hpp>

namespace davit::cli {

namespace {

using OrderedJson = nlohmann::ordered_json;

std::string dump(const OrderedJson& line) { return json_text(line); }

const char* name_of(Step::State state) {
    switch (state) {
    case Step::State::working: return "Working";
    case Step::State::done: return "Done";
    case Step::State::warning: return "Warning";
    case Step::State::error: return "Error";
    }
    return "";
}

class JsonDisplay : public Display {
public:
    JsonDisplay(FILE* out, bool dry_run) : out_(out), dry_run_(dry_run) {}

    void on(const Event& event) override {
        const auto step = steps_.read(event);
        if (!step) return;
        OrderedJson line;
        if (dry_run_) line["dry-run"] = true;
        if (!step->id.empty()) line["id"] = step->id;
        line["status"] = name_of(step->state);
        line["text"] = step->text;
        if (!step->details.empty()) line["details"] = step->details;
        if (step->total) {
            line["current"] = step->current;
            line["total"] = step->total;
            line["percent"] = step->current >= step->total ? 100 : step->current * 100 / step->total;
        }
        std::fprintf(out_, "%s\n", dump(line).c_str());
    }

private:
    FILE* out_;
    StepReader steps_;
    bool dry_run_;
};

} // namespace

std::string json_error_line(const std::string& message) {
    return dump(OrderedJson{{"error", true}, {"message", message}});
}

std::unique_ptr<Display> make_json_display(FILE* out, bool dry_run) {
    return std::make_unique<JsonDisplay>(out, dry_run);
}

} // namespace davit::cli
