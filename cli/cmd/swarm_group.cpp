#include "cli/cmd/swarm_group.hpp"

#include "base/error.hpp"
#include "cli/context.hpp"
#include "cli/docker_errors.hpp"

#include <algorithm>
#include <cstdio>

namespace davit::cli {

int run_swarm_group(Globals& globals, const Args& args, const char* name, const char* summary,
                    std::span<const Verb> verbs) {
    if (is_without_progress(globals)) globals.progress = "quiet"; // of images that are fetched on the way
    try {
        return run_group(globals, args, name, summary, verbs);
    } catch (const Error& e) {
        if (e.kind() != Errc::usage || e.exit_code() == 0) throw;
        report_exception();
        return e.exit_code();
    }
}

bool natural_less(std::string_view a, std::string_view b) {
    auto digit = [](char c) { return c >= '0' && c <= '9'; };
    auto run = [&](std::string_view text, std::size_t at) {
        std::size_t end = at;
        while (end < text.size() && digit(text[end])) ++end;
        return text.substr(at, end - at);
    };
    auto significant = [](std::string_view number) {
        number.remove_prefix(std::min(number.find_first_not_of('0'), number.size()));
        return number;
    };
    std::size_t i = 0, j = 0;
    while (i < a.size() && j < b.size()) {
        if (!digit(a[i]) || !digit(b[j])) {
            if (a[i] != b[j]) return a[i] < b[j];
            ++i;
            ++j;
            continue;
        }
        const std::string_view x = run(a, i), y = run(b, j), m = significant(x), n = significant(y);
        if (m.size() != n.size()) return m.size() < n.size();
        if (m != n) return m < n;
        if (x.size() != y.size()) return x.size() < y.size(); // by zeros at the front
        i += x.size();
        j += y.size();
    }
    return a.size() - i < b.size() - j;
}

int run_inspection(Globals& globals, const Args& args, const Inspection& of) {
    bool human = false;
    std::string format;
    std::vector<std::string> names;
    Options options(globals, of.usage, of.summary);
    options.value("f,format", format, "Format output using a custom template: 'json' or a Go template")
        .flag("pretty", human, "Print the information in a human friendly format")
        .arguments(names, 1);
    if (!options.parse(args)) return 0;
    if (human && !format.empty() && of.one_form)
        throw error(Errc::usage, "--format is incompatible with human friendly format");
    Context context(globals);
    Engine& engine = context.engine();
    if (!human) {
        const int code = inspect_each(
            names, format, [&](const std::string& name) { return of.document(engine, name); }, of.zeros);
        return code == 0 ? 0 : 1; // of a template that is none, too: containers have another one for that
    }
    std::string out; // all of them or none, as docker's
    for (const std::string& name : names) out += of.pretty(engine, name);
    std::fputs(out.c_str(), stdout);
    return 0;
}

} // namespace davit::cli
