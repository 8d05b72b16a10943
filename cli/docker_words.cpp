#include "cli/docker_words.hpp"

#include <algorithm>
#include <array>
#include <fmt/format.h>

namespace davit::cli {

namespace {

using enum WordGroup;

constexpr DockerWord words[] = {
    {"run", "container run", "Create and run a new container from an image", common},
    {"exec", "container exec", "Execute a command in a running container", common},
    {"ps", "container ls", "List containers", common},
    {"build", "image build", "Build an image from a Dockerfile", common},
    {"bake", "buildx bake", "Build from a file", common},
    {"pull", "image pull", "Download an image from a registry", common},
    {"push", "image push", "Upload an image to a registry", common},
    {"images", "image ls", "List images", common},
    {"login", "login", "Authenticate to a registry", common},
    {"logout", "logout", "Log out from a registry", common},
    {"search", "search", "Search Docker Hub for images", common},
    {"version", "version", "Show the version information", common},
    {"info", "system info", "Display information about this machine", common},

    {"builder", "builder", "Manage builds", management},
    {"buildx", "buildx", "Build with the options of docker buildx", management},
    {"compose", "", "Run multi-container applications", management},
    {"container", "container", "Manage containers", management},
    {"context", "context", "Manage contexts", management},
    {"image", "image", "Manage images", management},
    {"manifest", "manifest", "Manage manifests of images in registries", management},
    {"network", "network", "Manage networks", management},
    {"plugin", "plugin", "List plugins (davit has none)", management},
    {"system", "system", "Manage what davit keeps, look at what happens", management},
    {"volume", "volume", "Manage volumes", management},

    {"config", "config", "Manage Swarm configs", swarm},
    {"node", "node", "Manage the one node of the swarm", swarm},
    {"secret", "secret", "Manage Swarm secrets", swarm},
    {"service", "service", "Manage Swarm services", swarm},
    {"stack", "stack", "Manage Swarm stacks", swarm},
    {"swarm", "swarm", "Make this machine a swarm of one node", swarm},

    {"attach", "container attach", "Attach to a running container"},
    {"commit", "container commit", "Create a new image from a container's changes"},
    {"cp", "container cp", "Copy files between a container and this machine"},
    {"create", "container create", "Create a new container"},
    {"diff", "container diff", "Inspect changes to files of a container"},
    {"events", "system events", "Get real time events"},
    {"export", "container export", "Export a container's file system as a tar archive"},
    {"history", "image history", "Show the history of an image"},
    {"import", "image import", "Import the files of a tar archive as an image"},
    {"inspect", "inspect", "Return low-level information on objects"},
    {"kill", "container kill", "Kill one or more running containers"},
    {"load", "image load", "Load images from a tar archive or standard input"},
    {"logs", "container logs", "Fetch the logs of a container"},
    {"pause", "container pause", "Pause all processes within one or more containers"},
    {"port", "container port", "List port mappings of a container"},
    {"rename", "container rename", "Rename a container"},
    {"restart", "container restart", "Restart one or more containers"},
    {"rm", "container rm", "Remove one or more containers"},
    {"rmi", "image rm", "Remove one or more images"},
    {"save", "image save", "Save one or more images to a tar archive"},
    {"start", "container start", "Start one or more stopped containers"},
    {"stats", "container stats", "Display a live stream of containers' use of resources"},
    {"stop", "container stop", "Stop one or more running containers"},
    {"tag", "image tag", "Create a tag TARGET_IMAGE that refers to SOURCE_IMAGE"},
    {"top", "container top", "Display the running processes of a container"},
    {"unpause", "container unpause", "Unpause all processes within one or more containers"},
    {"update", "container update", "Update configuration of one or more containers"},
    {"wait", "container wait", "Block until containers stop, then print their exit codes"},

    {"completion", "completion", "Print the completion script of a shell", hidden},
    {"__complete", "__complete", "What the shell offers next", hidden},
};

// What davit has for a machine, and docker compose too.
constexpr std::string_view of_both[] = {"ls", "completion"};

constexpr std::string_view base_name(std::string_view path) { return path.substr(path.rfind('/') + 1); }

} // namespace

Grammar grammar_of(std::string_view program) {
    const std::string_view name = base_name(program);
    return name == "docker" ? Grammar::docker : name == "docker-compose" ? Grammar::compose : Grammar::davit;
}

std::span<const DockerWord> docker_words() { return words; }

std::optional<Args> from_docker_words(const Args& args) {
    if (args.empty()) return std::nullopt;
    const auto* found = std::find_if(std::begin(words), std::end(words),
                                     [&](const DockerWord& w) { return args.front() == w.word && !w.path.empty(); });
    if (found == std::end(words)) return std::nullopt;
    const std::size_t space = found->path.find(' ');
    Args out{std::string(found->path.substr(0, space))};
    if (space != std::string_view::npos) out.emplace_back(found->path.substr(space + 1));
    out.insert(out.end(), args.begin() + 1, args.end());
    return out;
}

bool is_compose_verb(const Verb& verb) {
    return verb.group != VerbGroup::machine ||
           std::find(std::begin(of_both), std::end(of_both), verb.name) != std::end(of_both);
}

std::string docker_help() {
    std::string out;
    const std::pair<WordGroup, const char*> sections[] = {{common, "Common Commands:"},
                                                          {management, "Management Commands:"},
                                                          {swarm, "Swarm Commands:"},
                                                          {other, "Commands:"}};
    for (const auto& [group, title] : sections) {
        out += fmt::format("{}{}\n", out.empty() ? "" : "\n", title);
        for (const DockerWord& w : words)
            if (w.group == group) out += fmt::format("  {:<12}{}\n", w.word, w.summary);
    }
    return out + "\nRun 'docker COMMAND --help' for more information on a command.\n"
                 "What of docker davit has, and what not: docs/docker.md, davit-docker(1).";
}

} // namespace davit::cli
