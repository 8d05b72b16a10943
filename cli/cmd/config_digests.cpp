#include "cli/cmd/config_digests.hpp"

#include "base/error.hpp"
#include "registry/remote_image.hpp"
#include "yaml/print.hpp"

#include <deque>
#include <future>
#include <map>
#include <vector>

namespace davit::cli {

namespace {

// As docker compose writes it: a digest that is given stays and makes the tag superfluous.
std::string pinned(const std::string& name, const registry::RegistryOptions& options) {
    return in_context("looking up the digest of " + name, [&] {
        const registry::Reference reference = registry::Reference::parse(name);
        if (!reference.digest().empty()) return reference.with_digest(reference.digest()).canonical();
        return reference.canonical() + "@" + registry::RemoteImage(reference, options).digest();
    });
}

// Asks several registries at once, and all of them before the first failure is thrown, the others with it.
void pin(std::map<std::string, std::string>& names) {
    constexpr std::size_t at_once = 8;
    registry::RegistryOptions options;
    registry::read_daemon_config(options);
    ErrorList errors;
    std::deque<std::pair<std::string*, std::future<std::string>>> running;
    auto finish_first = [&] {
        errors.run([&] { *running.front().first = running.front().second.get(); });
        running.pop_front();
    };
    for (auto& [name, result] : names) {
        if (running.size() == at_once) finish_first();
        running.emplace_back(&result, std::async(std::launch::async, pinned, name, std::cref(options)));
    }
    while (!running.empty()) finish_first();
    errors.throw_if_any();
}

} // namespace

void pin_images(Project& project) {
    std::map<std::string, std::string> names;
    for (const auto& [key, service] : project.services)
        if (!service.image.empty()) names[service.image];
    pin(names);
    for (auto& [key, service] : project.services)
        if (!service.image.empty()) service.image = names[service.image];
}

void pin_images(yaml::Tree& tree, yaml::Node& root) {
    std::map<std::string, std::string> names;
    std::vector<std::pair<yaml::Entry*, std::string>> images;
    const yaml::Node* services = root.find("services");
    for (const yaml::Entry& service : services ? services->map() : std::span<yaml::Entry>()) {
        yaml::Entry* image = service.value->find_entry("image");
        if (!image || image->value->str().empty()) continue;
        if (image->value->str().find('$') != std::string_view::npos)
            throw error(Errc::usage, "the digest of {} needs the values of its variables", image->value->str())
                .with_at(tree.where(image->value->pos))
                .with_hint("leave out --no-interpolate");
        names[images.emplace_back(image, image->value->str()).second];
    }
    pin(names);
    for (auto& [entry, name] : images) entry->value = tree.string(names[name]);
}

void keep_images(yaml::Node& root) {
    const auto drop_others = [](yaml::Node& map, std::string_view kept) {
        for (std::size_t i = map.map().size(); i > 0; --i)
            if (map.map()[i - 1].key != kept) map.erase(map.map()[i - 1].key);
    };
    drop_others(root, "services");
    if (const yaml::Node* services = root.find("services"))
        for (const yaml::Entry& service : services->map()) drop_others(*service.value, "image");
}

std::string render_images(const Project& project, RenderFormat format) {
    yaml::Tree tree;
    yaml::Node* services = tree.map();
    for (const auto& [name, service] : project.services) {
        yaml::Node* one = tree.map();
        if (!service.image.empty()) tree.add(*one, "image", tree.string(service.image));
        tree.add(*services, tree.copy(name), one);
    }
    yaml::Node* root = tree.map();
    tree.add(*root, "services", services);
    return format == RenderFormat::json ? yaml::print_json(*root, true) : yaml::print_yaml(*root, true);
}

} // namespace davit::cli
