// A project that ends with what made it: when the Scope goes, and when its process dies, whatever kills it.
//
//     davit::Scope scope = davit::Engine().scope(shop); // or davit::Scope scope(shop), with options of both
//     scope.wait(davit::healthy("db"), davit::port("web", 80), davit::log("web", "ready"), 30s);
//     std::string url = scope.url("web", 80); // http://127.0.0.1:49153
//     auto out = scope.exec("db", {"psql", "-Atc", "select 1"}); // out.exit_code, out.stdout_text
//
// The project's supervisor watches the process by a pidfd (pidfd_open(2); the end of a connection would not do, for a
// forked child inherits it) and has it written down by number and start time, so that a supervisor that is started anew
// knows. Then it cancels what runs and removes containers, networks and volumes by a list that was made with the scope,
// within the grace that the options give. A child that the process forks has no part in it: its copy of a Scope does
// nothing at its end. After exec(3) the process is still the owner, and the project stays until it ends.
//
// A Scope is used by one thread at a time but for wait(), exec() and what only looks. Errors are davit::Error as
// davit/engine.hpp says, and what each call names.
#pragma once

#include "davit/engine.hpp"
#include "davit/project.hpp"
#include "davit/wait.hpp"

#include <chrono>
#include <concepts>
#include <cstdint>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#pragma GCC visibility push(default)
namespace davit {

struct ScopeOptions {
    // A name of its own for each scope, the project's with "-" and eight digits: any number of processes may run the
    // same project side by side. Networks and volumes that are not external get names after it, container_name becomes
    // an alias on the service's networks. Subnets that the project fixes stay as they are, and can be had once.
    bool unique = false;
    // Published ports are any that are free, on the addresses that the project says. url() tells which.
    bool ephemeral_ports = false;
    // Takes over a project that has containers already, and takes it down in the end. Else such a one is refused.
    bool adopt = false;
    bool start = true; // false: nothing is there until up()
    UpOptions up;      // of the start
    // Between a container's stop signal and SIGKILL at the end; 0: they are killed.
    std::chrono::nanoseconds grace{0};
};

struct ExecOutput {
    int exit_code = 0; // 128 + n: killed by signal n
    std::string stdout_text, stderr_text;
};

class Scope {
public:
    // Starts the project, complete as normalize() makes it, and returns as Engine::up() does; what was begun of one
    // that fails is taken down. First looks for scopes on this machine whose process is gone and that nobody takes down
    // (after a reboot). Errors: as Engine::up(); conflict (it has containers and adopt is not set; another process's).
    explicit Scope(const Project& project, const ScopeOptions& options = {}, const EngineOptions& engine = {},
                   std::stop_token stop = {});
    Scope(Scope&&) noexcept; // what was moved from is only destroyed or assigned to
    Scope& operator=(Scope&&) noexcept;
    // As down(); what fails then is an event of the engine's (a warning): the supervisor goes on trying.
    ~Scope();

    Engine& engine();
    const Project& project() const;  // as it runs: with its name and ports
    const std::string& name() const; // of the project
    // Brings it up again: after changes from outside, with other options, or after down(); then it ends with this
    // process as before. Errors: as the constructor's.
    void up(const UpOptions& options = {}, std::stop_token stop = {});

    // Blocks until nothing is left; until up() the Scope is empty then. Volumes that were there before the scope stay,
    // and so do images. Errors: unavailable (no supervisor), interrupted: the supervisor goes on with it, and it can be
    // asked for again.
    void down(std::stop_token stop = {});
    // The project stays as it is and ends with nobody.
    void release();

    // --- Looking. Errors: not_found (no such service, container or published port).
    std::vector<ContainerInfo> containers();
    ContainerInfo container(const std::string& service, int number = 1);
    // Where a published port is reached from this machine: "127.0.0.1:49153", "[::1]:49153".
    std::string address(const std::string& service, std::uint16_t port, const std::string& protocol = "tcp");
    std::string url(const std::string& service, std::uint16_t port, const std::string& scheme = "http");
    // What its containers wrote, oldest first, standard output and errors alike.
    std::string log(const std::string& service);

    // One more process in the first container, with this input; blocks until it has ended. Errors: as Engine::exec().
    ExecOutput exec(const std::string& service, std::vector<std::string> command, std::string_view input = {},
                    std::stop_token stop = {});
    ExecOutput exec(const std::string& service, const ExecOptions& options, std::string_view input = {},
                    std::stop_token stop = {});

    // Conditions and, where it stands last, a deadline. Errors: as davit::wait().
    void wait(const std::vector<Wait>& waits, std::chrono::nanoseconds limit = {}, std::stop_token stop = {});
    template <typename... Rest>
    requires(... && (std::same_as<Rest, Wait> ||
                     std::convertible_to<Rest, std::chrono::nanoseconds>)) void wait(Wait first, Rest... rest) {
        std::vector<Wait> waits{std::move(first)};
        std::chrono::nanoseconds limit{0};
        const auto add = [&](auto&& one) {
            if constexpr (std::same_as<std::remove_cvref_t<decltype(one)>, Wait>) waits.push_back(std::move(one));
            else limit = one;
        };
        (add(std::move(rest)), ...);
        wait(waits, limit);
    }

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

} // namespace davit
#pragma GCC visibility pop
