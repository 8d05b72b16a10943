// ProjectBuilder: what it sets are members of the plain structs; what it leaves out is normalize()'s.
#include "davit/project_builder.hpp"

#include "base/error.hpp"
#include "davit/in_code.hpp"
#include "davit/short_forms.hpp"

#include <utility>

namespace davit {

Project& ServiceBuilder::project() const { return builder_->project(); }
Service& ServiceBuilder::service() const { return project().services[name_]; }

ServiceBuilder& ServiceBuilder::image(std::string reference) {
    service().image = std::move(reference);
    return *this;
}

ServiceBuilder& ServiceBuilder::build_from(std::string context, std::string dockerfile) {
    BuildConfig& build = service().build.emplace();
    build.context = std::move(context);
    build.dockerfile = dockerfile.empty() ? "Dockerfile" : std::move(dockerfile);
    return *this;
}

ServiceBuilder& ServiceBuilder::command(Words words) {
    service().command = std::move(words);
    return *this;
}

ServiceBuilder& ServiceBuilder::entrypoint(Words words) {
    service().entrypoint = std::move(words);
    return *this;
}

ServiceBuilder& ServiceBuilder::environment(const std::string& name, std::string value) {
    service().environment[name] = std::move(value);
    return *this;
}

ServiceBuilder& ServiceBuilder::label(const std::string& name, std::string value) {
    service().labels[name] = std::move(value);
    return *this;
}

ServiceBuilder& ServiceBuilder::user(std::string user) {
    service().user = std::move(user);
    return *this;
}

ServiceBuilder& ServiceBuilder::working_dir(std::string path) {
    service().working_dir = std::move(path);
    return *this;
}

ServiceBuilder& ServiceBuilder::hostname(std::string name) {
    service().hostname = std::move(name);
    return *this;
}

ServiceBuilder& ServiceBuilder::port(const std::string& text) {
    for (Port& port : parse_short_ports(text)) service().ports.push_back(std::move(port));
    return *this;
}

ServiceBuilder& ServiceBuilder::network(const std::string& key, Words aliases) {
    project().networks[key];
    auto& network = service().networks[key];
    if (!network) network.emplace();
    for (std::string& alias : aliases) network->aliases.push_back(std::move(alias));
    return *this;
}

ServiceBuilder& ServiceBuilder::volume(const std::string& text) {
    Mount mount = parse_short_volume(text);
    if (mount.type == MountType::volume && !mount.source.empty()) project().volumes[mount.source];
    if (mount.type == MountType::volume && !mount.volume) mount.volume.emplace(); // as of a file
    service().volumes.push_back(std::move(mount));
    return *this;
}

ServiceBuilder& ServiceBuilder::tmpfs(std::string path) {
    service().tmpfs.push_back(std::move(path));
    return *this;
}

ServiceBuilder& ServiceBuilder::config(const std::string& key, std::string text, std::string target) {
    project().configs[key].content = std::move(text);
    FileReference& use = service().configs.emplace_back();
    use.source = key;
    use.target = std::move(target);
    return *this;
}

// A secret has no `content` in compose: its text goes the way of a variable.
ServiceBuilder& ServiceBuilder::secret(const std::string& key, std::string text) {
    const std::string variable = "DAVIT_SECRET_" + key;
    project().environment[variable] = std::move(text);
    project().secrets[key].environment = variable;
    service().secrets.emplace_back().source = key;
    return *this;
}

ServiceBuilder& ServiceBuilder::depends_on(const std::string& name, DependencyCondition condition) {
    Dependency& dependency = service().depends_on[name];
    dependency.condition = condition;
    dependency.inferred = false;
    return *this;
}

ServiceBuilder& ServiceBuilder::healthcheck(Words test, Duration interval, Duration start_period, int retries) {
    HealthCheck& check = service().healthcheck.emplace();
    check.test = std::move(test);
    if (interval.count() != 0) check.interval = interval;
    if (start_period.count() != 0) check.start_period = start_period;
    if (retries != 0) check.retries = static_cast<std::uint64_t>(retries);
    return *this;
}

ServiceBuilder& ServiceBuilder::restart(std::string policy) {
    service().restart = std::move(policy);
    return *this;
}

ServiceBuilder& ServiceBuilder::stop_signal(std::string signal) {
    service().stop_signal = std::move(signal);
    return *this;
}

ServiceBuilder& ServiceBuilder::stop_grace_period(Duration grace) {
    service().stop_grace_period = grace;
    return *this;
}

ServiceBuilder& ServiceBuilder::init(bool on) {
    service().init = on;
    return *this;
}

ServiceBuilder& ServiceBuilder::replicas(int count) {
    service().scale = count;
    return *this;
}

ServiceBuilder& ServiceBuilder::memory(std::int64_t bytes) {
    service().mem_limit = bytes;
    return *this;
}

ServiceBuilder& ServiceBuilder::cpus(double count) {
    service().cpus = count;
    return *this;
}

ServiceBuilder& ServiceBuilder::with(const std::function<void(Service&)>& change) {
    if (change) change(service());
    return *this;
}

ProjectBuilder::ProjectBuilder(std::string name) {
    project_.name = std::move(name);
    project_.working_dir = "/";
}

ServiceBuilder ProjectBuilder::service(const std::string& name) {
    project_.services[name].name = name;
    return {*this, name};
}

ProjectBuilder& ProjectBuilder::directory(std::string path) {
    project_.working_dir = std::move(path);
    return *this;
}

Project ProjectBuilder::build() const {
    Project out = project_;
    normalize(out);
    return out;
}

} // namespace davit
