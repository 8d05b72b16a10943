// `davit config create|inspect|ls|rm`, and the same of secrets.
#include "cli/cmd/swarm_files.hpp"

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/sys.hpp"
#include "cli/cmd/swarm_group.hpp"
#include "cli/cmd/verbs.hpp"
#include "cli/context.hpp"
#include "cli/docker_errors.hpp"
#include "cli/format/swarm_objects.hpp"
#include "cli/format/template.hpp"
#include "davit/swarm_objects.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <fmt/format.h>
#include <iostream>
#include <iterator>
#include <nlohmann/json.hpp>

namespace davit::cli {

namespace {

std::string read_content(swarm::FileKind kind, const std::string& source) {
    const bool input = source == "-";
    if (!docker_is_spoken() && input) return {std::istreambuf_iterator<char>(std::cin), {}};
    if (!docker_is_spoken())
        return in_context("reading content from \"" + source + "\"", [&] { return read_file(source); });
    const std::string from = "error reading from " + (input ? "STDIN" : source);
    const std::string before =
        kind == swarm::FileKind::config ? fmt::format("error reading content from \"{}\": {}", source, from) : from;
    std::string data;
    try {
        data = input ? std::string(std::istreambuf_iterator<char>(std::cin), {}) : read_file(source);
    } catch (const Error& e) {
        if (e.os().value() == EISDIR) throw error(Errc::usage, "{}: read {}: is a directory", before, source);
        throw wrapped(before + ": ", e);
    }
    if (data.empty()) throw error(Errc::usage, "{}: data is empty", before);
    return data;
}

// KEY or KEY=VALUE
void add_label(Labels& labels, const std::string& text) {
    const std::size_t equals = text.find('=');
    labels[text.substr(0, equals)] = equals == std::string::npos ? "" : text.substr(equals + 1);
}

int file_create(swarm::FileKind kind, Globals& globals, const Args& args) {
    swarm::ConfigSpec spec;
    std::vector<std::string> words;
    const std::string noun = to_string(kind), tail = kind == swarm::FileKind::secret ? " [OPTIONS] SECRET [file|-]"
                                                                                     : " [OPTIONS] CONFIG file|-";
    Options options(globals, noun + " create" + tail, "Create a " + noun + " from a file or STDIN as content");
    options.each(
        "l,label", "list", [&](const std::string& text) { add_label(spec.labels, text); },
        kind == swarm::FileKind::config ? "Config labels" : "Secret labels");
    if (kind == swarm::FileKind::secret) options.value("d,driver", spec.driver, "Secret driver");
    options.value("template-driver", spec.template_driver, "Template driver");
    options.arguments(words, kind == swarm::FileKind::secret ? 1 : 2, 2);
    if (!options.parse(args)) return 0;
    spec.name = words[0];
    if (words.size() > 1 && !spec.driver.empty())
        throw error(Errc::usage, "when using secret driver secret data must be empty");
    if (words.size() < 2 && spec.driver.empty())
        throw error(Errc::usage, "secret file is required").with_hint("- is standard input");
    if (words.size() > 1) spec.data = read_content(kind, words[1]);
    Context context(globals);
    context.mute();
    if (context.dry_run()) return 0;
    announce_swarm(context.engine());
    std::printf("%s\n", swarm::create_file(context.engine(), kind, spec).c_str());
    return 0;
}

int file_list(swarm::FileKind kind, Globals& globals, const Args& args) {
    bool quiet = false;
    std::string format;
    Filters filters;
    std::vector<std::string> none;
    Options options(globals, std::string(to_string(kind)) + " ls [OPTIONS]",
                    kind == swarm::FileKind::config ? "List configs" : "List secrets");
    filters.add_to(options, "id=ID, name=TEXT, label=KEY[=VALUE]");
    options
        .value("format", format,
               "Format output using a custom template: 'table', 'table TEMPLATE', 'json', or a Go template")
        .flag("q,quiet", quiet, "Only display IDs")
        .arguments(none, 0, 0);
    if (!options.parse(args)) return 0;
    filters.check();
    Context context(globals);
    std::vector<swarm::Config> found = swarm::files(context.engine(), kind);
    std::erase_if(found, [&](const swarm::Config& c) {
        return !filters.prefix("id", c.id) || !filters.prefix("name", c.spec.name) ||
               !filters.labels("label", c.spec.labels);
    });
    std::stable_sort(found.begin(), found.end(), [](const swarm::Config& a, const swarm::Config& b) {
        return natural_less(a.spec.name, b.spec.name);
    });
    const ListFormat shape =
        ListFormat::parse(format, kind == swarm::FileKind::config ? "config.configContext" : "secret.secretContext");
    std::vector<nlohmann::json> rows;
    std::string ids;
    for (const swarm::Config& c : found) {
        rows.push_back(file_row(kind, c, sys::realtime_ns()));
        if (shape.kind == ListFormat::Kind::json) rows.back().erase("Label");
        ids += c.id + "\n";
    }
    std::vector<std::string> columns = {"ID", "Name", "CreatedAt", "UpdatedAt"};
    if (kind == swarm::FileKind::secret) columns.insert(columns.begin() + 2, "Driver");
    const bool plain = quiet && shape.kind == ListFormat::Kind::table;
    std::fputs((plain ? ids : render_list(shape, rows, columns, file_headers())).c_str(), stdout);
    return 0;
}

int file_inspect(swarm::FileKind kind, Globals& globals, const Args& args) {
    const std::string noun = to_string(kind), what = kind == swarm::FileKind::config ? "CONFIG" : "SECRET";
    auto found = [kind](Engine& engine, const std::string& name) { return swarm::file(engine, kind, name); };
    return run_inspection(
        globals, args,
        {noun + " inspect [OPTIONS] " + what + " [" + what + "...]",
         "Display detailed information on one or more " + noun + "s",
         [&](Engine& engine, const std::string& name) { return swarm::inspect(kind, found(engine, name)); },
         [&](Engine& engine, const std::string& name) { return pretty(kind, found(engine, name)); },
         R"({"Spec":{"Data":null,"Driver":null,"Templating":null}})"});
}

int file_remove(swarm::FileKind kind, Globals& globals, const Args& args) {
    std::vector<std::string> names;
    const std::string noun = to_string(kind), what = kind == swarm::FileKind::config ? "CONFIG" : "SECRET";
    Options options(globals, noun + " rm " + what + " [" + what + "...]", "Remove one or more " + noun + "s");
    options.arguments(names, 1);
    if (!options.parse(args)) return 0;
    Context context(globals);
    context.mute();
    ErrorList errors;
    for (const std::string& name : names)
        errors.run([&] {
            if (!context.dry_run()) swarm::remove_file(context.engine(), kind, name);
            std::printf("%s\n", name.c_str());
        });
    errors.throw_if_any();
    return 0;
}

} // namespace

void announce_swarm(Engine& engine) {
    if (swarm::ensure_swarm(engine))
        std::fputs("This machine is a swarm of one node now, until its last service, config and secret are removed "
                   "('davit swarm init' keeps it).\n",
                   stderr);
}

bool is_config_object_verb(const Args& args) {
    static const char* const words[] = {"create", "inspect", "list", "ls", "remove", "rm"};
    return !args.empty() &&
           std::any_of(std::begin(words), std::end(words), [&](const char* word) { return args.front() == word; });
}

int run_config_object(Globals& globals, const Args& args) {
    static const Verb verbs[] = {
        {"create", "Create a config from a file or STDIN",
         [](Globals& g, const Args& a) { return file_create(swarm::FileKind::config, g, a); }},
        {"inspect", "Display detailed information on one or more configs",
         [](Globals& g, const Args& a) { return file_inspect(swarm::FileKind::config, g, a); }},
        {"ls", "List configs", [](Globals& g, const Args& a) { return file_list(swarm::FileKind::config, g, a); },
         VerbGroup::project, "list"},
        {"rm", "Remove one or more configs",
         [](Globals& g, const Args& a) { return file_remove(swarm::FileKind::config, g, a); }, VerbGroup::project,
         "remove"},
    };
    return run_swarm_group(globals, args, "config", "Manage Swarm configs", verbs);
}

int run_secret(Globals& globals, const Args& args) {
    static const Verb verbs[] = {
        {"create", "Create a secret from a file or STDIN as content",
         [](Globals& g, const Args& a) { return file_create(swarm::FileKind::secret, g, a); }},
        {"inspect", "Display detailed information on one or more secrets",
         [](Globals& g, const Args& a) { return file_inspect(swarm::FileKind::secret, g, a); }},
        {"ls", "List secrets", [](Globals& g, const Args& a) { return file_list(swarm::FileKind::secret, g, a); },
         VerbGroup::project, "list"},
        {"rm", "Remove one or more secrets",
         [](Globals& g, const Args& a) { return file_remove(swarm::FileKind::secret, g, a); }, VerbGroup::project,
         "remove"},
    };
    return run_swarm_group(globals, args, "secret", "Manage Swarm secrets", verbs);
}

} // namespace davit::cli
