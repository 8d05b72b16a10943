#include "cli/app.hpp"

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/printable.hpp"
#include "cli/cmd/verbs.hpp"
#include "cli/diagnostics.hpp"
#include "cli/disk_use.hpp"
#include "cli/display/display.hpp"
#include "cli/docker_errors.hpp"
#include "cli/docker_words.hpp"
#include "cli/endpoint.hpp"
#include "cli/global_options.hpp"
#include "cli/interrupts.hpp"
#include "cli/load_options.hpp"
#include "cli/options.hpp"
#include "cli/plugin.hpp"
#include "cli/suggest.hpp"
#include "davit/load.hpp"
#include "davit/system.hpp"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <sstream>
#include <unistd.h>

namespace davit::cli {

namespace {

constexpr const char* progress_modes[] = {"auto", "tty", "plain", "json", "quiet"};
constexpr const char* ansi_modes[] = {"never", "always", "auto"};

// docker compose's old names.
void take_old_names(Globals& globals) {
    if (globals.no_ansi) {
        if (!globals.ansi.empty() && globals.ansi != "auto")
            throw error(Errc::usage, "--no-ansi and --ansi exclude each other").with_hint("--ansi never");
        globals.ansi = "never";
        print_warning("--no-ansi is deprecated: use --ansi never");
    }
    if (!globals.workdir.empty()) {
        if (!globals.project_directory.empty())
            throw error(Errc::usage, "--workdir and --project-directory exclude each other")
                .with_hint("--workdir is the old name");
        globals.project_directory = globals.workdir;
        print_warning("--workdir is deprecated: use --project-directory");
    }
}

void check_modes(const Globals& globals) {
    if (!globals.progress.empty() &&
        std::find(std::begin(progress_modes), std::end(progress_modes), globals.progress) == std::end(progress_modes))
        throw error(Errc::usage, "unsupported --progress value \"{}\"", globals.progress)
            .with_hint("one of auto, tty, plain, json, quiet");
    if (!globals.ansi.empty() &&
        std::find(std::begin(ansi_modes), std::end(ansi_modes), globals.ansi) == std::end(ansi_modes))
        print_warning("--ansi " + globals.ansi + " is none of never, always, auto: taken as auto"); // compose goes on
}

// What the flags leave open. Flags win.
void apply_environment(Globals& globals) {
    // Refuses what COMPOSE_PROGRESS may not be; of JSON everything that is told has to know.
    if (globals.progress.empty() && progress_mode(globals) == ProgressMode::json) globals.progress = "json";
    diagnostics_in_json(globals.progress == "json");
    const char* limit = std::getenv("COMPOSE_PARALLEL_LIMIT");
    if (globals.parallel >= 0 || !limit || !*limit) return;
    const char* end = limit + std::strlen(limit);
    const auto [stop, problem] = std::from_chars(limit, end, globals.parallel);
    if (problem != std::errc{} || stop != end)
        throw error(Errc::usage, "COMPOSE_PARALLEL_LIMIT must be an integer (found: \"{}\")", limit);
}

// "help up" is "up --help".
void take_help_word(Args& rest, std::string_view also_dropped) {
    if (rest.empty() || rest.front() != "help") return;
    rest.erase(rest.begin());
    if (!rest.empty() && rest.front() == also_dropped) rest.erase(rest.begin());
    if (rest.empty() || rest.front().starts_with("-")) rest.insert(rest.begin(), "--help");
    else rest.push_back("--help");
}

int dispatch(Globals& globals, Args rest, Grammar grammar) {
    // "davit compose up" is "davit up", for fingers and scripts that say docker compose.
    if (!rest.empty() && rest.front() == "compose" && grammar == Grammar::davit) rest.erase(rest.begin());
    take_help_word(rest, "compose");
    if (globals.version) return run_version(globals, {});
    if (rest.empty() || rest.front() == "--help") {
        std::fputs(global_options(globals, grammar).help().c_str(), stdout);
        return 0;
    }
    const Verb* verb = find_verb(verbs(), rest.front());
    if (!verb || (grammar == Grammar::compose && !is_compose_verb(*verb)))
        throw unknown_verb(verbs(), globals.program, rest.front());
    if (verb->group == VerbGroup::project || verb->group == VerbGroup::inspect) take_switches_from_env_file(globals);
    apply_environment(globals);
    return verb->run(globals, {rest.begin() + 1, rest.end()});
}

int run_with_globals(Globals& globals, const Args& args, Grammar grammar) {
    Args rest;
    if (!global_options(globals, grammar).arguments(rest).parse(args)) return 0;
    diagnostics_in_json(globals.progress == "json");
    take_old_names(globals);
    check_modes(globals);
    return dispatch(globals, std::move(rest), grammar);
}

int run_checked(Globals& globals, std::string_view program, const Args& given) {
    Args args = given;
    if (!args.empty() && args.front() == plugin_metadata_verb) {
        std::fputs(plugin_metadata().c_str(), stdout);
        return 0;
    }
    const Grammar grammar = grammar_of(program);
    if (grammar == Grammar::docker) {
        globals.program = "docker";
        return run_docker(globals, args);
    }
    take_plugin_call(args);
    if (grammar == Grammar::compose) return run_compose(globals, args);
    return run_with_globals(globals, args, Grammar::davit);
}

// What can be done about an error of the machine that nobody nearer to it has said.
Error with_advice(Error e) {
    if (!e.hint().empty()) return e;
    const Directories roots = default_directories();
    const std::string text = e.what();
    switch (e.os().value()) {
    case ENOSPC:
    case EDQUOT: {
        // A path that is not below these is on a disk that davit has nothing to do with.
        const bool own = text.find(roots.state) != std::string::npos || text.find(roots.run) != std::string::npos;
        if (!own && text.find(" /") != std::string::npos) return e;
        const std::string biggest = ::geteuid() == 0 ? biggest_on_disk() : "";
        return e.with_hint(
            "free space below " + roots.state + (biggest.empty() ? "" : "; the biggest there: " + biggest) +
            "; 'davit stop' and 'davit down' need none, 'davit image prune -a' and 'davit volume prune' free some");
    }
    case EROFS:
        if (text.find(roots.state) == std::string::npos && text.find(roots.run) == std::string::npos) return e;
        return e.with_hint("DAVIT_STATE_DIR and DAVIT_RUN_DIR name other places for " + roots.state + " and " +
                           roots.run);
    case EPERM:
        if (::geteuid() != 0) return e;
        return e.with_hint(
            "root has not all its rights here: inside a container davit needs all capabilities and its own cgroups");
    case EMFILE:
    case ENFILE: return e.with_hint("raise the limit of open files: ulimit -n");
    default: return e;
    }
}

// error_text() with the line of its place and a caret below it, where that can be read.
std::string with_line(const Error& e) {
    constexpr std::size_t longest = 160;
    std::string text = error_text(e);
    if (e.at().line <= 0 || e.at().column <= 0) return text;
    std::error_code unknown;
    if (!std::filesystem::is_regular_file(e.at().file, unknown)) return text; // a pipe was read already
    std::istringstream in(read_file_if_exists(e.at().file).value_or(""));
    Diagnostic shown; // draws the caret as the messages of the loader have it
    for (int i = 0; i < e.at().line; ++i)
        if (!std::getline(in, shown.source_line)) return text;
    if (shown.source_line.size() > longest) return text;
    shown.at.column = e.at().column;
    return text.insert(std::min(text.size(), text.find('\n')),
                       printable(to_string(shown).substr(std::string_view("error: ").size()), "\n\t"));
}

// "docker container ls, docker container list, docker ps": as docker's help lists what one command is called.
std::string names_in_docker(const std::string& group_command, std::string_view group, const Verb& verb) {
    std::string out = group_command + " " + verb.name;
    std::string_view others = verb.alias;
    while (!others.empty()) {
        const std::size_t end = std::min(others.find(' '), others.size());
        out += fmt::format(", {} {}", group_command, others.substr(0, end));
        others.remove_prefix(std::min(end + 1, others.size()));
    }
    for (const DockerWord& word : docker_words())
        if (word.path == fmt::format("{} {}", group, verb.name)) out += fmt::format(", docker {}", word.word);
    return out.find(',') == std::string::npos ? "" : out;
}

} // namespace

bool answers_to(const Verb& verb, std::string_view name) {
    if (name == verb.name) return true;
    if (name.empty()) return false;
    for (std::string_view names = verb.alias; !names.empty();) {
        const std::size_t end = std::min(names.find(' '), names.size());
        if (names.substr(0, end) == name) return true;
        names.remove_prefix(std::min(end + 1, names.size()));
    }
    return false;
}

const Verb* find_verb(std::span<const Verb> table, std::string_view name) {
    const auto found = std::find_if(table.begin(), table.end(), [&](const Verb& v) { return answers_to(v, name); });
    return found == table.end() ? nullptr : &*found;
}

Error unknown_verb(std::span<const Verb> table, const std::string& of, const std::string& name) {
    if (const std::string advice = advice_for(of, name); !advice.empty())
        return error(Errc::unsupported, "this version of davit has no \"{} {}\"", of, name).with_hint(advice);
    std::vector<std::string> known;
    for (const Verb& v : table)
        if (v.group != VerbGroup::hidden) known.emplace_back(v.name);
    return error(Errc::usage, "unknown command: \"{} {}\"{}", of, name, did_you_mean(name, known))
        .with_hint("see '" + of + " --help'");
}

int report_exception(bool json, bool own_codes) {
    const bool docker = docker_is_spoken() && !json;
    auto say = [=](const std::string& text) {
        if (docker) std::fprintf(stderr, "%s\n", text.c_str());
        else std::fprintf(stderr, "%s\n", json ? json_error_line(text).c_str() : ("error: " + text).c_str());
    };
    std::fflush(stdout);
    try {
        throw;
    } catch (const LoadError& e) {
        print_diagnostics(e.diagnostics(), json);
        return 1;
    } catch (const Error& e) {
        const bool stopped = docker && e.kind() == Errc::interrupted; // docker has no word for it
        if (e.what()[0] && !stopped)
            say(docker ? docker_error(with_advice(e)) : json ? with_advice(e).describe() : with_line(with_advice(e)));
        return own_codes && e.exit_code() ? e.exit_code() : e.kind() == Errc::interrupted ? Interrupts::exit_code() : 1;
    } catch (const std::exception& e) {
        say(printable(e.what(), "\n\t"));
        return 1;
    }
}

int run_compose(Globals& globals, const Args& args) {
    globals.program = globals.program == "davit" ? "docker-compose" : globals.program + " compose";
    globals.docker_words = globals.docker_codes = false;
    speak_docker(false);
    take_configured_context();
    return run_with_globals(globals, args, Grammar::compose);
}

int run_app(std::string_view program, const Args& args) {
    int code;
    Globals globals;
    try {
        code = run_checked(globals, program, args);
    } catch (...) {
        return report_exception(globals.progress == "json", globals.docker_codes);
    }
    if (std::fflush(stdout) != 0 && code == 0) {
        std::perror("error: writing the output");
        return 1;
    }
    return code;
}

int run_group(Globals& globals, const Args& args, const char* name, const char* summary, std::span<const Verb> table) {
    const std::string command = globals.program + " " + name;
    if (globals.describe) {
        globals.describe->group(table);
        return 0;
    }
    globals.docker_codes = true; // groups are docker's
    if (!args.empty() && args.front() != "--help" && args.front() != "-h") {
        const Verb* verb = find_verb(table, args.front());
        if (!verb && globals.docker_words && args.front().starts_with('-'))
            throw docker_unknown_flag(args.front(), command);
        if (!verb && globals.docker_words && advice_for(command, args.front()).empty())
            throw docker_unknown_command(command + " " + args.front(), command);
        if (!verb) throw unknown_verb(table, command, args.front());
        if (globals.docker_words) globals.docker_aliases = names_in_docker(command, name, *verb);
        return verb->run(globals, {args.begin() + 1, args.end()});
    }
    std::string help = fmt::format("Usage:  {} COMMAND\n\n{}\n\nCommands:\n", command, summary);
    for (const Verb& v : table)
        if (v.group != VerbGroup::hidden) help += fmt::format("  {:<12}{}\n", v.name, v.summary);
    help += fmt::format("\nRun '{} COMMAND --help' for more information on a command.\n", command);
    std::fputs(help.c_str(), globals.docker_words && args.empty() ? stderr : stdout); // docker: nobody asked
    return 0;
}

} // namespace davit::cli
