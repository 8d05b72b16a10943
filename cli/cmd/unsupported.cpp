// Verbs of docker compose that this version lacks: whoever types one learns so, and what helps.
#include "base/error.hpp"
#include "cli/cmd/verbs.hpp"
#include "cli/context.hpp"
#include "cli/options.hpp"

#include <cstdio>

namespace davit::cli {

namespace {

bool wants_help(const Args& args, const char* synopsis, const char* summary) {
    for (const std::string& arg : args)
        if (arg == "--help" || arg == "-h") {
            Options options(synopsis, summary);
            std::fputs(options.help().c_str(), stdout);
            return true;
        }
    return false;
}

Error unsupported(const char* verb, const char* hint) {
    return error(Errc::unsupported, "this version of davit has no {}", verb).with_hint(hint);
}

} // namespace

int run_build(Globals& globals, const Args& args) {
    if (wants_help(args, "build [SERVICE...]", "Build images of services (this version of davit cannot)")) return 0;
    std::vector<std::string> services;
    for (const std::string& arg : args)
        if (!arg.starts_with("-")) services.push_back(arg);
    Context context(globals);
    const Project& project = context.project(services);
    std::string names;
    for (const auto& [name, service] : select_services(project, services, Dependencies::ignore).services)
        if (service.build) names += (names.empty() ? "" : ", ") + name;
    if (names.empty()) {
        std::fputs("No services to build\n", stderr);
        return 0;
    }
    throw error(Errc::unsupported, "this version of davit has no build: {} cannot be built", names)
        .with_hint("build elsewhere, save an OCI layout or docker-archive, and 'davit image load -i FILE'");
}

int run_push(Globals&, const Args& args) {
    if (wants_help(args, "push [SERVICE...]", "Push the images of services (this version of davit cannot)")) return 0;
    throw unsupported("push", "'davit image save -o FILE IMAGE' writes an archive that other tools can push");
}

int run_publish(Globals&, const Args& args) {
    if (wants_help(args, "publish REPOSITORY[:TAG]", "Publish the compose application (this version of davit cannot)")) return 0;
    throw unsupported("publish", "'davit config -o FILE' writes the resolved application to a file");
}

int run_watch(Globals&, const Args& args) {
    if (wants_help(args, "watch [SERVICE...]", "Refresh containers when files change (this version of davit cannot)")) return 0;
    throw unsupported("watch", "bind mount the sources, or run 'davit up -d' again after a change");
}

} // namespace davit::cli
