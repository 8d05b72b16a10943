#include "davit/publish.hpp"

#include "base/error.hpp"
#include "base/printable.hpp"
#include "cli/cmd/config_digests.hpp"
#include "cli/cmd/verbs.hpp"
#include "cli/context.hpp"
#include "cli/options.hpp"
#include "davit/images.hpp"
#include "davit/merged.hpp"

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

// An override that names each image by its digest.
std::string digests_of(const Project& project) {
    Project pinned = project;
    pin_images(pinned);
    return render_images(pinned, RenderFormat::yaml);
}

} // namespace

int run_publish(Globals& globals, const Args& args) {
    std::vector<std::string> names;
    bool app = false, resolve_digests = false, yes = false;
    PublishOptions publish_options;
    Options options(globals, "publish [OPTIONS] REPOSITORY[:TAG]", "Publish the compose application");
    options.flag("app", app, "Published compose application (includes referenced images)")
        .ignored("insecure-registry")
        .value("oci-version", publish_options.oci_version,
               "OCI image/artifact specification version (automatically determined by default)")
        .flag("resolve-image-digests", resolve_digests, "Pin image tags to digests")
        .flag("with-env", publish_options.with_env, "Include environment variables in the published OCI artifact")
        .flag("y,yes", yes, "Assume \"yes\" as answer to all prompts")
        .arguments(names, 1, 1);
    if (!options.parse(args)) return 0;
    if (app)
        throw error(Errc::unsupported, "images are not copied beside the published application")
            .with_hint("without --app the files are published and images stay where they are; --resolve-image-digests "
                       "pins them");
    parse_image_name(names[0]);
    globals.profiles.emplace_back("*"); // all of it, whatever is active here
    Context context(globals);
    const Project& project = context.as_written();
    if (resolve_digests && !context.dry_run()) publish_options.image_digests = digests_of(project);
    const Publication publication = prepare_publication(project, publish_options);
    for (const auto& question : publication.questions)
        if (!yes && !agreed(question)) {
            std::fputs("nothing was published\n", stderr);
            return 0;
        }
    if (context.dry_run()) {
        for (const auto& file : publication.files) std::printf("Would publish: %s\n", printable(file.name).c_str());
        return 0;
    }
    // What is built here is of no use to others before it is at its registry.
    PushOptions push;
    push.ignore_failures = true;
    context.engine().push(project, push, context.stop());
    context.mute();
    const PublishedProject done = publish(publication, names[0], context.stop());
    std::fprintf(stderr, " %s published\n", printable(names[0]).c_str());
    std::printf("%s@%s\n", printable(done.name).c_str(), done.digest.c_str());
    return 0;
}

} // namespace davit::cli
