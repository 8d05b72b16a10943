// `docker …`: the words and flags of docker's own command line, over davit's verbs.
#include "cli/cmd/docker.hpp"
#include "base/error.hpp"
#include "cli/cmd/verbs.hpp"
#include "cli/docker_errors.hpp"
#include "cli/docker_version.hpp"
#include "cli/docker_words.hpp"
#include "cli/endpoint.hpp"
#include "cli/endpoint_client.hpp"
#include "cli/options.hpp"
#include "cli/suggest.hpp"

#include <cstdio>
#include <cstdlib>
#include <fmt/ranges.h>
#include <optional>
#include <set>
#include <string_view>

namespace davit::cli {

namespace {

struct DockerFlags {
    std::optional<std::string> config, context, host, log_level;
    bool version = false;
    bool debug = false; // taken, without effect
    TlsFlags tls;
};

Options docker_options(const Globals& globals, DockerFlags& f) {
    // In a list of davit's verbs it is one of them.
    Options options(globals.describe ? "docker [OPTIONS] COMMAND" : "[OPTIONS] COMMAND",
                    "Docker's commands, without a daemon");
    options.called(globals.program)
        .value("config", f.config, "Location of client config files")
        .value("c,context", f.context, "Name of the context to use: one of this machine")
        .value("H,host", f.host, "Engine to connect to: unix:///var/run/docker.sock means this machine")
        .flag("v,version", f.version, "Print version information and quit")
        .flag("D,debug", f.debug, "Enable debug mode (davit says no more with it)")
        .value("l,log-level", f.log_level,
               "Set the logging level: debug, info, warn, error, fatal (davit logs nothing) (default \"info\")")
        .flag("tls", f.tls.wanted, "Use TLS: its files have to be there, but there is no connection")
        .value("tlscacert", f.tls.ca, "Certificate of a CA (default \"~/.docker/ca.pem\")")
        .value("tlscert", f.tls.certificate, "Certificate (default \"~/.docker/cert.pem\")")
        .value("tlskey", f.tls.key, "Key of the certificate (default \"~/.docker/key.pem\")")
        .flag("tlsverify", f.tls.wanted, "Use TLS and check the other side's certificate: as --tls")
        .verbatim_after_first()
        .epilog(docker_help());
    return options;
}

Error unknown_word(const Globals& globals, const std::string& word) {
    if (const std::string advice = advice_for("docker", word); !advice.empty())
        return error(Errc::unsupported, "davit has no \"{} {}\"", globals.program, word).with_hint(advice);
    return docker_unknown_command("docker " + word, "docker");
}

int run_word(Globals& globals, Args rest) {
    if (rest.front() == "help") {
        rest.erase(rest.begin());
        const bool known = rest.front() == "compose" || from_docker_words(rest) || rest.front().starts_with('-');
        if (!known && advice_for("docker", rest.front()).empty())
            throw error(Errc::usage, "unknown help topic: {}", fmt::join(rest, " "));
        rest.push_back("--help");
    }
    if (rest.front() == "compose") return run_compose(globals, {rest.begin() + 1, rest.end()});
    const auto path = from_docker_words(rest);
    if (!path) throw unknown_word(globals, rest.front());
    const Verb* verb = find_verb(verbs(), path->front());
    if (path->size() > rest.size()) globals.docker_word = rest.front();
    if (!verb) throw error(Errc::unsupported, "this version of davit has no \"{}\"", path->front());
    return verb->run(globals, {path->begin() + 1, path->end()});
}

} // namespace

CommandInfo docker_command() {
    DockerFlags flags;
    return docker_options({}, flags).info();
}

int run_docker(Globals& globals, const Args& args) {
    DockerFlags flags;
    Args rest;
    Options options = docker_options(globals, flags);
    options.arguments(rest);
    if (globals.describe) {
        globals.describe->command(options.info());
        return 0;
    }
    globals.program = "docker"; // also of `davit docker`: what is said is docker's, word for word
    options.called(globals.program).tells_mistakes_as_docker();
    globals.docker_words = globals.docker_codes = true;
    speak_docker();
    if (!options.parse(args)) return 0;
    static const std::set<std::string_view> levels{"trace",   "debug", "info",  "warn",
                                                   "warning", "error", "fatal", "panic"};
    if (flags.log_level && !levels.contains(*flags.log_level))
        throw error(Errc::usage, "Unable to parse logging level: {}", *flags.log_level).with_exit_code(1);
    if (flags.config) ::setenv("DOCKER_CONFIG", flags.config->c_str(), 1);
    take_endpoint_flags(flags.host, flags.context);
    take_tls_flags(flags.tls);
    take_configured_context();
    if (flags.version) {
        std::puts(docker_version_line);
        return 0;
    }
    if (rest.empty() || rest == Args{"help"}) {
        std::fputs(options.help().c_str(), rest.empty() ? stderr : stdout);
        return 0;
    }
    return run_word(globals, std::move(rest));
}

} // namespace davit::cli
