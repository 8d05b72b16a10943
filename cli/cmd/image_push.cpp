#include "cli/cmd/image.hpp"

#include "base/error.hpp"
#include "base/printable.hpp"
#include "cli/display/display.hpp"
#include "cli/docker_errors.hpp"
#include "cli/interrupts.hpp"
#include "cli/options.hpp"

#include <algorithm>
#include <cstdio>

namespace davit::cli {

namespace {

// All names of that repository.
std::vector<std::string> tags_of(Engine& engine, const ImageName& repository) {
    std::vector<std::string> out;
    for (const auto& image : list_images(engine))
        for (const auto& tag : image.tags) {
            const auto name = try_parse_image_name(tag);
            if (name && name->repository == repository.repository) out.push_back(tag);
        }
    if (out.empty())
        throw error(docker_is_spoken() ? Errc::usage : Errc::not_found, "{}: {}",
                    docker_is_spoken() ? "An image does not exist locally with the tag"
                                       : "an image does not exist locally with the name",
                    repository.repository);
    std::sort(out.begin(), out.end());
    return out;
}

// "docker.io/library/app"
std::string full_repository(const ImageName& name) {
    const std::string bare = name.canonical.substr(0, name.canonical.find('@'));
    return name.tag.empty() ? bare : bare.substr(0, bare.size() - name.tag.size() - 1);
}

std::string told(const PushedLayer& layer) {
    constexpr std::size_t shown = 12;
    const std::string id = layer.diff_id.substr(layer.diff_id.find(':') + 1).substr(0, shown);
    switch (layer.how) {
    case PushedLayer::How::present: return id + ": Layer already exists";
    case PushedLayer::How::mounted: return id + ": Mounted from " + layer.from;
    case PushedLayer::How::pushed: return id + ": Pushed";
    case PushedLayer::How::skipped: return id + ": Skipped foreign layer";
    }
    return id;
}

} // namespace

int run_image_push(Globals& globals, const Args& args) {
    bool all = false, quiet = false;
    std::vector<std::string> names;
    PushImageOptions push;
    Options options(globals, "image push [OPTIONS] NAME[:TAG]", "Upload an image to a registry");
    options.flag("a,all-tags", all, "Push all tags of an image to the repository")
        .value("platform", push.platform,
               "Push only what is for this platform (os[/arch[/variant]], e.g. \"linux/amd64\")")
        .flag("q,quiet", quiet, "Suppress verbose output")
        .ignored("disable-content-trust")
        .arguments(names, 1, 1);
    if (!options.parse(args)) return 0;
    const ImageName reference = parse_image_name(names[0]);
    const bool tagged = names[0].find(':', names[0].find_last_of('/') + 1) != std::string::npos;
    if (all && (tagged || !reference.digest.empty())) throw error(Errc::usage, "tag can't be used with --all-tags/-a");
    Interrupts interrupts;
    Engine engine = image_engine();
    const std::vector<std::string> pushed = all ? tags_of(engine, reference) : std::vector{reference.familiar};
    if (globals.dry_run) {
        for (const auto& name : pushed) {
            require_image(engine, name);
            std::printf("Would push: %s\n", printable(name).c_str());
        }
        return 0;
    }
    if (quiet || is_without_progress(globals)) globals.progress = "quiet";
    auto display = make_display(globals);
    const auto say = [&](const std::string& line) {
        if (quiet) return;
        display->beside([&] {
            std::puts(printable(line).c_str());
            std::fflush(stdout);
        });
    };
    push.events = [&](const Event& event) { display->on(event); };
    push.layer = [&](const PushedLayer& layer) { say(told(layer)); };
    if (!all && !tagged && reference.digest.empty()) say("Using default tag: latest");
    say("The push refers to repository [" + full_repository(reference) + "]");
    for (const auto& name : pushed)
        if (docker_is_spoken() && !find_image(engine, name)) throw error(Errc::usage, "tag does not exist: {}", name);
    for (const auto& name : pushed) {
        const PushedImage done = push_image(engine, name, push, interrupts.token());
        say(fmt::format("{}: digest: {} size: {}", done.tag, done.digest, done.size));
        if (quiet && !all) std::puts(printable(done.name).c_str());
    }
    display.reset();
    if (quiet && all) std::puts(printable(reference.repository).c_str());
    return 0;
}

} // namespace davit::cli
