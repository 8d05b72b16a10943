#include "cli/cmd/verbs.hpp"
#include "cli/completion/complete.hpp"
#include "cli/completion/scripts.hpp"
#include "cli/context.hpp"
#include "cli/load_options.hpp"
#include "cli/options.hpp"
#include "cli/plugin.hpp"

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/printable.hpp"
#include "davit/images.hpp"
#include "davit/revisions.hpp"
#include "davit/swarm_look.hpp"
#include "davit/swarm_objects.hpp"

#include <cstdio>
#include <set>
#include <sstream>
#include <strings.h>

namespace davit::cli {

namespace {

// Services and profiles come from the file as it stands, even when it has mistakes elsewhere.
std::vector<std::string> from_file(Globals& globals, bool services) {
    globals.profiles = {"*"};
    LoadOptions options = load_options(globals);
    options.resources = {}; // Tab does not reach for the network
    options.check_consistency = options.resolve_environment = options.validate = false;
    const Project project = load(options).project;
    std::set<std::string> out;
    for (const auto& [name, service] : project.services) {
        if (services) out.insert(name);
        else out.insert(service.profiles.begin(), service.profiles.end());
    }
    return {out.begin(), out.end()};
}

// Those that have a name in the Dockerfile here: "FROM [--platform=…] image AS name".
std::vector<std::string> stages() {
    std::vector<std::string> out;
    std::istringstream lines(read_file_if_exists("Dockerfile").value_or(""));
    for (std::string line; std::getline(lines, line);) {
        std::istringstream in(line);
        std::vector<std::string> words;
        for (std::string word; in >> word;) words.push_back(word);
        const auto is = [&](std::size_t at, const char* what) { return ::strcasecmp(words[at].c_str(), what) == 0; };
        if (words.size() >= 4 && is(0, "from") && is(words.size() - 2, "as")) out.push_back(words.back());
    }
    return out;
}

std::vector<std::string> names_in_swarm(Engine& engine, const std::string& kind) {
    std::vector<std::string> out;
    if (kind == "SWARM_SERVICE")
        for (const auto& service : swarm::services(engine)) out.push_back(service.spec.name);
    if (kind == "STACK")
        for (const auto& stack : swarm::stacks(engine)) out.push_back(stack.name);
    if (kind == "SECRET")
        for (const auto& secret : swarm::files(engine, swarm::FileKind::secret)) out.push_back(secret.spec.name);
    if (kind == "NODE") out.push_back(swarm::node(engine, "self").name);
    return out;
}

std::vector<std::string> names_of(Globals& globals, const std::string& kind) {
    if (kind == "SERVICE" || kind == "PROFILE") return from_file(globals, kind == "SERVICE");
    if (kind == "STAGE") return stages();
    std::vector<std::string> out;
    if (kind == "SHELL") {
        for (const CompletionScript& script : completion_scripts) out.emplace_back(script.shell);
        return out;
    }
    if (kind == "IMAGE" || kind == "REPOSITORY") {
        Engine engine;
        for (const auto& image : list_images(engine)) out.insert(out.end(), image.tags.begin(), image.tags.end());
        return out;
    }
    Context context(globals);
    Engine& engine = context.engine();
    if (kind == "REVISION") {
        for (const auto& revision : revisions(engine, context.project_name()))
            out.push_back(std::to_string(revision.number));
        return out;
    }
    if (kind == "SWARM_SERVICE" || kind == "STACK" || kind == "SECRET" || kind == "NODE")
        return names_in_swarm(engine, kind);
    if (kind == "NETWORK")
        for (const auto& n : engine.networks()) out.push_back(n.name);
    else if (kind == "VOLUME")
        for (const auto& v : engine.volumes()) out.push_back(v.name);
    else
        for (const auto& p : engine.projects()) {
            if (kind == "PROJECT") out.push_back(p.name);
            if (kind != "CONTAINER") continue;
            for (const auto& c : engine.containers(p.name)) out.push_back(c.name);
        }
    return out;
}

// docker's own completion asks its plugins: the last line says what else may be offered.
int print_for_docker(const Completion& found) {
    constexpr int no_space = 2, no_files = 4;
    int directive = found.files ? 0 : no_files;
    for (const Candidate& c : found.candidates) {
        std::printf("%s\t%s\n", printable(c.text).c_str(), printable(c.help).c_str());
        if (c.text.ends_with('=')) directive |= no_space;
    }
    std::printf(":%d\n", directive);
    return 0;
}

// The lines that say which command it is for.
std::string for_program(std::string text, const std::string& program) {
    for (const std::string line : {"complete -F _davit ", "#compdef ", "compdef _davit ", "complete -c "})
        if (const std::size_t at = text.find(line + "davit"); at != std::string::npos)
            text.replace(at + line.size(), std::string_view("davit").size(), program);
    return text;
}

} // namespace

int run_completion(Globals& globals, const Args& args) {
    std::vector<std::string> shell;
    Options options(globals, "completion SHELL", "Print the completion script of a shell: bash, zsh or fish");
    options.arguments(shell, 1, 1)
        .epilog("For this session:  source <(davit completion bash)    davit completion fish | source");
    if (!options.parse(args)) return 0;
    for (const CompletionScript& script : completion_scripts)
        if (shell.front() == script.shell) {
            std::fputs(for_program(script.text, globals.docker_words ? "docker" : "davit").c_str(), stdout);
            return 0;
        }
    throw error(Errc::usage, "no completion for the shell \"{}\"", shell.front()).with_hint("one of bash, zsh, fish");
}

int run_complete(Globals& globals, const Args& words) {
    const Grammar grammar = globals.docker_words         ? Grammar::docker
                            : globals.program == "davit" ? Grammar::davit
                                                         : Grammar::compose;
    const auto names = [](Globals& g, const std::string& kind) -> std::vector<std::string> {
        try {
            return names_of(g, kind);
        } catch (const Error&) {
            return {}; // there is nothing to offer; the command itself will say why
        }
    };
    const Completion found = complete(words, names, grammar);
    if (called_as_plugin()) return print_for_docker(found);
    if (found.files && found.candidates.empty()) std::puts(":files");
    for (const Candidate& c : found.candidates)
        std::printf("%s\t%s\n", printable(c.text).c_str(), printable(c.help).c_str());
    return 0;
}

} // namespace davit::cli
