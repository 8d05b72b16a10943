// `system events`, docker's `events`: what happens on the machine, as it happens or happened.
#include "base/date.hpp"
#include "base/error.hpp"
#include "base/printable.hpp"
#include "base/sys.hpp"
#include "cli/cmd/system.hpp"
#include "cli/context.hpp"
#include "cli/format/json_text.hpp"
#include "cli/format/template.hpp"
#include "cli/format/time.hpp"
#include "cli/options.hpp"
#include "davit/events.hpp"

#include <cstdio>
#include <ctime>
#include <nlohmann/json.hpp>
#include <optional>

namespace davit::cli {

namespace {

using EventJson = nlohmann::ordered_json;

EventJson document(const MachineEvent& e) {
    return {{"Type", e.type},
            {"Action", e.action},
            {"Actor", {{"ID", e.id}, {"Attributes", e.attributes}}},
            {"scope", e.scope},
            {"time", e.time_ns / 1'000'000'000},
            {"timeNano", e.time_ns}};
}

// Go's names of the fields whose keys are others, and the old ones; only where a template asks for them.
EventJson for_template(const MachineEvent& e, const std::string& text) {
    EventJson out = document(e);
    const auto attribute = [&](const char* key) {
        const auto found = e.attributes.find(key);
        return found == e.attributes.end() ? std::string() : found->second;
    };
    const auto add = [&](const char* name, EventJson value) {
        if (text.find(std::string(".") + name) != std::string::npos) out[name] = std::move(value);
    };
    add("Scope", e.scope);
    add("Time", e.time_ns / 1'000'000'000);
    add("TimeNano", e.time_ns);
    add("Status", e.action);
    add("ID", e.id);
    add("From", attribute("image"));
    return out;
}

// 2026-05-01T10:00:00.000000000+02:00
std::string local_time(std::int64_t time_ns) {
    const std::time_t seconds = static_cast<std::time_t>(time_ns / 1'000'000'000);
    std::tm t{};
    ::localtime_r(&seconds, &t);
    char date[32], zone[8];
    std::strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%S", &t);
    std::strftime(zone, sizeof zone, "%z", &t);
    const std::string offset = zone;
    return fmt::format("{}.{:09}{}", date, time_ns % 1'000'000'000,
                       t.tm_gmtoff == 0 ? "Z" : offset.substr(0, 3) + ":" + offset.substr(3));
}

std::string line_of(const MachineEvent& e) {
    std::string attributes;
    for (const auto& [key, value] : e.attributes) attributes += (attributes.empty() ? "" : ", ") + key + "=" + value;
    return local_time(e.time_ns) + " " + e.type + " " + e.action + " " + e.id +
           (attributes.empty() ? "" : " (" + attributes + ")");
}

class Printer {
public:
    explicit Printer(const std::string& format) : format_(format) {
        if (format.empty() || format == "json") return;
        constexpr int bad_template = 64; // docker's exit code
        try {
            shape_.emplace(format);
            shape_->execute(for_template(MachineEvent(), format)); // docker tries it on an event that is none
        } catch (const Error& e) {
            throw error(Errc::usage, "Error parsing format: {}", reason(e)).with_exit_code(bad_template);
        }
    }
    void print(const MachineEvent& e) const {
        std::string line;
        if (shape_) line = shape_->execute(for_template(e, format_), "\n\t");
        else line = format_.empty() ? printable(line_of(e)) : json_text(document(e));
        std::puts(line.c_str());
        std::fflush(stdout);
    }

private:
    static std::string reason(const Error& e) {
        constexpr std::string_view known = "template parsing error: ";
        std::string text = e.what();
        if (text.starts_with(known)) text.erase(0, known.size());
        const bool untyped =
            text.find("can't evaluate field ") != std::string::npos && text.find(" in type ") == std::string::npos;
        return untyped ? text + " in type *events.Message" : text;
    }

    std::string format_;
    std::optional<Template> shape_;
};

} // namespace

int run_system_events(Globals& globals, const Args& args) {
    std::string format, since, until;
    EventFilters filters;
    Options options(globals, "system events [OPTIONS]", "Get real time events from the machine");
    options
        .each(
            "f,filter", "filter",
            [&](const std::string& text) {
                const std::size_t equals = text.find('=');
                if (equals == std::string::npos) throw error(Errc::usage, "bad format of filter (expected name=value)");
                filters.emplace_back(text.substr(0, equals), text.substr(equals + 1));
            },
            "Filter output: container=, image=, network=, volume=, event=, type=, scope=, label=KEY[=VALUE]")
        .value("format", format, "Format output using a custom template: 'json' or a Go template")
        .value("since", since, "Show all events created since timestamp")
        .value("until", until, "Stream events until this timestamp");
    if (!options.parse(args)) return 0;
    const std::int64_t now = sys::realtime_ns();
    EventRange range;
    if (!since.empty()) range.since = parse_time(since, now);
    if (!until.empty()) range.until = parse_time(until, now);
    const Printer printer(format);
    Context context(globals);
    Interrupts& interrupts = context.interrupts();
    follow_machine_events(
        context.engine(), range, filters,
        [&](const MachineEvent& e) {
            printer.print(e);
            return true;
        },
        interrupts.token());
    return interrupts.requested() && !(range.until && *range.until <= now) ? Interrupts::exit_code() : 0;
}

} // namespace davit::cli
