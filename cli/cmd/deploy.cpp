// `deploy --to`: the project to the engine of more than one machine, by that engine's own client.
#include "base/error.hpp"
#include "base/printable.hpp"
#include "base/process.hpp"
#include "cli/cmd/export_project.hpp"
#include "cli/cmd/verbs.hpp"
#include "cli/confirm.hpp"
#include "cli/context.hpp"
#include "cli/load_options.hpp"
#include "cli/options.hpp"
#include "cli/terminal.hpp"
#include "davit/build.hpp"
#include "davit/deploying.hpp"
#include "davit/registry.hpp"

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

namespace davit::cli {

namespace {

namespace fs = std::filesystem;
using Words = std::vector<std::string>;

struct EngineFlags {
    ExportFlags exported;
    std::string context, name;
    int timeout = 600;
    bool yes = false, no_push = false, no_wait = false, prune = false;
};

// The export, where nobody asked to keep it.
class ScratchDirectory {
public:
    ScratchDirectory() {
        std::string name = (fs::temp_directory_path() / "davit-deploy-XXXXXX").string();
        if (!::mkdtemp(name.data())) throw sys_error(errno, "making a directory like {}", name);
        path_ = name;
    }
    ScratchDirectory(const ScratchDirectory&) = delete;
    ~ScratchDirectory() {
        std::error_code ignored;
        fs::remove_all(path_, ignored);
    }
    const std::string& path() const { return path_; }

private:
    std::string path_;
};

// What a client says on standard output, without the last newline.
std::string answer_of(const Words& argv) {
    SpawnOptions options;
    options.argv = argv;
    Output said;
    try {
        said = run(std::move(options));
    } catch (const Error& e) {
        throw error(Errc::not_found, "{} cannot be started: {}", argv.front(), e.what())
            .with_hint(fmt::format("a deployment is the work of {}: install it, and set it up", argv.front()));
    }
    if (said.status.code != 0)
        throw error(Errc::failed, "{}: {}", fmt::join(argv, " "),
                    printable(said.err.empty() ? said.out : said.err, "\n\t"));
    while (said.out.ends_with('\n')) said.out.pop_back();
    return said.out;
}

std::string shell_variable(const char* name) {
    const char* value = std::getenv(name);
    return value ? value : "";
}

// What is shown before the question.
struct Place {
    std::string text;
};

Place docker_place(DeployTarget& target, const Project& project, const EngineFlags& flags) {
    if (!flags.context.empty()) ::setenv("DOCKER_CONTEXT", flags.context.c_str(), 1);
    target.context = answer_of({"docker", "context", "inspect", "--format", "{{.Name}}"});
    const std::string node =
        answer_of({"docker", "info", "--format", "{{.Name}} {{.Swarm.LocalNodeState}} {{.Swarm.ControlAvailable}}"});
    if (!node.ends_with(" active true"))
        throw error(Errc::unavailable, "docker's context {} is no manager of a swarm ({})", target.context, node)
            .with_hint("docker swarm init there, or name another: --context");
    target.name = flags.name.empty() ? project.name : flags.name;
    const std::string version = answer_of({"docker", "version", "--format", "{{.Client.Version}}"});
    target.stack_waits = std::atoi(version.c_str()) >= 26;
    return {fmt::format("the stack {} to the swarm of {} (docker's context {})", target.name,
                        node.substr(0, node.find(' ')), target.context)};
}

// Who may not look at namespaces has one that somebody else has made.
bool has_namespace(const DeployTarget& target) {
    try {
        return !answer_of({"kubectl", "get", "namespace", target.name, "--ignore-not-found", "-o", "name", "--context",
                           target.context})
                    .empty();
    } catch (const Error& e) {
        if (e.kind() == Errc::not_found) throw;
        return true;
    }
}

Place kubectl_place(DeployTarget& target, const Project& project, const EngineFlags& flags) {
    target.context = flags.context.empty() ? answer_of({"kubectl", "config", "current-context"}) : flags.context;
    target.name = flags.name.empty() ? project.name : flags.name;
    target.make_namespace = !has_namespace(target);
    return {fmt::format("{} to Kubernetes: context {}, namespace {}{}", project.name, target.context, target.name,
                        target.make_namespace ? ", which will be made" : "")};
}

std::string region_of(const Project& project) {
    if (const auto it = project.extensions.find("x-aws-region"); it != project.extensions.end())
        if (const auto* text = std::get_if<std::string>(&it->second.data)) return *text;
    for (const char* name : {"AWS_REGION", "AWS_DEFAULT_REGION"})
        if (!shell_variable(name).empty()) return shell_variable(name);
    return answer_of({"aws", "configure", "get", "region"});
}

Place aws_place(DeployTarget& target, const Project& project) {
    const auto caller =
        nlohmann::json::parse(answer_of({"aws", "sts", "get-caller-identity", "--output", "json"}), nullptr, false);
    if (!caller.is_object() || !caller.contains("Account"))
        throw error(Errc::failed, "aws does not say whose account it works in")
            .with_hint("aws sts get-caller-identity");
    target.account = caller["Account"].get<std::string>();
    target.region = region_of(project);
    return {fmt::format("{} to Amazon ECS: account {}, region {}, as {}", project.name, target.account, target.region,
                        caller.value("Arn", "?"))};
}

Place place_of(DeployTarget& target, const Project& project, const EngineFlags& flags) {
    if (target.target == ExportTarget::swarm) return docker_place(target, project, flags);
    if (target.target == ExportTarget::kubernetes) return kubectl_place(target, project, flags);
    return aws_place(target, project);
}

bool agreed(const Place& place, const EngineFlags& flags) {
    if (flags.yes) return true;
    if (!is_terminal(STDIN_FILENO))
        throw error(Errc::usage, "nobody is here to be asked whether {} is meant", place.text).with_hint("--yes");
    const char* also = flags.prune ? ", and takes away what is no longer in the file" : "";
    return confirmed("This deploys " + printable(place.text) + also + ".");
}

void run_all(const std::vector<DeployCommand>& commands) {
    for (const DeployCommand& command : commands) {
        std::fprintf(stderr, "==> %s\n", printable(command.title).c_str());
        SpawnOptions options;
        options.argv = command.argv;
        options.env.emplace();
        for (char** e = environ; e && *e; ++e) options.env->emplace_back(*e);
        for (const std::string& more : command.environment) {
            std::erase_if(*options.env,
                          [&](const std::string& e) { return e.starts_with(more.substr(0, more.find('=') + 1)); });
            options.env->push_back(more);
        }
        const ExitStatus status = Child::spawn(options).wait();
        if (status.code != 0)
            throw error(Errc::failed, "{} failed with status {}", fmt::join(command.argv, " "), status.code)
                .with_hint("what was deployed before it stays; deploy again when it is mended");
    }
}

// ECR's passwords are good for twelve hours. Its domain is that of the region.
void log_in_to_ecr(const DeployTarget& target, const ExportResult& exported, const Project& project) {
    const std::string ours = fmt::format("{}.dkr.ecr.{}.", target.account, target.region);
    for (const ExportedImage& image : exported.images) {
        const std::string& reference = project.services.at(image.service).image;
        if (!reference.starts_with(ours)) continue;
        const std::string registry = reference.substr(0, reference.find('/'));
        login({registry, "AWS", answer_of({"aws", "ecr", "get-login-password", "--region", target.region})});
        return;
    }
}

void push_images(Context& context, const ExportResult& exported, const DeployTarget& target) {
    if (exported.images.empty()) return;
    const Project project = with_exported_images(context.project(), exported, target);
    if (target.target == ExportTarget::ecs) log_in_to_ecr(target, exported, project);
    BuildServicesOptions build;
    PushOptions push;
    for (const ExportedImage& image : exported.images) {
        build.services.push_back(image.service);
        push.services.push_back(image.service);
    }
    context.engine().build_services(project, build, {}, context.stop());
    context.engine().push(project, push, context.stop());
}

int deploy(Globals& globals, EngineFlags& flags) {
    const LoadResult loaded = load_project_to_export(globals, flags.exported.services);
    const ScratchDirectory scratch;
    if (flags.exported.to == "ecs") flags.exported.format = "cli";
    if (flags.exported.output.empty()) flags.exported.output = scratch.path() + "/";
    else flags.exported.output += "/";
    DeployTarget target;
    target.target = export_target(flags.exported.to);
    target.directory = fs::absolute(flags.exported.output).lexically_normal().string();
    while (target.directory.ends_with('/')) target.directory.pop_back();
    target.timeout = flags.timeout;
    target.wait = !flags.no_wait;
    target.prune = flags.prune;
    target.selected = flags.exported.services;
    check_deploy_target(target);
    const ExportResult exported = export_loaded(loaded.project, flags.exported);
    const Place place = place_of(target, loaded.project, flags);
    const DeployPlan plan = deploy_plan(exported, target);
    if (globals.dry_run) {
        std::printf("This would deploy %s:\n", printable(place.text).c_str());
        for (const auto* commands : {&plan.before_images, &plan.commands})
            for (const DeployCommand& c : *commands)
                std::printf("  %s\n", printable(fmt::format("{}", fmt::join(c.argv, " "))).c_str());
        return 0;
    }
    if (!agreed(place, flags)) return 1;
    Context context(globals);
    run_all(plan.before_images);
    if (!flags.no_push) push_images(context, exported, target);
    run_all(plan.commands);
    return 0;
}

} // namespace

int run_deploy(Globals& globals, const Args& args) {
    EngineFlags flags;
    Options options(globals, "deploy --to swarm|kubernetes|ecs [OPTIONS] [SERVICE...]",
                    "Deploy the project to an engine for more than one machine\n\nThe project is exported as `davit "
                    "export` does, and the engine's own client gets the files: docker, kubectl or aws. Account and "
                    "context are shown first, and asked for. Images of services with `build` are built and pushed.");
    options.value("to", flags.exported.to, "Values: [swarm | kubernetes | ecs]")
        .value("context", flags.context, "The context of docker or kubectl; the current one unless given")
        .value("layout", flags.exported.layout,
               "ECS: a task for each service, or one for all. Values: [service | task]")
        .value("name", flags.name, "The stack, or the namespace; the project's name unless given")
        .flag("no-push", flags.no_push, "The images are there already")
        .flag("no-wait", flags.no_wait, "Do not wait until all is running")
        .value("o,output", flags.exported.output, "Keep the export in this directory")
        .flag("prune", flags.prune, "Take away what was deployed before and is no longer in the file")
        .value("registry", flags.exported.registry, "Where images of services with `build` are pushed to: HOST/PATH")
        .value("report", flags.exported.report, "What became of the keys. Values: [text | all | json | none]")
        .flag("strict", flags.exported.strict, "Deploy nothing when a key would be dropped")
        .value("timeout", flags.timeout, "Seconds for each workload of Kubernetes to be ready")
        .flag("y,yes", flags.yes, "Do not ask")
        .arguments(flags.exported.services);
    if (!options.parse(args)) return 0;
    if (flags.exported.to.empty())
        throw error(Errc::usage, "where to?").with_hint("--to swarm, --to kubernetes or --to ecs");
    return deploy(globals, flags);
}

} // namespace davit::cli
