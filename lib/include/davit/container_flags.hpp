// The flags of `docker run`, `docker create` and `docker update`: what may be given, what each value may be, and the
// container that comes out. Pure but for reading --env-file, --label-file and seccomp profiles; the process's
// environment is never read.
#pragma once

#include "davit/containers.hpp"

#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#pragma GCC visibility push(default)
namespace davit {

struct ContainerFlag {
    const char* name;
    char short_name;                   // '\0': none
    const char* type;                  // as --help shows it; "": a switch
    void (*check)(const std::string&); // throws Error(usage) in docker's words; null: any text
    const char* help;                  // empty: it has no effect and is not shown
};
std::span<const ContainerFlag> container_flags();        // of run and create
std::span<const ContainerFlag> container_update_flags(); // of update

// What was given: the values of each flag, in order; a switch's are "true" and "false".
struct ContainerFlags {
    std::map<std::string, std::vector<std::string>, std::less<>> given;
    std::string image;             // the first argument
    std::vector<std::string> args; // the others

    // Throws Error(usage) for a value that the flag cannot have.
    void add(const ContainerFlag& flag, const std::string& value);
    bool has(std::string_view name) const { return given.find(name) != given.end(); }
    bool is_true(std::string_view name) const { return has(name) && text(name) == "true"; }
    std::string text(std::string_view name) const; // the last one; empty: none
    const std::vector<std::string>& all(std::string_view name) const;
};

struct ContainerFlagSurroundings {
    std::string current_dir; // absolute
    std::map<std::string, std::string> environment;
};

// The streams that `run` connects: -a, else output and errors, and input with -i.
struct AttachedStreams {
    bool input = false, output = false, errors = false;
    bool any() const { return input || output || errors; }
};
AttachedStreams attached_streams(const ContainerFlags& flags);

// detached: `run -d`, for what inspect shows of the streams. In docker's order of checking; Error(usage) is what docker
// itself refuses, any other kind what its engine would.
ContainerSpec container_spec(const ContainerFlags& flags, const ContainerFlagSurroundings& around,
                             bool detached = false);
// Throws Error(usage) when nothing is given.
ContainerUpdate container_update(const ContainerFlags& flags);

// One line of an --env-file, --env: "K=V", or "K" with the value of the environment; without one it is left out.
// Throws Error(usage): no such file, a line that is none.
std::vector<std::string> docker_environment(const std::vector<std::string>& files,
                                            const std::vector<std::string>& entries,
                                            const ContainerFlagSurroundings& around);

} // namespace davit
#pragma GCC visibility pop
