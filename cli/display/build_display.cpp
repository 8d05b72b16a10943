#include "cli/display/build_display.hpp"

#include "base/error.hpp"
#include "base/printable.hpp"
#include "cli/display/build_lines.hpp"
#include "cli/display/build_status.hpp"
#include "cli/terminal.hpp"

#include <cstdio>
#include <cstdlib>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

namespace davit::cli {

namespace {

using Kind = BuildEvent::Kind;

constexpr double second = 1e9;
constexpr std::size_t kept_lines = 20;

std::string since(std::int64_t began, std::int64_t now) {
    return fmt::format("{:.1f}", static_cast<double>(now - began) / second);
}

class QuietBuild : public BuildDisplay {
public:
    void on(const BuildEvent&) override {}
};

// "#7 [web 2/5] RUN …", "#7 0.123 output", "#7 DONE 0.3s": a block for each step that speaks, with a line of its name
// again when another has spoken meanwhile.
class PlainBuild : public BuildDisplay {
public:
    explicit PlainBuild(std::FILE* out) : out_(out) {}
    void on(const BuildEvent& e) override {
        switch (e.kind) {
        case Kind::started:
            steps_[e.vertex] = {e.name, {}, e.time_ns};
            speak(e.vertex);
            break;
        case Kind::cached:
            steps_[e.vertex] = {e.name, {}, e.time_ns};
            speak(e.vertex);
            line(e.vertex, "CACHED");
            end();
            break;
        case Kind::progress:
            if (!e.text.empty()) line(e.vertex, e.text);
            break;
        case Kind::log: log(e); break;
        case Kind::done:
            flush(e);
            line(e.vertex, "DONE " + since(steps_[e.vertex].began, e.time_ns) + "s");
            end();
            break;
        case Kind::failed:
            flush(e);
            line(e.vertex, "ERROR: " + printable(e.text));
            end();
            break;
        case Kind::cancelled:
            line(e.vertex, "CANCELED");
            end();
            break;
        case Kind::warning: std::fprintf(out_, "WARNING: %s\n", printable(e.text).c_str()); break;
        }
        std::fflush(out_);
    }

private:
    struct Step {
        std::string name, open;
        std::int64_t began = 0;
    };

    void speak(int vertex) {
        if (speaker_ == vertex) return;
        if (speaker_) std::fputc('\n', out_);
        speaker_ = vertex;
        std::fprintf(out_, "#%d %s\n", vertex, printable(steps_[vertex].name).c_str());
    }
    void line(int vertex, const std::string& text) {
        speak(vertex);
        std::fprintf(out_, "#%d %s\n", vertex, text.c_str());
    }
    void end() {
        std::fputc('\n', out_);
        speaker_ = 0;
    }
    void log(const BuildEvent& e) {
        Step& step = steps_[e.vertex];
        for (char c : e.text) {
            if (c != '\n') {
                step.open += c;
                continue;
            }
            line(e.vertex, since(step.began, e.time_ns) + " " + printable(step.open, "\t"));
            step.open.clear();
        }
    }
    void flush(const BuildEvent& e) {
        Step& step = steps_[e.vertex];
        if (!step.open.empty()) line(e.vertex, since(step.began, e.time_ns) + " " + printable(step.open, "\t"));
        step.open.clear();
    }

    std::FILE* out_;
    std::map<int, Step> steps_;
    int speaker_ = 0;
};

class JsonBuild : public BuildDisplay {
public:
    explicit JsonBuild(std::FILE* out) : out_(out) {}
    void on(const BuildEvent& e) override {
        static constexpr const char* names[] = {"started", "cached", "progress",  "log",
                                                "done",    "failed", "cancelled", "warning"};
        nlohmann::json out{{"event", names[static_cast<int>(e.kind)]}, {"time", e.time_ns}};
        if (e.vertex) out["vertex"] = e.vertex;
        if (!e.name.empty()) out["name"] = e.name;
        if (!e.text.empty()) out["text"] = e.text;
        if (e.stream) out["stream"] = e.stream;
        if (e.total) out["current"] = e.current, out["total"] = e.total;
        std::fprintf(out_, "%s\n", out.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace).c_str());
        std::fflush(out_);
    }

private:
    std::FILE* out_;
};

class StatusBuild : public BuildDisplay {
public:
    explicit StatusBuild(std::FILE* out) : out_(out) {}
    void on(const BuildEvent& e) override {
        std::fprintf(out_, "%s\n", lines_.line(e).c_str());
        std::fflush(out_);
    }

private:
    std::FILE* out_;
    SolveStatusLines lines_;
};

} // namespace

BuildProgress build_progress(const std::string& option) {
    std::string word = option;
    if (word.empty())
        if (const char* own = std::getenv("BUILDKIT_PROGRESS")) word = own;
    for (const auto& [name, mode] : {std::pair{"", BuildProgress::automatic},
                                     {"auto", BuildProgress::automatic},
                                     {"tty", BuildProgress::tty},
                                     {"plain", BuildProgress::plain},
                                     {"quiet", BuildProgress::quiet},
                                     {"none", BuildProgress::quiet},
                                     {"rawjson", BuildProgress::rawjson},
                                     {"json", BuildProgress::json}})
        if (word == name) return mode;
    throw error(Errc::usage, "invalid progress mode {}", word).with_hint("auto, plain, tty, quiet or rawjson");
}

BuildProgress project_build_progress(const Globals& globals, const std::string& option) {
    if (!option.empty()) return build_progress(option);
    std::string chosen = globals.progress;
    if (chosen.empty())
        if (const char* own = std::getenv("COMPOSE_PROGRESS")) chosen = own;
    return build_progress(chosen == "auto" ? "" : chosen);
}

std::unique_ptr<BuildDisplay> make_build_display(BuildProgress mode) {
    std::FILE* out = build_lines();
    switch (mode) {
    case BuildProgress::quiet: return std::make_unique<QuietBuild>();
    case BuildProgress::json: return std::make_unique<JsonBuild>(out);
    case BuildProgress::rawjson: return std::make_unique<StatusBuild>(out);
    case BuildProgress::tty: return make_tty_build();
    case BuildProgress::automatic:
        if (is_terminal(STDERR_FILENO) && is_terminal(::fileno(out)) && !std::getenv("NO_COLOR"))
            return make_tty_build();
        [[fallthrough]];
    default: return std::make_unique<PlainBuild>(out);
    }
}

void FailedStep::see(const BuildEvent& e) {
    Step& step = steps_[e.vertex];
    if (e.kind == Kind::started) {
        step.name = e.name;
        step.began = e.time_ns;
    } else if (e.kind == Kind::log) {
        for (char c : e.text) {
            if (c != '\n') {
                step.open += c;
                continue;
            }
            step.lines.push_back(since(step.began, e.time_ns) + " " + step.open);
            if (step.lines.size() > kept_lines) step.lines.pop_front();
            step.open.clear();
        }
    } else if (e.kind == Kind::failed) {
        if (!step.open.empty()) step.lines.push_back(since(step.began, e.time_ns) + " " + step.open);
        failed_ = e.vertex;
        name_ = step.name;
    } else if (e.kind == Kind::done) {
        steps_.erase(e.vertex);
    }
}

std::string FailedStep::text() const {
    const auto it = steps_.find(failed_);
    if (!failed_ || it == steps_.end()) return {};
    std::string out = "------\n > " + printable(it->second.name) + ":\n";
    for (const auto& line : it->second.lines) out += printable(line, "\t") + "\n";
    return out + "------\n";
}

} // namespace davit::cli
