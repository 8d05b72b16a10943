#include "cli/diagnostics.hpp"
#include "cli/display/display.hpp"
#include "cli/display/step.hpp"
#include "cli/format/json_text.hpp"
#include "cli/format/size.hpp"

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

// What readers of docker compose's lines look for; elsewhere the word stands before the text already.
std::string in_docker_words(const std::string& warning) {
    return warning.starts_with("No resource found to remove") ? "Warning: " + warning : warning;
}

// A layer's own state in place of the image's: "3b7db6bf01f1 Downloading".
bool read_layer(Step& step) {
    constexpr std::size_t id = 12;
    const std::string& told = step.details;
    if (told.size() <= id + 1 || told[id] != ' ' || told.find_first_not_of("0123456789abcdef") != id) return false;
    step.id = told.substr(0, id);
    step.text = told.substr(id + 1);
    if (step.text == "Already exists" || step.text == "Pull complete") {
        step.state = Step::State::done;
        step.total = 0;
    }
    step.details = human_size(static_cast<double>(step.current));
    return true;
}

class JsonDisplay : public Display {
public:
    JsonDisplay(FILE* out, bool dry_run) : out_(out), dry_run_(dry_run) {}

    void on(const Event& event) override {
        if (event.kind == EventKind::warning) {
            std::fprintf(out_, "%s\n", json_warning_line(in_docker_words(event.text)).c_str());
            return;
        }
        auto step = steps_.read(event);
        if (!step) return;
        const std::string image = step->id;
        const bool of_image =
            event.op == OpKind::pull_image && event.kind == EventKind::operation_progress && read_layer(*step);
        print(*step, of_image ? image : "");
    }

    void tell(Step step) override { print(step, ""); }

private:
    // parent: the image that a layer belongs to.
    void print(const Step& step, const std::string& parent) {
        OrderedJson line;
        if (dry_run_) line["dry-run"] = true;
        if (!step.id.empty()) line["id"] = step.id;
        if (!parent.empty()) line["parent_id"] = parent;
        line["status"] = name_of(step.state);
        line["text"] = step.text;
        if (!step.details.empty()) line["details"] = step.details;
        if (step.total) {
            line["current"] = step.current;
            line["total"] = step.total;
            line["percent"] = step.current >= step.total ? 100 : step.current * 100 / step.total;
        } else if (!parent.empty() && step.state == Step::State::done) {
            line["percent"] = 100;
        }
        std::fprintf(out_, "%s\n", dump(line).c_str());
    }

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
