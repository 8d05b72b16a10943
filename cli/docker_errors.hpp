// What stands on standard error where docker's words are spoken: docker's texts, word for word, since scripts and tests
// look for them. Some are its client's own, the others what its engine answers.
#pragma once

#include "base/error.hpp"
#include "cli/app.hpp"

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <typeinfo>

namespace davit::cli {

// From now on, in this process: errors are told by docker_error().
void speak_docker(bool now = true);
bool docker_is_spoken();

// Whether progress is for nobody: docker shows it to terminals only.
bool is_without_progress(const Globals& globals);

// Of a mistake that docker's client finds itself (Errc::usage; its engine's are Errc::invalid_project) the text alone,
// else with "Error response from daemon: " before it. Hints stay where docker would have done what davit cannot do.
std::string docker_error(const Error& error);

// docker buildx's: "ERROR: " before what is none of its flags' mistakes, and no engine.
std::string buildx_error(const Error& error);
// The exit code of a command of buildx; what it throws is told so where docker's words are spoken.
int told_as_buildx(const std::function<int()>& command);

// A warning of davit's engine as docker has it: empty where docker says nothing; nothing where davit alone has it.
std::optional<std::string> docker_warning(std::string_view text);

// "No such container: x" → "Error response from daemon: No such container: x", for what is put together of errors.
std::string engine_answer(std::string_view text);

// The same error with that before its text, as the engine says what of a request went wrong: "cannot kill container: x:
// ".
Error told_after(const std::string& prefix, const Error& error);
// An error of docker's client that has the whole text of another one in it: "failed to rename container: Error response
// …"
Error wrapped(std::string_view prefix, const Error& error);

// What fn throws is a mistake that docker's client finds, where docker's words are spoken: without the engine's name.
// Mistakes of files keep their places.
template <typename F>
auto as_client(F&& fn) {
    try {
        return fn();
    } catch (const Error& e) {
        if (!docker_is_spoken() || e.kind() == Errc::interrupted || e.os() || typeid(e) != typeid(Error)) throw;
        Error out(Errc::usage, e.what());
        out.with_hint(e.hint()).with_exit_code(e.exit_code()).with_at(e.at());
        for (const std::string& context : e.context()) out.with_context(context);
        throw out;
    }
}

// What the runtime says where a command cannot be run in a container that is there.
std::string docker_exec_error(const Error& error);

// All of them, a line each; the last is thrown. In davit's own words the first one, with the others as its context.
void throw_each(ErrorList& errors);

// Of a port that another container has: with the endpoint that did not get it, as docker names it.
Error with_endpoint(const Error& error, const std::string& container, const std::string& id);

// As `docker run` and `docker create` tell why: "docker: …", and where to read on.
std::string docker_run_error(const Error& error, std::string_view command);

// command: "docker ps", use_line: "docker ps [OPTIONS]".
Error docker_flag_mistake(std::string_view text, std::string_view command, std::string_view use_line);
Error docker_wrong_number(std::string_view command, std::string_view use_line, std::size_t min, std::size_t max);

// group: "docker image", whose verbs do not have it; "docker" itself has no use line.
Error docker_unknown_command(std::string_view command, std::string_view group);
Error docker_unknown_flag(std::string_view flag, std::string_view group); // behind the group's name

// Why a flag's value is none, for flags of that type ("": a switch).
std::string docker_reason(std::string_view type, std::string_view value, const Error& why);

} // namespace davit::cli
