#include "cli/docker_errors.hpp"

#include "base/engine_words.hpp"
#include "base/error.hpp"
#include "base/printable.hpp"
#include "cli/options.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <unistd.h>

namespace davit::cli {

namespace {

bool docker_spoken = false; // of this process: set once, before anything is done

constexpr std::string_view answer = "Error response from daemon: ";

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

// What a system call said, as Go's programs spell it: "opening x: No such file" → "open x: no such file".
std::string in_go_words(const Error& e) {
    static constexpr std::pair<std::string_view, std::string_view> verbs[] = {
        {"opening ", "open "}, {"reading ", "read "}, {"writing ", "write "}};
    std::string text = e.what();
    for (const auto& [here, there] : verbs)
        if (text.starts_with(here)) text.replace(0, here.size(), there);
    const std::string why = e.os().message();
    if (const std::size_t at = text.rfind(why); at != std::string::npos && !why.empty()) text[at] = lower(text[at]);
    return text;
}

// "davit has no plugins", "this version of davit …"
bool is_davits(std::string_view text) { return text.starts_with("davit") || text.starts_with("this version of davit"); }

// davit's own refusals and the machine's: what to do about them is not in docker's manuals.
bool needs_hint(const Error& e) {
    const bool dockers = std::string_view(e.what()).starts_with("plugin \""); // it has no such driver either
    return !e.hint().empty() && !dockers && (e.kind() == Errc::unsupported || e.os());
}

// Whether it is about the command that a process was to become.
bool is_about_command(const Error& e) { return std::string_view(e.what()).starts_with("exec: \""); }

constexpr std::string_view in_process = "unable to start container process: ";

// Beginnings of what Swarm's manager refuses, which its engine hands on with the status of the call.
constexpr std::pair<std::string_view, std::string_view> managers[] = {
    {"ContainerSpec: ", "InvalidArgument"},
    {"TaskSpec: ", "InvalidArgument"},
    {"EndpointSpec: ", "InvalidArgument"},
    {"invalid cpu value ", "InvalidArgument"},
    {"invalid memory value ", "InvalidArgument"},
    {"name must be ", "InvalidArgument"},
    {"invalid name, only 64 ", "InvalidArgument"},
    {"expanding ", "InvalidArgument"},
    {"only updates to Labels are allowed", "InvalidArgument"},
    {"Jobs may not have an update config", "InvalidArgument"},
    {"config data must be ", "InvalidArgument"},
    {"secret data must be ", "InvalidArgument"},
    {"config references ", "InvalidArgument"},
    {"secret references ", "InvalidArgument"},
    {"constraint expected ", "Unknown"},
    {"attempting to demote the last manager", "FailedPrecondition"},
};

std::string_view managers_status(std::string_view text) {
    for (const auto& [beginning, status] : managers)
        if (text.starts_with(beginning)) return status;
    const bool object = text.starts_with("config ") || text.starts_with("secret ");
    if (object && text.find("' is in use by the following service") != std::string_view::npos) return "InvalidArgument";
    if (object && text.ends_with(" already exists")) return "AlreadyExists";
    if ((text.starts_with("key '") || text.starts_with("value '")) && text.ends_with("' is invalid")) return "Unknown";
    if (text.starts_with("node ") && text.find(" is a cluster manager and ") != std::string_view::npos)
        return "FailedPrecondition";
    return {};
}

// What docker's client says of objects that its engine has not.
bool is_clients(std::string_view text) {
    for (const char* beginning :
         {"no such service: ", "no such task or service: ", "secret not found: ", "config not found: "})
        if (text.starts_with(beginning)) return true;
    return false;
}

} // namespace

bool is_without_progress(const Globals& globals) {
    return docker_spoken && globals.progress.empty() && ::isatty(STDERR_FILENO) == 0;
}

void speak_docker(bool now) { docker_spoken = now; }
bool docker_is_spoken() { return docker_spoken; }

std::string engine_answer(std::string_view text) {
    return text.starts_with(answer) ? std::string(text) : std::string(answer) + std::string(text);
}

std::string docker_error(const Error& error) {
    std::string text = error.os() ? in_go_words(error) : std::string(error.what());
    constexpr std::string_view ours = "\"davit ", theirs = "\"docker "; // commands that it names
    for (std::size_t at = 0; (at = text.find(ours, at)) != std::string::npos; at += theirs.size())
        text.replace(at, ours.size(), theirs);
    if (is_about_command(error))
        text =
            fmt::format("failed to create task for container: failed to create shim task: OCI runtime create failed: "
                        "runc create failed: {}error during container init: {}",
                        in_process, text);
    const bool own = error.kind() == Errc::usage || error.kind() == Errc::interrupted || error.os() ||
                     is_davits(text) || is_clients(text);
    const std::string_view status = own ? std::string_view() : managers_status(text);
    if (!status.empty()) text = fmt::format("rpc error: code = {} desc = {}", status, text);
    if (!own) text = engine_answer(text);
    constexpr std::string_view also = "also: "; // as ErrorList::throw_if_any() has what went wrong besides
    for (const std::string& context : error.context())
        if (context.starts_with(also)) {
            const std::string_view other = std::string_view(context).substr(also.size());
            text += "\n" + (is_clients(other) ? std::string(other) : engine_answer(other));
        }
    if (needs_hint(error)) text += "\n  hint: " + error.hint();
    return printable(text, "\n\t");
}

std::string buildx_error(const Error& error) {
    std::string text = docker_error(error);
    if (text.starts_with(answer)) text.erase(0, answer.size());
    // Its flags are read by docker's client, which tells of mistakes itself.
    const bool flag = text.find("\n\nUsage:  ") != std::string::npos && !text.starts_with("docker: '");
    return flag || text.starts_with("ERROR: ") ? text : "ERROR: " + text;
}

int told_as_buildx(const std::function<int()>& command) {
    if (!docker_spoken) return command();
    try {
        return command();
    } catch (const Error& e) {
        // Diagnostics of files have a form of their own, and an empty text has been told.
        if (typeid(e) != typeid(Error) || e.kind() == Errc::interrupted || !e.what()[0]) throw;
        std::fflush(stdout);
        std::fprintf(stderr, "%s\n", buildx_error(e).c_str());
        return e.exit_code() ? e.exit_code() : 1;
    }
}

std::optional<std::string> docker_warning(std::string_view text) {
    const std::size_t at = text.find("ports have no effect with network_mode: ");
    if (at == std::string_view::npos) return std::nullopt;
    return text.ends_with("host") ? "WARNING: Published ports are discarded when using host network mode" : "";
}

Error told_after(const std::string& prefix, const Error& error) {
    Error out(error.kind(), prefix + error.what());
    out.with_os(error.os()).with_hint(error.hint()).with_exit_code(error.exit_code());
    out.with_at(error.at());
    for (const std::string& context : error.context()) out.with_context(context);
    return out;
}

Error wrapped(std::string_view prefix, const Error& error) {
    if (!docker_spoken) return error;
    return Error(Errc::usage, std::string(prefix) + docker_error(error)).with_exit_code(error.exit_code());
}

Error with_endpoint(const Error& error, const std::string& container, const std::string& id) {
    if (!docker_spoken) return error;
    const std::string text = port_error_of_engine(error.what(), container, id);
    return text == error.what() ? error : Error(Errc::conflict, text);
}

void throw_each(ErrorList& errors) {
    if (!docker_spoken) errors.throw_if_any();
    if (errors.empty()) return;
    std::fflush(stdout);
    const auto& all = errors.errors();
    for (std::size_t i = 0; i + 1 < all.size(); ++i) std::fprintf(stderr, "%s\n", docker_error(all[i]).c_str());
    throw all.back();
}

std::string docker_exec_error(const Error& error) {
    std::string text = error.what();
    constexpr std::string_view entering = "while entering the working directory ";
    if (text.starts_with("the working directory ") && text.ends_with(" is not an absolute path"))
        return "OCI runtime exec failed: exec failed: Cwd must be an absolute path";
    if (text.starts_with(entering)) {
        text = fmt::format("chdir to cwd (\"{}\") set in config.json failed: {}",
                           text.substr(entering.size(), text.rfind(": ") - entering.size()),
                           std::string(1, lower(error.os().message()[0])) + error.os().message().substr(1));
        if (error.os().value() == ENOTDIR)
            text += ": Are you trying to mount a directory onto a file (or vice-versa)? Check if the specified host "
                    "path exists and is the expected type";
    }
    return printable(fmt::format("OCI runtime exec failed: exec failed: {}{}", in_process, text), "\n\t");
}

std::string docker_run_error(const Error& error, std::string_view command) {
    return fmt::format("docker: {}\n\nRun 'docker {} --help' for more information", docker_error(error), command);
}

Error docker_flag_mistake(std::string_view text, std::string_view command, std::string_view use_line) {
    return error(Errc::usage, "{}\n\nUsage:  {}\n\nRun '{} --help' for more information", text, use_line, command);
}

Error docker_wrong_number(std::string_view command, std::string_view use_line, std::size_t min, std::size_t max) {
    std::string wanted;
    const bool open = max == Options::any_number;
    if (max == 0) wanted = "accepts no arguments";
    else if (min == max) wanted = fmt::format("requires {} argument", min);
    else if (open) wanted = fmt::format("requires at least {} argument", min);
    else if (min == 0) wanted = fmt::format("requires at most {} argument", max);
    else wanted = fmt::format("requires at least {} and at most {} argument", min, max);
    if (max != 0 && (open ? min : max) != 1) wanted += 's';
    return error(Errc::usage, "docker: '{}' {}\n\nUsage:  {}\n\n{} '{} --help' for more information", command, wanted,
                 use_line, open ? "See" : "Run", command);
}

namespace {

// How a group is used, and where more is told of it.
std::string below_mistake(std::string_view group) {
    // Some of docker's groups say more of themselves than others.
    const char* more = group == "docker volume" || group == "docker manifest" ? " COMMAND"
                       : group == "docker stack"                              ? " [OPTIONS]"
                                                                              : "";
    const std::string use_line = group == "docker" ? "" : fmt::format("Usage:  {}{}\n\n", group, more);
    return fmt::format("\n\n{}Run '{} --help' for more information", use_line, group);
}

} // namespace

Error docker_unknown_command(std::string_view command, std::string_view group) {
    return error(Errc::usage, "docker: unknown command: {}{}", command, below_mistake(group));
}

Error docker_unknown_flag(std::string_view flag, std::string_view group) {
    constexpr int refused = 125;
    const std::string what = flag.starts_with("--") || flag.size() < 2
                                 ? fmt::format("unknown flag: {}", flag.substr(0, flag.find('=')))
                                 : fmt::format("unknown shorthand flag: '{}' in {}", flag[1], flag);
    return error(Errc::usage, "{}{}", what, below_mistake(group)).with_exit_code(refused);
}

std::string docker_reason(std::string_view type, std::string_view value, const Error& why) {
    const char* kind = type.empty() ? "Bool" : type == "int" ? "Int" : nullptr;
    if (!kind) return why.what();
    const std::size_t sign = !value.empty() && (value[0] == '-' || value[0] == '+') ? 1 : 0;
    const bool digits = type == "int" && value.size() > sign &&
                        std::all_of(value.begin() + static_cast<std::ptrdiff_t>(sign), value.end(),
                                    [](char c) { return c >= '0' && c <= '9'; });
    return fmt::format("strconv.Parse{}: parsing \"{}\": {}", kind, value,
                       digits ? "value out of range" : "invalid syntax");
}

} // namespace davit::cli
