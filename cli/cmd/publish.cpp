#include "davit/publish.hpp"

#include "base/error.hpp"
#include "base/printable.hpp"
#include "cli/cmd/config_digests.hpp"
#include "cli/cmd/verbs.hpp"
#include "cli/context.hpp"
#include "cli/options.hpp"
#include "davit/images.hpp"
#include "davit/merged.hpp"

#include <algorithm>
#include <cstdio>
#include <iostream>
#include <string>
#include <vector>

namespace davit::cli {

namespace {

bool agreed(const std::string& question) {
    std::fprintf(stderr, "%s [y/N]: ", printable(question, "\n").c_str());
    std::string answer;
    if (!std::getline(std::cin, answer)) std::fputc('\n', stderr); // the shell's prompt stands below
    return answer == "y" || answer == "Y" || answer == "yes";
}

// Each once, in the order of the services.
std::vector<std::string> images_of(const Project& project) {
    std::vector<std::string> out;
    for (const auto& [name, service] : project.services)
        if (!service.image.empty() && std::find(out.begin(), out.end(), service.image) == out.end())
            out.push_back(service.image);
    return out;
}

// Images by their digests: an override file for what is published, and what is copied beside it.
void pin(const Project& project, bool app, Publication& to) {
    Project pinned = project;
    pin_images(pinned);
    to.files.push_back({PublishedFile::Kind::compose, "image-digests.yaml", render_images(pinned, RenderFormat::yaml)});
    if (app) to.images = images_of(pinned);
}

// By docker's names in the words of its dry run.
int show(const Publication& publication, const Project& project, bool app, const std::string& docker_name) {
    if (!docker_name.empty()) {
        std::fprintf(stderr, " %s publishing\n %s published\n", printable(docker_name).c_str(),
                     printable(docker_name).c_str());
        return 0;
    }
    for (const auto& file : publication.files) std::printf("Would publish: %s\n", printable(file.name).c_str());
    for (const auto& name : app ? images_of(project) : std::vector<std::string>())
        std::printf("Would copy: %s\n", printable(name).c_str());
    return 0;
}

// What is built here is of no use to others before it is at its registry.
void push_images(Context& context, const Project& project) {
    PushOptions push;
    push.ignore_failures = true;
    context.engine().push(project, push, context.stop());
    context.mute();
}

} // namespace

int run_publish(Globals& globals, const Args& args) {
    std::vector<std::string> names;
    bool app = false, resolve_digests = false, yes = false;
    PublishOptions publish_options;
    Options options(globals, "publish [OPTIONS] REPOSITORY[:TAG]", "Publish the compose application");
    options.flag("app", app, "Published compose application (includes referenced images)")
        .flag("insecure-registry", publish_options.insecure, "The registry may speak plain HTTP")
        .hidden()
        .value("oci-version", publish_options.oci_version,
               "OCI image/artifact specification version (automatically determined by default)")
        .flag("resolve-image-digests", resolve_digests, "Pin image tags to digests")
        .flag("with-env", publish_options.with_env, "Include environment variables in the published OCI artifact")
        .flag("y,yes", yes, "Assume \"yes\" as answer to all prompts")
        .arguments(names, 1, 1);
    if (!options.parse(args)) return 0;
    parse_image_name(names[0]);
    globals.profiles.emplace_back("*"); // all of it, whatever is active here
    Context context(globals);
    const Project& project = context.as_written();
    Publication publication = prepare_publication(project, publish_options);
    for (const auto& question : publication.questions)
        if (!yes && !agreed(question)) {
            std::fputs("nothing was published\n", stderr);
            return 130;
        }
    if (context.dry_run()) return show(publication, project, app, globals.program == "davit" ? "" : names[0]);
    push_images(context, project);
    if (resolve_digests || app) pin(project, app, publication); // as they are now that they have been pushed
    std::fprintf(stderr, " %s publishing\n", printable(names[0]).c_str());
    const PublishedProject done = publish(publication, names[0], context.stop(), [](const std::string& image) {
        std::fprintf(stderr, " %s copied\n", printable(image).c_str());
    });
    std::fprintf(stderr, " %s published\n", printable(names[0]).c_str());
    std::printf("%s@%s\n", printable(done.name).c_str(), done.digest.c_str());
    return 0;
}

} // namespace davit::cli
