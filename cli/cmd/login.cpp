#include "base/error.hpp"
#include "base/printable.hpp"
#include "base/sys.hpp"
#include "cli/cmd/verbs.hpp"
#include "cli/diagnostics.hpp"
#include "cli/docker_errors.hpp"
#include "cli/interrupts.hpp"
#include "cli/options.hpp"
#include "cli/terminal.hpp"
#include "davit/registry.hpp"

#include <cstdio>
#include <iostream>
#include <unistd.h>

namespace davit::cli {

namespace {

std::string line_of_input() {
    std::string line;
    if (!std::getline(std::cin, line)) throw error(Errc::interrupted, "nothing was typed");
    while (line.ends_with('\r')) line.pop_back();
    return line;
}

std::string ask(const std::string& question) {
    std::fputs(question.c_str(), stderr);
    return line_of_input();
}

std::string ask_hidden(const std::string& question) {
    const TerminalMode mode(STDIN_FILENO, TerminalMode::Kind::hidden);
    std::string answer = ask(question);
    std::fputc('\n', stderr);
    return answer;
}

std::string password_of_stdin() {
    std::string text = sys::read_all(STDIN_FILENO);
    while (text.ends_with('\n') || text.ends_with('\r')) text.pop_back();
    if (text.empty()) throw error(Errc::usage, "password is empty");
    return text;
}

int succeeded() {
    std::puts("Login Succeeded");
    return 0;
}

bool logged_in_already(const std::string& registry) {
    try {
        const auto user = check_kept_login(registry);
        if (!user) return false;
        std::fprintf(stderr, "Authenticating with existing credentials%s\n",
                     user->empty() ? "" : printable(" of user " + *user).c_str());
        return true;
    } catch (const Error& e) {
        if (e.kind() != Errc::denied) throw;
        std::fprintf(stderr, "The existing credentials are refused: %s\n", printable(e.what()).c_str());
        return false;
    }
}

} // namespace

int run_login(Globals& globals, const Args& args) {
    LoginRequest request;
    bool from_stdin = false, given = false;
    std::vector<std::string> servers;
    Options options(globals, "login [OPTIONS] [SERVER]", "Log in to a registry; without SERVER, to Docker Hub");
    options
        .each(
            "p,password", "string",
            [&](const std::string& value) {
                request.password = value;
                given = true;
            },
            "Password or personal access token")
        .flag("password-stdin", from_stdin, "Take the password from stdin")
        .value("u,username", request.user, "Username")
        .arguments(servers, 0, 1);
    if (!options.parse(args)) return 0;
    if (given && from_stdin)
        throw error(Errc::usage, "conflicting options: cannot specify both --password and --password-stdin");
    if (from_stdin && request.user.empty())
        throw error(Errc::usage, "the --password-stdin option requires --username to be set");
    if (given && request.password.empty()) throw error(Errc::usage, "the password is empty");
    request.registry = registry_name(servers.empty() ? "" : servers[0]);
    if (globals.dry_run) return 0;
    if (given && docker_is_spoken())
        std::fputs("WARNING! Using --password via the CLI is insecure. Use --password-stdin.\n", stderr);
    else if (given) print_warning("other users see the password among the processes: --password-stdin is safe");
    if (from_stdin) request.password = password_of_stdin();
    if (request.user.empty() && !given && logged_in_already(request.registry)) return succeeded();
    if ((request.user.empty() || request.password.empty()) && !is_terminal(STDIN_FILENO))
        throw error(Errc::usage, "{}",
                    docker_is_spoken() ? "error: cannot perform an interactive login from a non-TTY device"
                                       : "cannot ask for the user name and password: standard input is no terminal")
            .with_hint("davit login --username NAME --password-stdin");
    if (request.user.empty()) request.user = ask("Username: ");
    if (request.user.empty()) throw error(Errc::usage, "the user name is empty");
    if (request.password.empty()) request.password = ask_hidden("Password: ");
    if (request.password.empty()) throw error(Errc::usage, "the password is empty");
    Interrupts interrupts;
    const KeptLogin kept = login(request, interrupts.token());
    if (kept.plain_text && docker_is_spoken())
        std::fprintf(
            stderr,
            "\nWARNING! Your credentials are stored unencrypted in '%s'.\nConfigure a credential helper to remove "
            "this warning. See\nhttps://docs.docker.com/go/credential-store/\n\n",
            printable(kept.place).c_str());
    else if (kept.plain_text)
        print_warning("the password stands in " + kept.place +
                      " unencrypted; a credential helper (\"credsStore\" there) keeps it safe");
    return succeeded();
}

int run_logout(Globals& globals, const Args& args) {
    std::vector<std::string> servers;
    Options options(globals, "logout [SERVER]", "Log out from a registry; without SERVER, from Docker Hub");
    options.arguments(servers, 0, 1);
    if (!options.parse(args)) return 0;
    const std::string registry = registry_name(servers.empty() ? "" : servers[0]);
    if (globals.dry_run) return 0;
    // docker says that it takes them away whether they are there or not.
    const std::string told = docker_is_spoken() && servers.empty() ? "https://index.docker.io/v1/" : registry;
    if (logout(registry) || docker_is_spoken())
        std::printf("Removing login credentials for %s\n", printable(told).c_str());
    else std::printf("Not logged in to %s\n", printable(registry).c_str());
    return 0;
}

} // namespace davit::cli
