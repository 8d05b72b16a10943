#include "cli/cmd/config_digests.hpp"

#include "base/error.hpp"
#include "compose/print.hpp"
#include "compose/tree.hpp"
#include "image/remote.hpp"

#include <future>
#include <map>

namespace davit::cli {

namespace {

std::string pinned(const std::string& name, const image::PullOptions& options) {
    return in_context("looking up the digest of " + name, [&] {
        const image::Reference reference = image::Reference::parse(name);
        if (!reference.digest().empty()) return reference.canonical();
        return reference.canonical() + "@" + image::RemoteImage(reference, options).digest();
    });
}

} // namespace

void pin_images(Project& project) {
    constexpr std::size_t at_once = 8;
    image::PullOptions options;
    image::read_daemon_config(options);
    std::map<std::string, std::string> names;
    for (const auto& [key, service] : project.services)
        if (!service.image.empty()) names[service.image];
    std::vector<std::pair<std::string*, std::future<std::string>>> running;
    auto finish_first = [&] {
        *running.front().first = running.front().second.get();
        running.erase(running.begin());
    };
    for (auto& [name, result] : names) {
        if (running.size() == at_once) finish_first();
        running.emplace_back(&result, std::async(std::launch::async, pinned, name, std::cref(options)));
    }
    while (!running.empty()) finish_first();
    for (auto& [key, service] : project.services)
        if (!service.image.empty()) service.image = names[service.image];
}

std::string render_images(const Project& project, RenderFormat format) {
    compose::Tree tree;
    compose::Node* services = tree.map();
    for (const auto& [name, service] : project.services) {
        compose::Node* one = tree.map();
        if (!service.image.empty()) tree.add(*one, "image", tree.string(service.image));
        tree.add(*services, tree.copy(name), one);
    }
    compose::Node* root = tree.map();
    tree.add(*root, "services", services);
    return format == RenderFormat::json ? compose::print_json(*root, true) : compose::print_yaml(*root, true);
}

} // namespace davit::cli
