#include "cli/cmd/docker_context_change.hpp"

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/printable.hpp"
#include "base/sys.hpp"
#include "cli/context_store.hpp"
#include "cli/endpoint.hpp"
#include "cli/format/json_text.hpp"
#include "cli/options.hpp"

#include <cerrno>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <optional>
#include <unistd.h>

namespace davit::cli {

namespace {

// The name goes to who reads it, what was done to who looks on.
void say_done(const std::string& name, const char* what) {
    std::puts(printable(name).c_str());
    std::fflush(stdout);
    std::fprintf(stderr, "Successfully %s context \"%s\"\n", what, printable(name).c_str());
}

void require_free(const std::string& name) {
    check_context_name(name);
    if (context_exists(name)) throw error(Errc::usage, "context \"{}\" already exists", name);
}

std::string all_of(int fd) {
    std::string out;
    char buffer[1 << 16];
    for (ssize_t n; (n = ::read(fd, buffer, sizeof buffer)) != 0;) {
        if (n < 0) throw sys_error(errno, "reading the context");
        out.append(buffer, static_cast<std::size_t>(n));
    }
    return out;
}

} // namespace

int run_context_create(Globals& globals, const Args& args) {
    std::string description, from;
    std::optional<std::string> docker;
    std::vector<std::string> names;
    Options options(globals, "context create [OPTIONS] CONTEXT", "Create a context");
    options.value("description", description, "Description of the context")
        .value("docker", docker, "The docker endpoint: host=…, ca=…, cert=…, key=…, skip-tls-verify=…, or from=CONTEXT",
               "stringToString")
        .value("from", from, "Create context from a named context")
        .arguments(names, 1, 1);
    options.epilog("davit acts on this machine alone: a context that leads elsewhere is for docker's own program.");
    if (!options.parse(args)) return 0;
    require_free(names[0]);
    if (!from.empty() && docker) throw error(Errc::usage, "cannot use --docker flag when --from is set");
    take_configured_context();
    const std::string shape = docker ? *docker : "from=" + (from.empty() ? current_context() : from);
    const ContextFiles files = files_of_endpoint(shape, names[0], description);
    if (!globals.dry_run) write_context_files(names[0], files);
    say_done(names[0], "created");
    return 0;
}

int run_context_update(Globals& globals, const Args& args) {
    std::optional<std::string> description, docker;
    std::vector<std::string> names;
    Options options(globals, "context update [OPTIONS] CONTEXT", "Update a context");
    options.value("description", description, "Description of the context")
        .value("docker", docker, "The docker endpoint: host=…, ca=…, cert=…, key=…, skip-tls-verify=…, or from=CONTEXT",
               "stringToString")
        .arguments(names, 1, 1);
    if (!options.parse(args)) return 0;
    check_context_name(names[0]);
    ContextFiles files = read_context_files(names[0]);
    auto document = nlohmann::ordered_json::parse(files["meta.json"]);
    auto about = document.value("Metadata", nlohmann::ordered_json::object());
    if (description) about["Description"] = *description;
    if (docker) files = files_of_endpoint(*docker, names[0], "");
    document = nlohmann::ordered_json::parse(files["meta.json"]);
    document["Metadata"] = about;
    files["meta.json"] = json_text(document);
    if (!globals.dry_run) write_context_files(names[0], files);
    say_done(names[0], "updated");
    return 0;
}

int run_context_rm(Globals& globals, const Args& args) {
    bool force = false;
    std::vector<std::string> names;
    Options options(globals, "context rm CONTEXT [CONTEXT...]", "Remove one or more contexts");
    options.flag("f,force", force, "Force the removal of a context in use").arguments(names, 1);
    if (!options.parse(args)) return 0;
    take_configured_context();
    const std::string current = current_context(), configured = configured_context();
    ErrorList errors;
    for (const std::string& name : names)
        errors.run([&] {
            if (name == "default") throw error(Errc::usage, "context \"default\" cannot be removed");
            if (name == current && !force)
                throw error(Errc::usage, "context \"{}\" is in use, set -f flag to force remove", name);
            if (!context_exists(name) && !force) throw error(Errc::usage, "context \"{}\" does not exist", name);
            if (!globals.dry_run) {
                if (name == configured) configure_context("default");
                remove_context_files(name);
            }
            std::puts(printable(name).c_str());
        });
    errors.throw_if_any();
    return 0;
}

int run_context_export(Globals& globals, const Args& args) {
    std::vector<std::string> words;
    Options options(globals, "context export [OPTIONS] CONTEXT [FILE|-]",
                    "Export a context to a tar archive FILE or a tar stream on STDOUT");
    options.arguments(words, 1, 2);
    if (!options.parse(args)) return 0;
    check_context_name(words[0]);
    const std::string archive = pack_context(read_context_files(words[0]));
    const std::string to = words.size() == 2 ? words[1] : words[0] + ".dockercontext";
    if (globals.dry_run) return 0;
    if (to == "-") {
        if (::isatty(STDOUT_FILENO))
            throw error(Errc::usage, "cowardly refusing to export to a terminal, specify a file path");
        sys::write_all(STDOUT_FILENO, archive);
        return 0;
    }
    if (exists(to)) throw error(Errc::usage, "open {}: file exists", to);
    WholeFile file(to);
    sys::write_all(file.fd(), archive);
    file.finish();
    std::fprintf(stderr, "Written file \"%s\"\n", printable(to).c_str());
    return 0;
}

int run_context_import(Globals& globals, const Args& args) {
    std::vector<std::string> words;
    Options options(globals, "context import CONTEXT FILE|-", "Import a context from a tar file");
    options.arguments(words, 2, 2);
    if (!options.parse(args)) return 0;
    require_free(words[0]);
    const ContextFiles files = unpack_context(words[1] == "-" ? all_of(STDIN_FILENO) : read_file(words[1]));
    if (!globals.dry_run) write_context_files(words[0], files);
    say_done(words[0], "imported");
    return 0;
}

} // namespace davit::cli
