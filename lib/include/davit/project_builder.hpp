// Projects built in code: what people set most, a word each. All else stands in the plain structs of project.hpp, which
// service() and project() give access to; build() completes and checks the whole as load() does a file.
//
//     davit::ProjectBuilder shop("shop");
//     shop.service("db").image("postgres:16").environment("POSTGRES_PASSWORD", "x").volume("data:/data");
//     shop.service("web").image("nginx").port("80").depends_on("db", davit::DependencyCondition::healthy);
//     davit::Project project = shop.build();
//
// A builder is for one thread at a time. Nothing blocks, and nothing is looked at, before build().
#pragma once

#include "davit/project.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#pragma GCC visibility push(default)
namespace davit {

class ProjectBuilder;

// One service of a builder, which must outlive it. Copies mean the same service. What is set twice is what was set
// last; lists and maps grow.
class ServiceBuilder {
public:
    using Words = std::vector<std::string>;
    using Duration = std::chrono::nanoseconds;

    ServiceBuilder& image(std::string reference);
    // dockerfile: relative to the context; empty: Dockerfile.
    ServiceBuilder& build_from(std::string context, std::string dockerfile = {});
    ServiceBuilder& command(Words words);    // as exec has it: no shell
    ServiceBuilder& entrypoint(Words words); // empty: none, whatever the image's is
    ServiceBuilder& environment(const std::string& name, std::string value);
    ServiceBuilder& label(const std::string& name, std::string value);
    ServiceBuilder& user(std::string user);
    ServiceBuilder& working_dir(std::string path);
    ServiceBuilder& hostname(std::string name);

    // As in `ports:`; "80" is published on a free port. Errors: usage (no port).
    ServiceBuilder& port(const std::string& text);
    // A network of the project, which is declared by that.
    ServiceBuilder& network(const std::string& key, Words aliases = {});
    // As in `volumes:`; a name is declared as a volume of the project. Errors: usage (no volume).
    ServiceBuilder& volume(const std::string& text);
    ServiceBuilder& tmpfs(std::string path);
    // A file in the container with this text; the key is one of the project's configs.
    ServiceBuilder& config(const std::string& key, std::string text, std::string target);
    // As a config that is a secret: /run/secrets/KEY, and in no listing.
    ServiceBuilder& secret(const std::string& key, std::string text);

    ServiceBuilder& depends_on(const std::string& service,
                               DependencyCondition condition = DependencyCondition::started);
    // test: "CMD" or "CMD-SHELL" and words. Zero: the image's interval, or 30 s.
    ServiceBuilder& healthcheck(Words test, Duration interval = {}, Duration start_period = {}, int retries = 0);
    ServiceBuilder& restart(std::string policy); // always, on-failure:3, unless-stopped
    ServiceBuilder& stop_signal(std::string signal);
    ServiceBuilder& stop_grace_period(Duration grace);
    ServiceBuilder& init(bool on = true);
    ServiceBuilder& replicas(int count);
    ServiceBuilder& memory(std::int64_t bytes);
    ServiceBuilder& cpus(double count);

    // Everything else.
    ServiceBuilder& with(const std::function<void(Service&)>& change);
    Service& service() const;

private:
    friend class ProjectBuilder;
    ServiceBuilder(ProjectBuilder& builder, std::string name) : builder_(&builder), name_(std::move(name)) {}
    Project& project() const;

    ProjectBuilder* builder_;
    std::string name_;
};

class ProjectBuilder {
public:
    explicit ProjectBuilder(std::string name);
    // Goes on with one that was loaded.
    explicit ProjectBuilder(Project project) : project_(std::move(project)) {}

    // The service of that name, made if there is none.
    ServiceBuilder service(const std::string& name);
    // Declared by their first use in a service, too.
    Network& network(const std::string& key) { return project_.networks[key]; }
    Volume& volume(const std::string& key) { return project_.volumes[key]; }
    // Relative paths of bind mounts and builds start there; absolute.
    ProjectBuilder& directory(std::string path);
    Project& project() { return project_; }

    // The project, completed by normalize(): what Engine::up() and Scope take. The builder may go on afterwards.
    // Errors: LoadError with everything that is wrong, in the words of load().
    Project build() const;

private:
    Project project_;
};

} // namespace davit
#pragma GCC visibility pop
